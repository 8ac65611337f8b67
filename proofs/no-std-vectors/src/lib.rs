//! Plays the conformance vectors without std.
//!
//! Each case is played by a limiter that is told the time; and by a word apart from its rule or by a log in an array, as long as it has
//! no call that only limiters have. The vectors are compiled in as lines, which `bindings-c/examples/flatten.rs` writes (its head says
//! what they mean). Nothing played, or other totals than the last line states, is a failure.

#![no_std]
// As in the crate itself.
#![allow(clippy::result_large_err)]

extern crate alloc;

mod lines;
#[path = "../../../core/tests/common/subject.rs"]
mod subject;
#[cfg(target_family = "wasm")]
mod wasm;

use alloc::boxed::Box;
use alloc::vec::Vec;

use lines::Fields;
use subject::{Apart, Subject, Told};
use tidegate::{Algorithm, Anchor, Carry, Decision, Limiter, Quota, QuotaError, Refill, Slot, Snapshot};

/// The questions of the other programs, for all that has no vectors.
mod answers {
    include!("../../answers.rs");

    /// The number of the first wrong answer, or 0.
    pub(crate) fn first_wrong() -> u32 {
        exit_code(|_| {}).unsigned_abs()
    }
}

/// What ran: cases, calls, refused, besides, wrong, first wrong line (see [`Played`]); and the first wrong answer of `proofs/answers.rs`.
pub fn figures() -> [u32; 7] {
    let played = play(VECTORS);
    let Played { cases, calls, refused, besides, wrong, first_wrong } = played;
    [cases, calls, refused, besides, wrong, first_wrong, answers::first_wrong()]
}

/// The vectors, one call a line.
pub const VECTORS: &str = include_str!(env!("TIDEGATE_LINES"));

/// What was played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Played {
    /// Limiters that were made.
    pub cases: u32,
    /// Calls that were made on them.
    pub calls: u32,
    /// Limiters that were refused, as they must be.
    pub refused: u32,
    /// Calls that were made on words apart and on logs in arrays besides.
    pub besides: u32,
    /// Lines that were answered otherwise than they say.
    pub wrong: u32,
    /// The first such line, counted from 1; 0 if there is none.
    pub first_wrong: u32,
}

/// Plays every line.
pub fn play(vectors: &str) -> Played {
    let (mut played, mut players, mut ended) = (Played::default(), Vec::new(), false);
    let mut number = 0;
    for line in vectors.lines() {
        number += 1;
        let right = !ended && one(Fields::of(line), &mut players, &mut played, &mut ended).unwrap_or(false);
        played.wrong(!right, number);
    }
    played.wrong(!ended || played.calls == 0 || played.besides == 0, number + 1);
    played
}

impl Played {
    fn wrong(&mut self, wrong: bool, line: u32) {
        if wrong {
            self.wrong += 1;
            if self.first_wrong == 0 {
                self.first_wrong = line;
            }
        }
    }
}

/// Whether a line was answered as it says. `None`: it says nothing.
fn one(mut line: Fields<'_>, players: &mut Vec<Player>, played: &mut Played, ended: &mut bool) -> Option<bool> {
    match line.word()? {
        "case" => {
            *players = Vec::new();
            *players = made(&mut line)?.ok()?;
            played.cases += 1;
            Some(true)
        }
        "refused" => {
            *players = Vec::new();
            played.refused += 1;
            Some(made(&mut line)?.is_err())
        }
        "end" => {
            *players = Vec::new();
            *ended = true;
            let totals = [line.number()?, line.number()?, line.number()?];
            Some(totals == [played.cases, played.calls, played.refused].map(u64::from))
        }
        verb => {
            let call = Call::read(verb, &mut line)?;
            if call.is_of_limiters_only() {
                players.truncate(1);
            }
            played.calls += 1;
            played.besides += players.len().saturating_sub(1) as u32;
            let expected = Answer::read(&mut line)?;
            let mut right = !players.is_empty();
            for player in players {
                right &= player.answer(&call)?.is(&expected);
            }
            Some(right)
        }
    }
}

/// All that play a case; the limiter first.
fn made(line: &mut Fields<'_>) -> Option<Result<Vec<Player>, QuotaError>> {
    let _name = line.word()?;
    let algorithm: Algorithm = line.word()?.parse().ok()?;
    let [limit, period, burst] = [line.number()?, line.number()?, line.number()?];
    let (anchor, offset) = (line.word()?, line.number()?);
    let anchor = match anchor {
        "clock" => Anchor::Offset(offset),
        "first-use" => Anchor::FirstUse,
        _ => return None,
    };
    let refill = match line.word()? {
        "continuous" => Refill::Continuous,
        "interval" => Refill::Interval,
        _ => return None,
    };
    let (initial, origin) = (line.given()?, line.number()?);
    let quota = match Quota::from_nanos(limit, period).and_then(|quota| quota.burst(burst)) {
        Ok(quota) => quota,
        Err(error) => return Some(Err(error)),
    };
    let builder = Limiter::builder(algorithm, quota).anchor(anchor).refill(refill);
    let builder = match initial {
        Some(permits) => builder.initial(permits),
        None => builder,
    };
    let limiter = match builder.clone().build_at(origin) {
        Ok(limiter) => limiter,
        Err(error) => return Some(Err(error)),
    };
    let mut players = alloc::vec![Player::new(Box::new(Told(limiter)), anchor)];
    if algorithm == Algorithm::SlidingLog {
        players.extend(subject::in_an_array(limit, period).map(|log| Player::new(log, anchor)));
    } else {
        // What a limiter can hold in a word, a word apart can be.
        let (rule, word) = builder.word_at(origin).ok()?;
        players.push(Player::new(Box::new(Apart(rule, word)), anchor));
    }
    Some(Ok(players))
}

