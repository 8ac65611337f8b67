// What every program of the microcontroller has: a heap, and an end.

use cortex_m_semihosting::debug;

mod heap {
    include!("../../heap.rs");

    #[global_allocator]
    static HEAP: Heap<{ 8 << 20 }> = Heap::new();
}

fn end(well: bool) -> ! {
    debug::exit(if well { debug::EXIT_SUCCESS } else { debug::EXIT_FAILURE });
    loop {
        cortex_m::asm::nop();
    }
}

#[panic_handler]
fn panicked(info: &core::panic::PanicInfo<'_>) -> ! {
    hprintln!("{}", info);
    end(false)
}
