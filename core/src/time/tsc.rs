//! The processor's time stamp counter as a clock, disciplined by the system's monotonic clock.
//!
//! Only where Linux uses the counter as its own clock source: then the kernel has checked that it ticks at one rate, in step on all
//! cores, and goes on through sleep states. Elsewhere the system's clock is read each time.
//!
//! Counter readings become nanoseconds by a line `offset + tsc * rate`. A line holds for a limited time; whoever reads past its
//! end takes a new bearing from the system's clock and draws the next line from where the last one is, so that time neither
//! steps back nor drifts away. The lines are published through a sequence lock, and a reader that meets a writer asks the system.

#[cfg(not(all(target_arch = "x86_64", target_os = "linux", not(tidegate_loom), not(miri))))]
pub(super) use super::monotonic::system_monotonic as now;

#[cfg(all(target_arch = "x86_64", target_os = "linux", not(tidegate_loom), not(miri)))]
pub(super) use counter::now;

#[cfg(all(target_arch = "x86_64", target_os = "linux", not(tidegate_loom), not(miri)))]
mod counter {
    extern crate std;

    use crate::sync::{
        AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
        fence,
    };
    use crate::time::monotonic::system_monotonic;
    use parking_lot::Mutex;

    /// Nanoseconds a tick, times 2^64: counters slower than a gigahertz are not used. The high half of a product is then the time,
    /// with nothing to shift between reading the counter and deciding.
    type Rate = u64;

    /// The first bearing is trusted once the system's clock has moved on by this much: reading error 50 ns, so 2.5 ppm.
    const FIRST_BASELINE: u64 = 20_000_000;
    /// A line holds for at most this long, and for at most ten times the baseline that its rate was measured over.
    const LONGEST_LINE: u64 = 1_000_000_000;
    /// Ticks between two readings of the counter around one of the system's clock, unless something came between: about 10 us.
    const LONGEST_READING: u64 = 1 << 15;

    /// The line in force. `sequence` is odd while it is being changed; a rate of 0 means that there is none, but a time that was told.
    static SEQUENCE: AtomicU64 = AtomicU64::new(0);
    static TSC0: AtomicU64 = AtomicU64::new(0);
    static OFFSET: AtomicU64 = AtomicU64::new(0);
    static RATE: AtomicU64 = AtomicU64::new(0);
    static END: AtomicU64 = AtomicU64::new(0);

    static BEARING: Mutex<Option<Bearing>> = Mutex::new(None);

    #[derive(Clone, Copy)]
    struct Line {
        tsc0: u64,
        /// The time that the line has at the counter's zero, modulo 2^64.
        offset: u64,
        rate: Rate,
        end: u64,
    }

    /// One moment on both clocks.
    #[derive(Clone, Copy)]
    struct Bearing {
        tsc: u64,
        ns: u64,
        /// Whether the kernel trusts the counter.
        trusted: bool,
    }

    impl Line {
        /// The line of `rate` through `ns` at `tsc0`.
        fn through(tsc0: u64, ns: u64, rate: Rate, end: u64) -> Line {
            Line { tsc0, offset: ns.wrapping_sub(scaled(tsc0, rate)), rate, end }
        }

        #[inline(always)]
        fn at(&self, tsc: u64) -> u64 {
            self.offset.wrapping_add(scaled(tsc, self.rate))
        }

        /// The latest time that anybody can have been told by this line before `tsc`. Past its end it is only followed by those who
        /// come while the next is drawn; long past, by nobody.
        fn told(&self, tsc: u64) -> u64 {
            let length = self.end.saturating_sub(self.tsc0);
            self.at(tsc.min(self.end.saturating_add(length)).max(self.tsc0))
        }
    }

    #[inline(always)]
    fn scaled(tsc: u64, rate: Rate) -> u64 {
        ((u128::from(tsc) * u128::from(rate)) >> 64) as u64
    }

    #[allow(unsafe_code)]
    #[inline(always)]
    fn counter() -> u64 {
        // SAFETY: RDTSC is part of every x86-64 processor, and reads nothing but a register.
        unsafe { core::arch::x86_64::_rdtsc() }
    }

    #[inline]
    pub(in crate::time) fn now() -> u64 {
        let sequence = SEQUENCE.load(Acquire);
        let line = read();
        fence(Acquire);
        let tsc = counter();
        // One comparison for "after the beginning" and "before the end".
        let fresh = tsc.wrapping_sub(line.tsc0) < line.end.wrapping_sub(line.tsc0);
        if fresh && sequence & 1 == 0 && SEQUENCE.load(Relaxed) == sequence { line.at(tsc) } else { bearing() }
    }

