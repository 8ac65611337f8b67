//! What a program without the standard library must say itself: what a panic does. It stops here; nothing crosses into C.

use core::panic::PanicInfo;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
