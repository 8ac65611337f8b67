//! The program of the microcontroller: prints the figures; a panic ends it with 1.

#![no_std]
#![no_main]

use cortex_m_rt::entry;
use cortex_m_semihosting::hprintln;

include!("device.rs");

#[entry]
fn main() -> ! {
    let figures = no_std_vectors::figures();
    hprintln!("figures {:?}", figures);
    end(true)
}