/// One call of a case.
struct Call<'a> {
    verb: &'a str,
    now: u64,
    n: Option<u64>,
    /// The longest wait of `reserve`, the call that `cancel` gives back, the carry of `reconfigure`.
    x: &'a str,
    quota: [&'a str; 3],
}

impl<'a> Call<'a> {
    fn read(verb: &'a str, line: &mut Fields<'a>) -> Option<Call<'a>> {
        Some(Call {
            verb,
            now: line.number()?,
            n: line.given()?,
            x: line.word()?,
            quota: [line.word()?, line.word()?, line.word()?],
        })
    }

    fn is_of_limiters_only(&self) -> bool {
        matches!(self.verb, "reconfigure" | "snapshot" | "restore")
    }

    fn quota(&self) -> Option<Result<Quota, QuotaError>> {
        let [limit, period, burst] = self.quota.map(|number| number.parse().ok());
        let burst = burst?;
        Some(Quota::from_nanos(limit?, period?).and_then(|quota| quota.burst(burst)))
    }

    fn carry(&self) -> Option<Carry> {
        match self.x {
            "permits" => Some(Carry::Permits),
            "proportional" => Some(Carry::Proportional),
            "time" => Some(Carry::Time),
            "reset" => Some(Carry::Reset),
            _ => None,
        }
    }
}

/// What a call answers.
#[derive(PartialEq)]
enum Answer {
    Decision {
        allowed: bool,
        limit: u64,
        remaining: u64,
        retry_after: Option<u64>,
        reset_after: u64,
    },
    /// Of `try_acquire`, which sees no more.
    Allowed(bool),
    At(u64),
    Error,
}

impl Answer {
    fn read(line: &mut Fields<'_>) -> Option<Answer> {
        Some(match line.word()? {
            "decision" => Answer::Decision {
                allowed: line.word()?.parse().ok()?,
                limit: line.number()?,
                remaining: line.number()?,
                retry_after: line.wait()?,
                reset_after: line.number()?,
            },
            "at" => Answer::At(line.number()?),
            "error" => Answer::Error,
            _ => return None,
        })
    }

    fn of(decision: Decision) -> Answer {
        Answer::Decision {
            allowed: decision.is_allowed(),
            limit: decision.limit(),
            remaining: decision.remaining(),
            retry_after: decision.retry_after_nanos(),
            reset_after: decision.reset_after_nanos(),
        }
    }

    fn is(&self, expected: &Answer) -> bool {
        match (self, expected) {
            (Answer::Allowed(answer), Answer::Decision { allowed, .. }) => answer == allowed,
            _ => self == expected,
        }
    }
}

/// One who plays a case, and what the calls so far have left.
struct Player {
    subject: Box<dyn Subject>,
    anchor: Anchor,
    calls: u64,
    /// By the number of the call that booked.
    slots: Vec<(u64, Slot)>,
    kept: Option<Snapshot>,
}

impl Player {
    fn new(subject: Box<dyn Subject>, anchor: Anchor) -> Player {
        Player { subject, anchor, calls: 0, slots: Vec::new(), kept: None }
    }

    /// `None`: the call makes no sense.
    fn answer(&mut self, call: &Call<'_>) -> Option<Answer> {
        let (subject, now, n) = (&mut self.subject, call.now, call.n);
        let number = self.calls;
        self.calls += 1;
        match call.verb {
            "take" => return Some(Answer::of(subject.take(now, n?))),
            "peek" => return Some(Answer::of(subject.peek(now, n?))),
            "charge" => return Some(Answer::of(subject.charge(now, n?))),
            "try_acquire" => return Some(Answer::Allowed(subject.try_acquire(now, n?))),
            "reserve" => {
                return Some(match subject.reserve(now, n?, call.x.parse().ok()?) {
                    Ok(slot) => {
                        let at = slot.at_nanos();
                        self.slots.push((number, slot));
                        Answer::At(at)
                    }
                    Err(decision) => Answer::of(decision),
                });
            }
            "refund" => subject.refund(now, n?),
            "cancel" => {
                let booked: u64 = call.x.parse().ok()?;
                let place = self.slots.iter().position(|(number, _)| *number == booked)?;
                subject.cancel(now, self.slots.swap_remove(place).1);
            }
            "reset" => subject.reset(),
            "reconfigure" => {
                let (quota, carry) = (call.quota()?, call.carry()?);
                if !quota.is_ok_and(|quota| subject.reconfigure(now, quota.anchor(self.anchor), carry)) {
                    return Some(Answer::Error);
                }
            }
            "snapshot" => self.kept = Some(subject.snapshot()),
            "restore" => {
                if !subject.restore(self.kept.as_ref()?) {
                    return Some(Answer::Error);
                }
            }
            _ => return None,
        }
        Some(Answer::of(subject.peek(now, 0)))
    }
}