    #[inline(always)]
    fn read() -> Line {
        Line {
            tsc0: TSC0.load(Relaxed),
            offset: OFFSET.load(Relaxed),
            rate: RATE.load(Relaxed),
            end: END.load(Relaxed),
        }
    }

    /// Takes a new bearing and draws the next line, unless someone else is at it.
    #[cold]
    #[inline(never)]
    fn bearing() -> u64 {
        let Some(mut last) = BEARING.try_lock() else { return meanwhile() };
        let line = read();
        // Preempted in between, again and again: no bearing this time.
        let Some((tsc, ns)) = both_clocks() else { return system_monotonic().max(line.told(counter())) };
        let told = line.told(tsc);
        let now = Bearing { tsc, ns, trusted: last.map_or_else(trusted, |last| last.trusted) };
        let Some(from) = last.replace(now) else { return ns.max(told) };
        if !now.trusted {
            return ns.max(told);
        }
        match measured(&from, &now, line.rate) {
            Measured::TooSoon => *last = Some(from),
            Measured::Broken => publish(|_| Line::through(tsc, ns.max(told), 0, tsc)),
            Measured::Rate { rate, baseline } => publish(|from| {
                // The last line may have been followed since the bearing: the next begins where it is left now.
                let since = Line::through(tsc, ns, rate, tsc).at(from);
                next_line(line.told(from), from, since, rate, baseline)
            }),
        }
        ns.max(told)
    }

    /// The time while someone else draws the next line: the last one goes on.
    fn meanwhile() -> u64 {
        for _ in 0..100 {
            let sequence = SEQUENCE.load(Acquire);
            let line = read();
            fence(Acquire);
            // Read before the line is known to be in force still, so that it is not followed past the next one.
            let tsc = counter();
            if sequence & 1 == 0 && SEQUENCE.load(Relaxed) == sequence {
                return if line.rate > 0 && tsc >= line.tsc0 {
                    line.at(tsc)
                } else {
                    system_monotonic().max(line.at(line.tsc0))
                };
            }
            core::hint::spin_loop();
        }
        system_monotonic()
    }

    /// One moment on both clocks, if nothing came between their readings. The counter is the earlier one: a line then runs ahead of the
    /// system's clock by the time of one reading, never behind it.
    fn both_clocks() -> Option<(u64, u64)> {
        (0..4).find_map(|_| {
            let before = counter();
            let ns = system_monotonic();
            (counter().wrapping_sub(before) < LONGEST_READING).then_some((before, ns))
        })
    }

    enum Measured {
        /// The moments are too close to tell.
        TooSoon,
        /// The counter went back, or the two clocks parted (one of them stood still through a sleep of the machine).
        Broken,
        Rate {
            rate: Rate,
            baseline: u64,
        },
    }

    fn measured(from: &Bearing, now: &Bearing, last_rate: Rate) -> Measured {
        let (ticks, baseline) = (now.tsc.wrapping_sub(from.tsc), now.ns.saturating_sub(from.ns));
        if ticks == 0 || ticks > 1 << 62 {
            return Measured::Broken;
        }
        if baseline < FIRST_BASELINE {
            // As long as the counter says much the same, it is only too soon.
            return if ticks < 1 << 40 { Measured::TooSoon } else { Measured::Broken };
        }
        // 0 for a counter slower than a gigahertz, whose rate does not fit.
        let rate = u64::try_from((u128::from(baseline) << 64) / u128::from(ticks)).unwrap_or(0);
        // Slewing changes a rate by at most 500 ppm, twice that if it turns about.
        let apart = rate == 0 || (last_rate > 0 && rate.abs_diff(last_rate) > last_rate / 500);
        if apart { Measured::Broken } else { Measured::Rate { rate, baseline } }
    }

    /// A line from the latest time told, that meets the system's clock at its end.
    fn next_line(told: u64, tsc: u64, ns: u64, rate: Rate, baseline: u64) -> Line {
        let span = baseline.saturating_mul(10).min(LONGEST_LINE);
        let ticks = ((u128::from(span) << 64) / u128::from(rate.max(1))).min(1 << 62) as u64;
        let ahead = told.saturating_sub(ns);
        // Slower by what it is ahead, at most by half: it never stands still.
        let slower = (u128::from(rate) * u128::from(ahead.min(span / 2)) / u128::from(span.max(1))) as u64;
        Line::through(tsc, ns.max(told), rate - slower, tsc.saturating_add(ticks))
    }

