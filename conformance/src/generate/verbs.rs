//! Every verb on every rule, and the sequences that let somebody through twice when a rule is almost right.

use tidegate_reference::{Algorithm, Anchor, Config, Refill};

use super::boundaries::{has_burst, rules, with_quota};
use super::record::Book;
use crate::Carry;

const SECOND: u64 = 1_000_000_000;

pub(super) fn write(book: &mut Book) {
    for (rule, config) in rules() {
        let config = with_quota(&config, 6, SECOND);
        charges(book, rule, &config);
        refunds(book, rule, &config);
        reservations(book, rule, &config);
        cancellations(book, rule, &config);
        nothing_at_all(book, rule, &config);
        restarts(book, rule, &config);
        carries(book, rule, &config);
    }
    traps(book);
    peers(book);
}

fn charges(book: &mut Book, rule: &str, config: &Config) {
    for (name, spent, costs) in
        [("nothing", 0, &[12, 13][..]), ("some", 2, &[1, 4, 5, 10, 11, u64::MAX]), ("all", 6, &[6, 7])]
    {
        for &cost in costs {
            book.case(format!("{rule}: charge {cost} of 6 with {name} used"), config, |script| {
                script.take(0, spent);
                script.charge(1, cost);
                script.refund(2, 1);
                script.wait_for(3, 1);
            });
        }
    }
    book.case(format!("{rule}: charges until no more are accepted"), config, |script| {
        let mut now = 10;
        for _ in 0..8 {
            let charged = script.charge(now, 3);
            if !charged.allowed {
                now += charged.retry_after.unwrap_or(0);
            }
        }
    });
}

fn refunds(book: &mut Book, rule: &str, config: &Config) {
    for refund in [1, 4, u64::MAX] {
        book.case(format!("{rule}: refund {refund} of 5 used"), config, |script| {
            script.take(SECOND / 2, 3);
            script.take(SECOND / 2 + 1, 2);
            script.refund(SECOND / 2 + 2, refund);
            script.take(SECOND / 2 + 2, 6);
            script.take(SECOND / 2 + 2, 3);
        });
        book.case(format!("{rule}: refund {refund} a window later"), config, |script| {
            script.take(SECOND / 2, 6);
            script.refund(3 * SECOND / 2, refund);
            script.take(3 * SECOND / 2, 6);
            script.take(3 * SECOND, 1);
            script.refund(SECOND, refund);
            script.refund(9 * SECOND, refund);
            script.take(9 * SECOND, 6);
        });
    }
    book.case(format!("{rule}: a refund while somebody waits gives nothing"), config, |script| {
        script.take(0, 6);
        script.reserve(0, 6, u64::MAX);
        script.refund(1, 6);
        script.take(1, 1);
        script.take(SECOND, 6);
        script.take(SECOND, 1);
    });
}

fn reservations(book: &mut Book, rule: &str, config: &Config) {
    book.case(format!("{rule}: a line of reservations"), config, |script| {
        for n in [2, 5, 1, 6, 3, 0, 6, 7, 1] {
            script.reserve(SECOND / 4, n, u64::MAX);
        }
        script.peek(SECOND / 4, 1);
        script.wait_for(SECOND / 4, 2);
    });
    book.case(format!("{rule}: max_wait one nanosecond too short, and just enough"), config, |script| {
        script.take(5, 6);
        let wait = script.peek(5, 4).retry_after.unwrap_or(0);
        script.reserve(5, 4, 0);
        script.reserve(5, 4, wait - 1);
        script.reserve(5, 4, wait);
        script.reserve(5, 7, u64::MAX);
        script.reserve(5, u64::MAX, u64::MAX);
    });
    book.case(format!("{rule}: reservations of who is late"), config, |script| {
        script.take(5 * SECOND, 4);
        script.reserve(SECOND, 1, 0);
        script.reserve(SECOND, 2, u64::MAX);
        script.take(SECOND, 1);
        script.take(5 * SECOND, 1);
        script.take(6 * SECOND, 3);
    });
}

