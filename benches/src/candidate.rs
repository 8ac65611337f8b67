//! `Candidate`: something that can be called many times, and says how often it admitted.

use core::hint::black_box;

/// Under which conditions it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// What no limiter can be faster than.
    Floor,
    /// The caller says what time it is; every call is granted.
    GivenGrant,
    /// The caller says what time it is; every call is denied.
    GivenDenial,
    /// The limiter reads its own default clock; every call is granted.
    ClockGrant,
    /// The limiter reads its own default clock; every call is denied.
    ClockDenial,
    /// The limiter reads a clock that its user has chosen because it is cheaper, and coarser; every call is granted.
    CoarseGrant,
    /// The caller says what time it is, and the word is elsewhere than in one atomic; every call is granted.
    Places,
    /// The delay before the next retry.
    Retry,
}

impl Group {
    /// All groups, in the order of the table.
    pub const ALL: [Group; 8] = [
        Group::Floor,
        Group::GivenGrant,
        Group::GivenDenial,
        Group::ClockGrant,
        Group::ClockDenial,
        Group::CoarseGrant,
        Group::Places,
        Group::Retry,
    ];

    /// As a heading.
    pub const fn name(self) -> &'static str {
        match self {
            Group::Floor => "floor",
            Group::GivenGrant => "grant, now given",
            Group::GivenDenial => "denial, now given",
            Group::ClockGrant => "grant, default clock",
            Group::ClockDenial => "denial, default clock",
            Group::CoarseGrant => "grant, a coarser clock",
            Group::Places => "grant, other places, now given",
            Group::Retry => "delay before a retry",
        }
    }

    /// Whether calls must be admitted; floors say so themselves.
    const fn admits(self) -> bool {
        !matches!(self, Group::GivenDenial | Group::ClockDenial)
    }

    /// Whether its counts of instructions are the same in every run: those who read a clock calibrate it when real time says so.
    pub const fn reads_no_clock(self) -> bool {
        matches!(self, Group::GivenGrant | Group::GivenDenial | Group::Places | Group::Retry)
    }
}

/// Makes a number of calls and returns how many were admitted.
type Run = Box<dyn FnMut(u64) -> u64>;

/// Something to measure.
pub struct Candidate {
    /// Under which conditions it is called.
    pub group: Group,
    /// What is called.
    pub name: &'static str,
    admits: bool,
    run: Run,
}

impl Candidate {
    /// A candidate whose calls are all admitted or all denied, as its group says.
    pub fn new(group: Group, name: &'static str, run: impl FnMut(u64) -> u64 + 'static) -> Candidate {
        Candidate { group, name, admits: group.admits(), run: Box::new(run) }
    }

    /// A floor; `admits` says what its calls answer.
    pub fn floor(name: &'static str, admits: bool, run: impl FnMut(u64) -> u64 + 'static) -> Candidate {
        Candidate { group: Group::Floor, name, admits, run: Box::new(run) }
    }

    /// Makes `calls` calls and returns how many were admitted. Only this is to be timed.
    pub fn run(&mut self, calls: u64) -> u64 {
        (self.run)(calls)
    }

    /// Refuses a count of admissions that is not the one of the work asked for.
    ///
    /// # Panics
    /// If it is another one: then whatever was measured is worth nothing.
    pub fn check(&self, calls: u64, admitted: u64) {
        let expected = if self.admits { calls } else { 0 };
        assert_eq!(admitted, expected, "{} ({}): {calls} calls", self.name, self.group.name());
    }

    /// [`Candidate::run`] and [`Candidate::check`].
    pub fn run_checked(&mut self, calls: u64) {
        let admitted = self.run(calls);
        self.check(calls, admitted);
    }
}

/// Calls `call` on `what` and counts admissions.
///
/// `what` is hidden from the optimizer at each call: nothing of it is kept in registers from one call to the next, as nothing would
/// be if the calls were apart, as they are in a program that uses a limiter.
#[inline(always)]
pub fn count<T>(what: &T, calls: u64, mut call: impl FnMut(&T) -> bool) -> u64 {
    let mut admitted = 0;
    for _ in 0..calls {
        admitted += u64::from(call(black_box(what)));
    }
    admitted
}

/// As [`count`], on what each caller has for itself.
#[inline(always)]
pub fn count_mut<T>(what: &mut T, calls: u64, mut call: impl FnMut(&mut T) -> bool) -> u64 {
    let mut admitted = 0;
    for _ in 0..calls {
        admitted += u64::from(call(black_box(&mut *what)));
    }
    admitted
}

/// As [`count`], with a time that begins at `now` and moves on by `step` before each call.
#[inline(always)]
pub fn count_in_time<T>(what: &T, calls: u64, now: &mut u64, step: u64, mut call: impl FnMut(&T, u64) -> bool) -> u64 {
    let (mut time, step) = (*now, black_box(step));
    let admitted = count(what, calls, |what| {
        time += step;
        call(what, time)
    });
    *now = time;
    admitted
}