    /// Puts a line in force that begins at the present reading of the counter.
    fn publish(line: impl FnOnce(u64) -> Line) {
        // Only the holder of BEARING writes.
        let sequence = SEQUENCE.load(Relaxed);
        SEQUENCE.swap(sequence.wrapping_add(1), Acquire);
        fence(Release);
        let line = line(counter());
        TSC0.swap(line.tsc0, Relaxed);
        OFFSET.swap(line.offset, Relaxed);
        RATE.swap(line.rate, Relaxed);
        END.swap(line.end, Relaxed);
        SEQUENCE.swap(sequence.wrapping_add(2), Release);
    }

    fn trusted() -> bool {
        std::fs::read_to_string("/sys/devices/system/clocksource/clocksource0/current_clocksource")
            .is_ok_and(|source| source.trim() == "tsc")
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        /// Two ticks a nanosecond.
        const HALF: Rate = 1 << 63;

        #[test]
        fn a_line_goes_on_from_the_last_one_and_meets_the_clock_again() {
            let last = Line::through(0, 1_000, HALF, 2_000_000);
            // The last line is 500 ns ahead of the system's clock at its end.
            let told = last.told(2_000_000);
            let next = next_line(told, 2_000_000, 1_000_500, HALF, 100_000);
            assert_eq!(next.at(2_000_000), 1_001_000, "no step back");
            let end_error = next.at(next.end).abs_diff(1_000_500 + 1_000_000);
            assert!(end_error <= 1, "{end_error}");
        }

        #[test]
        fn a_line_that_is_behind_steps_forward() {
            let next = next_line(1_000, 1_000, 5_000, HALF, 20_000_000);
            assert_eq!(next.at(1_000), 5_000);
        }

        #[test]
        fn a_time_that_nobody_was_told_is_not_kept() {
            // Idle long past the line's end, with a rate that was far too high.
            let last = Line::through(0, 0, HALF, 1_000);
            assert_eq!(last.told(1_000_000), 1_000, "as far again as the line was long, and no further");
            assert_eq!(last.told(1_500), 750);
        }

        #[test]
        fn a_line_far_ahead_slows_but_never_stops() {
            let next = next_line(u64::MAX / 2, 1_000, 0, HALF, 20_000_000);
            assert!(next.at(9_000) > next.at(1_000));
        }

        #[test]
        fn a_line_is_right_however_high_the_counter_stands() {
            for tsc0 in [0, 1, u64::MAX / 3, 1 << 63] {
                let line = Line::through(tsc0, 1_700_000_000_000_000_000, HALF, u64::MAX);
                assert!(line.at(tsc0 + 2_000).abs_diff(1_700_000_000_000_001_000) <= 1);
            }
        }

        #[test]
        fn a_sleep_of_the_machine_is_no_rate() {
            let at = |tsc, ns| Bearing { tsc, ns, trusted: true };
            let (from, slept) = (at(0, 0), at(120_000_000_000, 1_000_000_000));
            assert!(matches!(measured(&from, &slept, HALF), Measured::Broken));
            assert!(matches!(measured(&from, &at(2_000_000_000, 1_000_100_000), HALF), Measured::Rate { .. }));
            assert!(matches!(measured(&at(5, 0), &at(4, 1_000_000_000), HALF), Measured::Broken));
            assert!(matches!(measured(&from, &at(2_000, 1_000), HALF), Measured::TooSoon));
        }

        #[test]
        fn a_counter_slower_than_a_gigahertz_is_not_used() {
            let at = |tsc, ns| Bearing { tsc, ns, trusted: true };
            assert!(matches!(measured(&at(0, 0), &at(500_000_000, 1_000_000_000), 0), Measured::Broken));
        }

        #[test]
        fn goes_on_and_never_far_back() {
            // Some microseconds where other tests read it and are preempted; what is looked for here are steps of milliseconds.
            let first = now();
            let mut last = first;
            for _ in 0..200_000 {
                let next = now();
                assert!(next + 1_000_000 > last, "{last} then {next}");
                last = next;
            }
            assert!(last > first);
        }
    }
}
