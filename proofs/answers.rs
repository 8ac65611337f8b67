// The questions that both programs ask: every algorithm that one word holds, the sliding log in an array, and backoff.
//
// Each answer has a number; the first wrong one is the exit code. 0 is: all right.

use core::time::Duration;

use tidegate::backoff::{Backoff, Jitter};
use tidegate::{Algorithm, Anchor, Carry, Clock, Concurrency, Limiter, ManualClock, Quota, Refill, SlidingLog};

const SECOND: u64 = 1_000_000_000;

const TEN_A_SECOND: Quota = match Quota::per_second(10) {
    Ok(quota) => quota,
    Err(_) => panic!("10 is a limit"),
};

/// As firmware has them: made by the compiler, shared by all.
static GATE: Limiter = Limiter::fixed(Algorithm::Gcra, TEN_A_SECOND);
static LOG: SlidingLog<3> = match SlidingLog::new(Duration::from_secs(1)) {
    Ok(log) => log,
    Err(_) => panic!("3 is a limit"),
};
static IN_FLIGHT: Concurrency = Concurrency::fixed(2);
static CLOCK: ManualClock = ManualClock::new(0);

/// Counts the answers; remembers the first wrong one.
struct Answers {
    asked: u8,
    wrong: u8,
}

impl Answers {
    fn right(&mut self, right: bool) {
        self.asked += 1;
        if !right && self.wrong == 0 {
            self.wrong = self.asked;
        }
    }

    /// All verbs of a limiter of ten permits a second that is new at 0.
    fn all_verbs(&mut self, limiter: &mut Limiter) {
        self.right(limiter.try_acquire_at(0, 3));
        let taken = limiter.take_at(0, 7);
        self.right(taken.is_allowed() && taken.limit() == 10 && taken.remaining() == 0);
        let denied = limiter.peek_at(1, 1);
        self.right(!denied.is_allowed() && denied.retry_after().is_some_and(|wait| wait > Duration::ZERO));
        let wait = denied.retry_after_nanos().unwrap_or(0);
        self.right(!limiter.try_acquire_at(wait, 1) && limiter.try_acquire_at(1 + wait, 1));
        limiter.refund_at(1 + wait, 1);
        self.right(limiter.take_at(1 + wait, 11).is_never());
        let now = 5 * SECOND;
        self.right(limiter.take_at(now, 10).is_allowed());
        self.right(limiter.charge_at(now, 1).is_allowed() && !limiter.charge_at(now, 21).is_allowed());
        match limiter.reserve_at(now, 1, u64::MAX) {
            Ok(slot) => {
                self.right(slot.at_nanos() > now);
                limiter.cancel_at(now, slot);
            }
            Err(_) => self.right(false),
        }
        self.right(limiter.reserve_at(now, 1, 0).is_err());
        limiter.reset();
        self.right(limiter.peek_at(now, 1).remaining() == 10);
        self.right(limiter.take_at(now, 4).is_allowed());
        let twenty = limiter.quota().burst(10).map(|_| Quota::per_second(20));
        let Ok(Ok(twenty)) = twenty else { return self.right(false) };
        let twenty = twenty.anchor(limiter.quota().anchored());
        self.right(limiter.reconfigure_mut_at(now, twenty, Carry::Permits).is_ok());
        self.right(limiter.peek_at(now, 1).remaining() == 16);
        let kept = limiter.snapshot();
        self.right(Limiter::from_snapshot(&kept).is_ok_and(|copy| copy.snapshot() == kept));
    }

    /// `[name, anchor, refill]` of every rule that one word holds.
    fn every_word(&mut self) {
        for (name, anchor, refill) in [
            ("gcra", Anchor::Clock, Refill::Continuous),
            ("token-bucket", Anchor::Clock, Refill::Continuous),
            ("token-bucket", Anchor::Clock, Refill::Interval),
            ("token-bucket", Anchor::FirstUse, Refill::Interval),
            ("fixed-window", Anchor::Clock, Refill::Continuous),
            ("fixed-window", Anchor::FirstUse, Refill::Continuous),
            ("sliding-window", Anchor::Clock, Refill::Continuous),
        ] {
            let (Ok(algorithm), Ok(quota)) = (name.parse::<Algorithm>(), "10/s".parse::<Quota>()) else {
                return self.right(false);
            };
            match Limiter::builder(algorithm, quota).anchor(anchor).refill(refill).build_at(0) {
                Ok(mut limiter) => self.all_verbs(&mut limiter),
                Err(_) => self.right(false),
            }
        }
    }

