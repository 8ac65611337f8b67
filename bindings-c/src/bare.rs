//! What a program without the standard library must say itself: what a panic does. It would stop here, and nothing would cross into C; but no function
//! of this library can panic, and `make exports` proves it of each build.

use core::panic::PanicInfo;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
