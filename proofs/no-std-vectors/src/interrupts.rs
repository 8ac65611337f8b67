//! A microcontroller whose interrupt asks the same limiter as its program, in the middle of the program's calls: exactly the limit passes.

#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use cortex_m::peripheral::{Peripherals, syst::SystClkSource};
use cortex_m_rt::{entry, exception};
use cortex_m_semihosting::hprintln;
use tidegate::{Algorithm, Limiter, Quota};

include!("device.rs");

const LIMIT: u32 = 50_000;

static GATE: Limiter = match Quota::per_hour(LIMIT as u64) {
    Ok(quota) => Limiter::fixed(Algorithm::Gcra, quota),
    Err(_) => panic!("it is a limit"),
};

/// What has passed in the program, and in the interrupt.
static PASSED: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];

/// Whether a permit was to be had. Time stands still.
fn ask(who: usize) -> bool {
    let passed = GATE.try_acquire_at(0, 1);
    if passed {
        PASSED[who].fetch_add(1, Relaxed);
    }
    passed
}

#[exception]
fn SysTick() {
    ask(1);
}

#[entry]
fn main() -> ! {
    if let Some(mut devices) = Peripherals::take() {
        devices.SYST.set_clock_source(SystClkSource::Core);
        // So few ticks that it comes every few calls.
        devices.SYST.set_reload(1_009);
        devices.SYST.clear_current();
        devices.SYST.enable_counter();
        devices.SYST.enable_interrupt();
        let mut calls = 0_u32;
        while ask(0) {
            // A pause of another length each time, or it would always come at the same place of a call.
            calls = calls.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            cortex_m::asm::delay(calls >> 26);
        }
        devices.SYST.disable_interrupt();
    }
    hprintln!("passed {} and {} of {}", PASSED[0].load(Relaxed), PASSED[1].load(Relaxed), LIMIT);
    end(true)
}