    fn statics(&mut self) {
        CLOCK.set(SECOND);
        CLOCK.advance(Duration::from_nanos(5));
        let now = CLOCK.now();
        self.right(now == SECOND + 5);
        self.right(GATE.try_acquire_at(now, 10) && !GATE.try_acquire_at(now, 1));
        // A tenth of a second later, not a nanosecond earlier.
        self.right(!GATE.try_acquire_at(now + SECOND / 10 - 1, 1) && GATE.try_acquire_at(now + SECOND / 10, 1));

        self.right(LOG.try_acquire_at(now, 3));
        self.right(LOG.take_at(now + SECOND - 1, 1).retry_after_nanos() == Some(1));
        self.right(LOG.take_at(now + SECOND, 1).remaining() == 2);
        LOG.refund_at(now + SECOND, 1);
        self.right(LOG.peek_at(now + SECOND, 3).is_allowed() && LOG.peek_at(now + SECOND, 4).is_never());
        self.right(LOG.charge_at(now + SECOND, 3).is_allowed() && LOG.charge_at(now + SECOND, 1).is_allowed());
        match LOG.reserve_at(now + SECOND, 1, u64::MAX) {
            Ok(slot) => {
                self.right(slot.at_nanos() > now + SECOND);
                LOG.cancel_at(now + SECOND, slot);
            }
            Err(_) => self.right(false),
        }
        LOG.reset();
        self.right(SlidingLog::<0>::new(Duration::from_secs(1)).is_err());
    }

    fn in_flight(&mut self) {
        let (one, two) = (IN_FLIGHT.try_enter(), IN_FLIGHT.try_enter());
        self.right(one.is_some() && two.is_some() && IN_FLIGHT.try_enter().is_none());
        drop(one);
        self.right(IN_FLIGHT.in_flight() == 1 && IN_FLIGHT.try_enter_many(2).is_none());
        self.right(IN_FLIGHT.set_limit(3).is_ok() && IN_FLIGHT.set_limit(0).is_err());
        self.right(IN_FLIGHT.try_enter_many(2).is_some_and(|permit| permit.permits() == 2));
        drop(two);
        self.right(IN_FLIGHT.in_flight() == 0);
    }

    fn leases(&mut self) {
        match Limiter::builder(Algorithm::Gcra, TEN_A_SECOND).build_leased_at(0, 2, 3) {
            Ok(leased) => {
                let Ok(mut lease) = leased.lease() else { return self.right(false) };
                // Four are shared.
                self.right(lease.try_acquire_at(0, 1) && lease.in_hand() == 2 && !lease.try_acquire_at(0, 4));
                self.right(lease.take_at(0, 3).is_allowed() && !lease.take_at(0, 1).is_allowed());
                drop(lease);
                self.right(leased.leases() == 0 && leased.max_unused() == 6);
            }
            Err(_) => self.right(false),
        }
    }

    fn backoff(&mut self) {
        let backoff = Backoff::exponential(Duration::from_millis(100)).max_delay(Duration::from_secs(1)).max_retries(5);
        let whole: Duration = backoff.jitter(Jitter::None).delays().sum();
        // 100 + 200 + 400 + 800 + 1000 ms.
        self.right(whole == Duration::from_millis(2_500));
        let jittered = backoff.jitter(Jitter::Full).seed(7);
        self.right(jittered.delays().count() == 5 && jittered.delays().sum::<Duration>() <= whole);
        self.right(jittered.delays().eq(jittered.delays()));
    }
}

/// Bad input, and what a microcontroller could not survive: none of it panics.
fn bad_input(answers: &mut Answers) {
    answers.right("300/fortnight".parse::<Quota>().is_err_and(|error| error.position() == Some(4)));
    answers.right(Quota::per_second(0).is_err() && Quota::from_nanos(1, 0).is_err());
    answers.right(GATE.take_at(u64::MAX, u64::MAX).is_never());
    let too_fast = Quota::from_nanos(2, 1).and_then(|quota| Limiter::builder(Algorithm::Gcra, quota).build_at(0));
    answers.right(too_fast.is_err());
}

/// Asks all of it; the exit code.
fn exit_code(more: fn(&mut Answers)) -> i32 {
    let mut answers = Answers { asked: 0, wrong: 0 };
    answers.statics();
    answers.every_word();
    answers.in_flight();
    answers.leases();
    answers.backoff();
    bad_input(&mut answers);
    more(&mut answers);
    // A program that asks nothing finds nothing wrong.
    if answers.asked < 100 {
        return 255;
    }
    if cfg!(feature = "wrong-answer") {
        answers.right(GATE.try_acquire_at(0, 11));
    }
    i32::from(answers.wrong)
}