fn cancellations(book: &mut Book, rule: &str, config: &Config) {
    book.case(format!("{rule}: cancelled before anything else happens"), config, |script| {
        script.take(0, 4);
        let slot = script.reserve(1, 5, u64::MAX);
        script.take(1, 1);
        script.cancel(2, slot);
        script.take(2, 2);
        script.take(2, 1);
    });
    book.case(format!("{rule}: cancelled first to last"), config, |script| {
        script.take(0, 4);
        let slots = [3, 6, 2].map(|n| script.reserve(1, n, u64::MAX));
        for slot in slots {
            script.cancel(2, slot);
        }
        script.take(2, 1);
        script.wait_for(2, 6);
    });
    book.case(format!("{rule}: cancelled last to first"), config, |script| {
        script.take(0, 4);
        let slots = [3, 6, 2].map(|n| script.reserve(1, n, u64::MAX));
        for slot in slots.into_iter().rev() {
            script.cancel(2, slot);
        }
        script.take(2, 2);
        script.take(2, 1);
    });
    book.case(format!("{rule}: cancelled after it ran, others behind it"), config, |script| {
        let first = script.reserve(0, 4, 0);
        script.take(1, 2);
        script.cancel(2, first);
        script.take(2, 5);
        script.take(2, 4);
        let second = script.reserve(2 * SECOND, 2, 0);
        script.reserve(2 * SECOND, 6, u64::MAX);
        script.cancel(2 * SECOND, second);
        script.peek(2 * SECOND, 1);
    });
    book.case(format!("{rule}: cancelled when its permits are long earned back"), config, |script| {
        let slot = script.reserve(0, 4, 0);
        script.take(9 * SECOND, 3);
        script.cancel(9 * SECOND, slot);
        script.take(9 * SECOND, 4);
        script.take(9 * SECOND, 3);
    });
    book.case(format!("{rule}: cancelled by a clock that fell back"), config, |script| {
        script.take(3 * SECOND, 5);
        let slot = script.reserve(3 * SECOND, 4, u64::MAX);
        script.take(3 * SECOND, 1);
        script.cancel(SECOND, slot);
        script.peek(SECOND, 1);
        script.peek(3 * SECOND, 1);
        script.wait_for(3 * SECOND, 6);
    });
    book.case(format!("{rule}: a slot from before the quota changed"), config, |script| {
        let slot = script.reserve(0, 4, 0);
        script.reconfigure(0, 6, 2 * SECOND, 6, Carry::Permits);
        script.cancel(0, slot);
        script.take(0, 3);
    });
}

fn nothing_at_all(book: &mut Book, rule: &str, config: &Config) {
    book.case(format!("{rule}: a cost of 0 with every verb, empty and in debt"), config, |script| {
        for spent in [0, 6, 4] {
            script.charge(7, spent);
            script.take(7, 0);
            script.try_acquire(7, 0);
            script.charge(7, 0);
            script.refund(7, 0);
            let slot = script.reserve(7, 0, 0);
            script.cancel(7, slot);
        }
        script.take(3, 0);
        script.take(u64::MAX, 0);
    });
}

fn restarts(book: &mut Book, rule: &str, config: &Config) {
    book.case(format!("{rule}: reset, full, empty and with somebody waiting"), config, |script| {
        script.reset(0);
        script.take(SECOND, 6);
        script.reset(SECOND);
        script.take(SECOND, 6);
        script.reserve(SECOND, 6, u64::MAX);
        script.reset(SECOND);
        script.take(SECOND, 6);
        script.take(SECOND, 1);
        script.reset(0);
        script.take(0, 1);
    });
    book.case(format!("{rule}: snapshot, spend, restore"), config, |script| {
        script.take(SECOND / 2, 4);
        script.snapshot(SECOND / 2);
        script.take(SECOND, 2);
        script.restore(SECOND);
        script.take(SECOND, 6);
        script.take(SECOND + 1, 2);
        script.reserve(SECOND + 1, 6, u64::MAX);
        script.snapshot(SECOND + 1);
        script.reset(SECOND + 1);
        script.restore(2 * SECOND);
        script.peek(2 * SECOND, 1);
        script.wait_for(2 * SECOND, 1);
    });
}

