//! What JavaScript sees: `play`, which returns where the figures are. A panic traps.

use core::sync::atomic::AtomicU32;

include!("../../heap.rs");

#[global_allocator]
static HEAP: Heap<{ 8 << 20 }> = Heap::new();

static FIGURES: [AtomicU32; 7] = [const { AtomicU32::new(0) }; 7];

/// Plays all of it; the address of the figures, each an unsigned number of 32 bits.
// SAFETY: no other function of this module is called `play`.
#[unsafe(no_mangle)]
pub extern "C" fn play() -> *const AtomicU32 {
    for (place, figure) in FIGURES.iter().zip(crate::figures()) {
        place.store(figure, Relaxed);
    }
    FIGURES.as_ptr()
}

#[panic_handler]
fn panicked(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
