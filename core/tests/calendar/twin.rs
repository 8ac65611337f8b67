//! Random sequences of every verb against the reference model, which is given nothing but a list of where windows begin.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};

use tidegate::{Calendar, CalendarUnit};

use crate::calendar;
use crate::common::{Numbers, Twin};

const ZONES: [&str; 4] = ["Europe/Paris", "Pacific/Apia", "America/St_Johns", "UTC"];

/// Where the windows of a calendar begin, up to the end of the clock. (That they are right is tested beside this.)
fn starts(calendar: Calendar) -> &'static [u64] {
    static KNOWN: OnceLock<Mutex<HashMap<Calendar, &'static [u64]>>> = OnceLock::new();
    let mut known = KNOWN.get_or_init(Default::default).lock().expect("no panic before");
    known.entry(calendar).or_insert_with(|| {
        let starts = std::iter::successors(Some(0), |&start| Some(calendar.window_at(start).end));
        Vec::leak(starts.take_while(|&start| start < 1 << 63).collect())
    })
}

#[test]
fn windows_of_the_calendar_are_the_reference() {
    let cases = std::env::var("TIDEGATE_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000);
    let (mut ran, mut steps) = (0u64, 0u64);
    for seed in 0..cases {
        let mut numbers = Numbers::new(seed * 8 + 7);
        // Hours are 2.6 million windows: one zone of them.
        let unit = CalendarUnit::ALL[numbers.below(5) as usize];
        let zone = if unit == CalendarUnit::Hour { ZONES[0] } else { ZONES[numbers.below(4) as usize] };
        let calendar = calendar(unit, zone);
        let Some(mut twin) = Twin::of_calendar(calendar, starts(calendar), &mut numbers) else { continue };
        ran += 1;
        for _ in 0..numbers.below(40) + 1 {
            if let Err(difference) = twin.step(&mut numbers) {
                panic!("seed {seed}: {difference}\n{}", twin.history());
            }
            steps += 1;
        }
    }
    assert!(ran * 2 >= cases, "most configurations should be legal: {ran} of {cases}");
    println!("{ran} limiters, {steps} steps");
}