fn carries(book: &mut Book, rule: &str, config: &Config) {
    let quotas =
        [("half the rate", 3, SECOND), ("a seventh of the rate", 6, 7 * SECOND), ("seven times the rate", 42, SECOND)];
    for (name, limit, period) in quotas {
        for carry in [Carry::Permits, Carry::Proportional, Carry::Time, Carry::Reset] {
            book.case(format!("{rule}: to {name}, carry {carry:?}").to_lowercase(), config, |script| {
                script.take(0, 2);
                script.take(SECOND / 3, 3);
                script.reconfigure(SECOND / 2, limit, period, limit, carry);
                script.take(SECOND / 2, 1);
                script.wait_for(SECOND / 2, 3);
            });
        }
    }
    book.case(format!("{rule}: to another quota in debt, and late"), config, |script| {
        script.charge(SECOND, 6);
        script.charge(SECOND, 5);
        script.reserve(SECOND, 3, u64::MAX);
        script.reconfigure(SECOND, 4, SECOND, 4, Carry::Permits);
        script.peek(SECOND, 1);
        script.reconfigure(0, 8, SECOND, 8, Carry::Time);
        script.peek(0, 1);
        script.peek(SECOND, 1);
        script.wait_for(SECOND, 8);
    });
    book.case(format!("{rule}: to a quota that is refused changes nothing"), config, |script| {
        script.take(0, 4);
        script.reconfigure(0, 0, SECOND, 1, Carry::Time);
        script.reconfigure(0, 6, 0, 6, Carry::Time);
        script.reconfigure(0, 6, (1 << 62) + 1, 6, Carry::Time);
        script.reconfigure(0, u64::MAX, SECOND, u64::MAX, Carry::Permits);
        script.take(0, 2);
        script.take(0, 1);
    });
    if has_burst(config) {
        for carry in [Carry::Permits, Carry::Proportional, Carry::Time, Carry::Reset] {
            book.case(format!("{rule}: to a smaller burst, carry {carry:?}").to_lowercase(), config, |script| {
                script.take(0, 5);
                script.reconfigure(1, 6, SECOND, 2, carry);
                script.take(1, 1);
                script.wait_for(1, 2);
            });
        }
    }
}

/// Each of these once let more through than the rule promises, in a reading of the rule that looked right.
fn traps(book: &mut Book) {
    // Counts that need 12 get 4 bits, and never use the last number of them.
    let packed = Config::new(Algorithm::FixedWindow, 6, 18, 6);
    let bucket = Config { refill: Refill::Interval, ..Config::new(Algorithm::TokenBucket, 6, 18, 6) };
    for (name, config) in [("fixed-window", packed), ("token-bucket by intervals", bucket)] {
        book.case(format!("trap: {name} reserved until the state holds no more"), &config, |script| {
            for n in [5, 6, 2, 1, 1, 1] {
                script.reserve(0, n, u64::MAX);
            }
            script.take(18, 1);
            script.charge(36, 12);
        });
    }
    let gcra = |limit, period, burst| Config::new(Algorithm::Gcra, limit, period, burst);
    book.case("trap: two cancellations free an instant that somebody waits for", &gcra(1, 1, 2), |script| {
        let first = script.reserve(0, 1, 0);
        let second = script.reserve(0, 1, 0);
        script.reserve(0, 1, 9);
        script.cancel(0, second);
        script.cancel(0, first);
        script.reserve(0, 2, 9);
    });
    let log = Config::new(Algorithm::SlidingLog, 5, 10, 5);
    book.case("trap: a refund to the log removes who waits", &log, |script| {
        script.take(0, 5);
        script.reserve(0, 5, 10);
        script.refund(1, 5);
        script.take(10, 1);
        script.take(20, 5);
    });
    book.case("trap: a late caller turns the newest time of the log back", &log, |script| {
        script.take(20, 2);
        script.reserve(5, 1, 0);
        script.charge(5, 1);
        script.take(12, 2);
        script.take(20, 1);
        script.take(29, 5);
        script.take(30, 5);
    });
    let interval =
        |limit, burst| Config { refill: Refill::Interval, ..Config::new(Algorithm::TokenBucket, limit, 10, burst) };
    for (limit, burst) in [(5, 5), (7, 2), (2, 5)] {
        book.case(
            format!("trap: a reservation is paid off before it runs, {limit} each interval into {burst}"),
            &interval(limit, burst),
            |script| {
                script.take(0, 1);
                script.reserve(0, burst, u64::MAX);
                script.take(10, 1);
                script.take(10, burst);
                script.take(20, burst);
            },
        );
    }
    book.case("trap: cancelled in the middle, then what waits is given away", &interval(7, 14), |script| {
        script.take(0, 13);
        let second = script.reserve(1, 7, u64::MAX);
        let third = script.reserve(8, 12, u64::MAX);
        let fourth = script.reserve(8, 1, u64::MAX);
        script.reserve(8, 1, u64::MAX);
        script.cancel(15, fourth);
        script.cancel(15, third);
        script.take(16, 3);
        script.cancel(18, second);
        script.take(18, 4);
        script.take(30, 14);
    });
    let window = |limit, period| Config::new(Algorithm::SlidingWindow, limit, period, limit);
    book.case("trap: a window denser than one permit in 2 ns", &window(7, 13), |_| {});
    book.case("trap: room before a window that a reservation moved", &window(7, 14), |script| {
        script.charge(0, 14);
        for n in [6, 7, 1, 6] {
            script.reserve(0, n, u64::MAX);
            script.take(0, 1);
        }
    });
}

