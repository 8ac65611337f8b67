//! Gives the shared library its soname, which cargo does not: `libtidegate.so.0.1` for every 0.1.x, `libtidegate.so.1` for every 1.x.
//!
//! The number changes when the interface may: at each minor version before 1.0, at each major version from then on.

use std::env::var;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let part = |name: &str| var(format!("CARGO_PKG_VERSION_{name}")).unwrap_or_default();
    let (major, minor) = (part("MAJOR"), part("MINOR"));
    let interface = if major == "0" { format!("0.{minor}") } else { major };
    match var("CARGO_CFG_TARGET_OS").unwrap_or_default().as_str() {
        "linux" | "android" | "freebsd" | "netbsd" | "openbsd" | "dragonfly" => {
            println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libtidegate.so.{interface}");
        }
        "macos" | "ios" => {
            println!("cargo::rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libtidegate.{interface}.dylib");
        }
        _ => {}
    }
}
