//! Link arguments of a Node-API addon, platform by platform.

fn main() {
    napi_build::setup();
}