/// What other limiters get wrong, as far as one limiter shows it.
fn peers(book: &mut Book) {
    let gcra = |limit, period, burst| Config::new(Algorithm::Gcra, limit, period, burst);
    book.case("peers: a cost that overflows its product passes", &gcra(1, 1 << 33, 10), |script| {
        script.take(0, (1 << 31) + 1);
        script.take(0, 10);
    });
    book.case("peers: a large burst shrinks", &gcra(1, 1 << 30, 1 << 20), |script| {
        script.take(0, 1 << 20);
        script.take(0, 1);
    });
    for rate in [300, 600, 999] {
        book.case(format!("peers: {rate} million a second is rounded"), &gcra(rate, 1000, 1), |script| {
            let mut now = 0;
            for _ in 0..10 {
                now = script.wait_for(now, 1);
                script.take(now, 1);
            }
        });
    }
    for (rule, config) in rules() {
        let config = with_quota(&config, 1, SECOND);
        book.case(format!("peers: polled every 1.9 us, {rule} loses the fraction"), &config, |script| {
            script.take(0, 1);
            // 526,315 * 1.9 us are just under a second, the next poll is just over.
            script.take(526_315 * 1_900, 1);
            script.take(526_316 * 1_900, 1);
            script.take(1_052_631 * 1_900, 1);
            script.take(1_052_632 * 1_900, 1);
        });
        let config = with_quota(&config, 100, 3600 * SECOND);
        book.case(format!("peers: after idling, {rule} admits two bursts"), &config, |script| {
            script.take(0, 100);
            script.take(36_000 * SECOND, 100);
            script.take(36_000 * SECOND, 1);
            script.take(36_000 * SECOND, 97);
        });
        let config = with_quota(&config, 4, SECOND);
        book.case(format!("peers: an out-of-order clock mints for {rule}"), &config, |script| {
            script.take(5 * SECOND, 4);
            for now in [4, 5, 3, 5, 2, 5] {
                script.take(now * SECOND, 1);
            }
        });
        book.case(format!("peers: a rejected cost burns what {rule} had"), &config, |script| {
            script.take(SECOND, 3);
            script.take(SECOND, 2);
            script.take(SECOND, 5);
            script.take(SECOND, 1);
        });
    }
    let month = Config { anchor: Anchor::FirstUse, ..with_quota(&rules()[4].1, 2, 30 * 86_400 * SECOND) };
    book.case("peers: a window of 30 days is forgotten", &month, |script| {
        script.take(SECOND, 2);
        script.take(2 * SECOND, 1);
        script.take(25 * 86_400 * SECOND, 1);
        script.wait_for(25 * 86_400 * SECOND, 2);
    });
}
