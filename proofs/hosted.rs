// What a program without std still needs of the system that it runs under: an end for a panic.

/// A panic is a wrong answer that has no number.
#[panic_handler]
fn panicked(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: `abort` of the C library takes nothing and does not return.
    unsafe { abort() }
}

/// `core` comes compiled for unwinding and names this; with `panic = "abort"` nobody calls it.
// SAFETY: the standard library, which would bring its own, is what this program is there to do without.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

// The C library's start files call `main`; nothing else of the operating system is used.
// SAFETY: `void abort(void)`, which does not return, is in every C library.
#[link(name = "c")]
unsafe extern "C" {
    fn abort() -> !;
}
