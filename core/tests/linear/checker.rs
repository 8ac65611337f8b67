//! The search of Wing and Gong, with Lowe's memory of what was tried.
//!
//! J. M. Wing, C. Gong, "Testing and Verifying Concurrent Objects", JPDC 17 (1993); G. Lowe, "Testing for Linearizability", CCPE 29 (2017).
//! Departure: a call may be a program of several atomic steps, chosen among several at each (a group's roll-back, a line that is served). A call of
//! one step is the textbook's case. The crates that do this know only calls of one step, so it is done here, in a page.

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;

/// A call, what it was answered, and the stamps between which it ran.
#[derive(Clone, Debug)]
pub struct Event<C> {
    pub invoked: u64,
    pub returned: u64,
    pub call: C,
}

/// Where a call has come to, after one of its steps.
pub enum Next<P> {
    /// It has other steps before it.
    At(P),
    /// It is over, with the answer that was recorded.
    Over,
}

/// A sequential definition.
pub trait Definition {
    type Call: Debug;
    type State: Clone + Eq + Hash + Debug;
    /// How far a call has come; the default is: not begun.
    type Progress: Clone + Eq + Hash + Default;

    /// Everything that the next step of `call` may do in `state`: none, if it cannot be what happens next.
    fn steps(
        &self,
        state: &Self::State,
        nth: usize,
        call: &Self::Call,
        progress: &Self::Progress,
        found: &mut Vec<(Self::State, Next<Self::Progress>)>,
    );
}

/// Whether the history could have happened one step after the other. At most 128 calls.
pub fn is_linearizable<D: Definition>(definition: &D, first: D::State, history: &[Event<D::Call>]) -> bool {
    assert!(history.len() <= 128, "{} calls", history.len());
    let mut search = Search { definition, history, tried: HashSet::new() };
    search.from(first, 0, vec![D::Progress::default(); history.len()])
}

/// What was tried: the calls that are over, how far the others have come, and the state that it led to.
type Tried<D> = (u128, Vec<<D as Definition>::Progress>, <D as Definition>::State);

struct Search<'a, D: Definition> {
    definition: &'a D,
    history: &'a [Event<D::Call>],
    tried: HashSet<Tried<D>>,
}

impl<D: Definition> Search<'_, D> {
    fn from(&mut self, state: D::State, over: u128, progress: Vec<D::Progress>) -> bool {
        let open = |nth: usize| over >> nth & 1 == 0;
        let Some(deadline) =
            (0..self.history.len()).filter(|&nth| open(nth)).map(|nth| self.history[nth].returned).min()
        else {
            return true;
        };
        if !self.tried.insert((over, progress.clone(), state.clone())) {
            return false;
        }
        // Whoever was called before all that is open had returned may be next.
        for nth in (0..self.history.len()).filter(|&nth| open(nth) && self.history[nth].invoked < deadline) {
            let mut found = Vec::new();
            self.definition.steps(&state, nth, &self.history[nth].call, &progress[nth], &mut found);
            for (state, next) in found {
                let mut progress = progress.clone();
                let over = match next {
                    Next::Over => {
                        // One who is over has come nowhere in particular: fewer pasts to tell apart.
                        progress[nth] = D::Progress::default();
                        over | 1 << nth
                    }
                    Next::At(further) => {
                        progress[nth] = further;
                        over
                    }
                };
                if self.from(state, over, progress) {
                    return true;
                }
            }
        }
        false
    }
}

mod tests {
    //! Histories written by hand: the checker refuses what must be refused.

    use super::*;

    /// A register: writes, and reads that say what they saw. `Both` writes twice, in two steps.
    #[derive(Debug)]
    enum Call {
        Write(u8),
        Read(u8),
        Both(u8, u8),
    }

    struct Register;

    impl Definition for Register {
        type Call = Call;
        type State = u8;
        type Progress = u8;

