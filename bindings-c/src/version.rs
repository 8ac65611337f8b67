//! `tidegate_version`: which library runs, as opposed to which header was compiled against.

use core::ffi::{CStr, c_char};

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(text) => text,
    Err(_) => panic!("a version has no NUL"),
};

/// The version of the library that runs, such as "0.1.0". Compare it with `TIDEGATE_VERSION`, the version of this header.
///
/// @return A static text, never NULL; do not free it.
///
/// Thread safety: may be called from any thread at any time.
#[unsafe(no_mangle)]
pub extern "C" fn tidegate_version() -> *const c_char {
    VERSION.as_ptr()
}
