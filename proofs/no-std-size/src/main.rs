//! A firmware that lets an event through or not, and says so on a pin; what a limiter adds to it is what a limiter costs.
//!
//! All inputs and outputs are volatile, so that nothing is worked out by the compiler: the time, the cost, and the answers.

#![no_std]
#![no_main]

use core::ptr::{read_volatile, write_volatile};

use cortex_m_rt::entry;

/// Where the device would have its registers.
static mut TIME: [u32; 2] = [0; 2];
static mut COST: u32 = 1;
static mut PIN: [u32; 8] = [0; 8];

fn read(register: *const u32) -> u32 {
    // SAFETY: the registers are statics of this program, which nothing else touches.
    unsafe { read_volatile(register) }
}

fn now() -> u64 {
    let time = (&raw const TIME).cast::<u32>();
    u64::from(read(time)) | u64::from(read(time.wrapping_add(1))) << 32
}

fn say(pin: usize, value: u64) {
    let pin = (&raw mut PIN).cast::<u32>().wrapping_add(pin);
    // SAFETY: as above; every `pin` is less than 7.
    unsafe {
        write_volatile(pin, value as u32);
        write_volatile(pin.wrapping_add(1), (value >> 32) as u32);
    }
}

/// One of a hundred a second, known where this is compiled.
#[cfg(feature = "word")]
const RULE: tidegate::WordLimiter = match tidegate::Quota::per_second(100) {
    Ok(quota) => tidegate::WordLimiter::fixed(tidegate::Algorithm::Gcra, quota),
    Err(_) => panic!("100 is a limit"),
};
#[cfg(feature = "word")]
static WORD: tidegate::Word = tidegate::Word::new(0);

#[cfg(feature = "try-acquire")]
static GATE: tidegate::Limiter = match tidegate::Quota::per_second(100) {
    Ok(quota) => tidegate::Limiter::fixed(tidegate::Algorithm::Gcra, quota),
    Err(_) => panic!("100 is a limit"),
};

#[entry]
fn main() -> ! {
    loop {
        let (now, cost) = (now(), u64::from(read(&raw const COST)));
        #[cfg(not(any(feature = "try-acquire", feature = "word")))]
        let allowed = now > cost;
        #[cfg(all(feature = "word", not(feature = "word-decision")))]
        let allowed = RULE.try_acquire_at(&WORD, now, cost).unwrap_or(false);
        #[cfg(feature = "word-decision")]
        let allowed = RULE.take_at(&WORD, now, cost).is_ok_and(|decision| {
            say(2, decision.remaining());
            say(4, decision.retry_after_nanos().unwrap_or(u64::MAX));
            decision.is_allowed()
        });
        #[cfg(all(feature = "try-acquire", not(feature = "decision")))]
        let allowed = GATE.try_acquire_at(now, cost);
        #[cfg(feature = "decision")]
        let allowed = {
            let decision = GATE.take_at(now, cost);
            say(2, decision.remaining());
            say(4, decision.retry_after_nanos().unwrap_or(u64::MAX));
            decision.is_allowed()
        };
        say(0, u64::from(allowed));
    }
}

#[panic_handler]
fn panicked(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        cortex_m::asm::nop();
    }
}