        fn steps(&self, state: &u8, _: usize, call: &Call, progress: &u8, found: &mut Vec<(u8, Next<u8>)>) {
            match (call, progress) {
                (Call::Write(value), _) => found.push((*value, Next::Over)),
                (Call::Read(seen), _) if seen == state => found.push((*state, Next::Over)),
                (Call::Read(_), _) => {}
                (Call::Both(value, _), 0) => found.push((*value, Next::At(1))),
                (Call::Both(_, value), _) => found.push((*value, Next::Over)),
            }
        }
    }

    fn verdict(calls: Vec<(u64, u64, Call)>) -> bool {
        let events = calls.into_iter().map(|(invoked, returned, call)| Event { invoked, returned, call });
        is_linearizable(&Register, 0, &events.collect::<Vec<_>>())
    }

    use Call::{Both, Read, Write};

    #[test]
    fn what_could_have_happened_is_accepted() {
        assert!(verdict(vec![]));
        assert!(verdict(vec![(0, 1, Write(1)), (2, 3, Read(1))]));
        // Two at once, in either order.
        assert!(verdict(vec![(0, 3, Write(1)), (1, 2, Read(0))]));
        assert!(verdict(vec![(0, 3, Write(1)), (1, 2, Read(1))]));
        // Of two writes the one that was called later may be first.
        assert!(verdict(vec![(0, 5, Write(1)), (1, 4, Write(2)), (6, 7, Read(1))]));
        // Between the two steps of one call.
        assert!(verdict(vec![(0, 7, Both(1, 2)), (1, 2, Read(0)), (3, 4, Read(1)), (5, 6, Read(2))]));
    }

    #[test]
    fn a_stale_read_is_refused() {
        assert!(!verdict(vec![(0, 1, Write(1)), (2, 3, Read(0))]));
    }

    #[test]
    fn a_read_of_what_nobody_wrote_is_refused() {
        assert!(!verdict(vec![(0, 3, Write(1)), (1, 2, Read(2))]));
    }

    /// Whoever has seen the new value, nobody after him sees the old one, though the writer is not back yet.
    #[test]
    fn a_read_that_goes_back_is_refused() {
        assert!(!verdict(vec![(0, 9, Write(1)), (1, 2, Read(1)), (3, 4, Read(0))]));
    }

    #[test]
    fn a_lost_write_is_refused() {
        assert!(!verdict(vec![(0, 1, Write(1)), (2, 3, Write(2)), (4, 5, Read(1))]));
    }

    #[test]
    fn half_a_call_is_refused_once_it_is_over() {
        assert!(!verdict(vec![(0, 1, Both(1, 2)), (2, 3, Read(1))]));
        assert!(!verdict(vec![(0, 7, Both(1, 2)), (1, 2, Read(2)), (3, 4, Read(1))]));
    }

    /// What two threads saw of two writes in two orders: each alone is fine, together not.
    #[test]
    fn two_orders_at_once_are_refused() {
        let seen = |first, second| {
            let writes = [(0, 20, Write(1)), (1, 21, Write(2))];
            let reads = [(2, 3, Read(1)), (4, 5, Read(2)), (6, 7, Read(first)), (8, 9, Read(second))];
            verdict(writes.into_iter().chain(reads).collect())
        };
        assert!(seen(2, 2));
        assert!(!seen(1, 2));
    }

    /// The limiter of a limit of one that lets two through, as the places record it.
    #[test]
    fn two_grants_of_one_permit_are_refused() {
        use crate::word::{Asked, Call as Verb, Word};
        let model = |limit| {
            let config = crate::reference::Config::new(crate::reference::Algorithm::Gcra, limit, 1 << 20, limit);
            crate::reference::Model::new(config).unwrap()
        };
        let granted = || Verb { now: 5, asked: Asked::TryAcquire { cost: 1, allowed: true } };
        let history =
            [Event { invoked: 0, returned: 3, call: granted() }, Event { invoked: 1, returned: 2, call: granted() }];
        assert!(!is_linearizable(&Word, (model(1), vec![None; 2]), &history));
        assert!(is_linearizable(&Word, (model(2), vec![None; 2]), &history));
    }
}
