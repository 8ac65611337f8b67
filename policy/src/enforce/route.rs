//! Which limits a request meets: its plan and its customer choose among them, its endpoint among their patterns.
//!
//! A *set* is the rows of one table, or the categories of the file, or the endpoints of one limit in prose. A request belongs to one row
//! of a set: the most specific that it matches (the loader has refused sets in which that is not one). Patterns are tried from the
//! narrowest; one is narrower than those that it lies within, so it lies within more of them.

use smallvec::SmallVec;

use crate::endpoint::{Endpoint, Endpoints, parts};
use crate::limit::Limit;
use crate::policy::Cost;

/// When a limit is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meets {
    Always,
    Row { set: u16, row: u16 },
    NoRow { set: u16 },
}

/// The rows of all sets that a request belongs to.
pub(crate) struct Rows(SmallVec<[Option<Hit>; 8]>);

#[derive(Clone, Copy)]
struct Hit {
    row: u16,
    pattern: u16,
}

/// What the rows of a request say, as it is asked for each limit.
#[derive(Clone, Copy)]
pub(crate) struct Hits<'a>(&'a [Option<Hit>]);

impl Rows {
    pub(crate) fn hits(&self) -> Hits<'_> {
        Hits(&self.0)
    }
}

impl Hits<'_> {
    /// The place of the pattern in its row, if the request meets this; 0 where no pattern decides.
    #[inline]
    pub(crate) fn met(&self, meets: Meets) -> Option<u16> {
        match meets {
            Meets::Always => Some(0),
            Meets::Row { set, row } => self.hit(set).filter(|hit| hit.row == row).map(|hit| hit.pattern),
            Meets::NoRow { set } => self.hit(set).is_none().then_some(0),
        }
    }

    #[inline]
    fn hit(&self, set: u16) -> Option<Hit> {
        self.0.get(usize::from(set)).copied().flatten()
    }
}

/// All patterns of a policy.
#[derive(Debug, Default)]
pub(crate) struct Router {
    sets: Vec<Set>,
}

#[derive(Debug)]
struct Set {
    of: Of,
    rows: Vec<Vec<Endpoint>>,
    /// From the narrowest: the pattern, its row, its place in the row.
    ranked: Vec<(Endpoint, u16, u16)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Of {
    Table(String),
    Categories,
    Prose(Vec<Endpoint>),
}

impl Router {
    /// When a limit is met; its rows become known. Limits come in any order, and all of them before the first request.
    pub(crate) fn limit(&mut self, limit: &Limit) -> Meets {
        let of = match (&limit.table, &limit.category, &limit.endpoints) {
            (Some(table), ..) => Of::Table(table.clone()),
            (None, None, Endpoints::Matching(patterns)) => Of::Prose(patterns.clone()),
            _ => Of::Categories,
        };
        self.meets(of, &limit.endpoints)
    }

    /// When a cost applies.
    pub(crate) fn cost(&mut self, cost: &Cost) -> Meets {
        match &cost.endpoints {
            Endpoints::Matching(patterns) => self.meets(Of::Prose(patterns.clone()), &cost.endpoints),
            endpoints => self.meets(Of::Categories, endpoints),
        }
    }

    /// Makes a category known that no limit names: it still is no "other".
    pub(crate) fn category(&mut self, patterns: &[Endpoint]) {
        self.meets(Of::Categories, &Endpoints::Matching(patterns.to_vec()));
    }

    fn meets(&mut self, of: Of, endpoints: &Endpoints) -> Meets {
        if *endpoints == Endpoints::All {
            return Meets::Always;
        }
        let set = self.sets.iter().position(|set| set.of == of).unwrap_or_else(|| {
            self.sets.push(Set { of, rows: Vec::new(), ranked: Vec::new() });
            self.sets.len() - 1
        });
        // The loader refuses files with as many limits or patterns.
        let short = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        let Endpoints::Matching(patterns) = endpoints else { return Meets::NoRow { set: short(set) } };
        let rows = &mut self.sets[set].rows;
        let row = rows.iter().position(|row| row == patterns).unwrap_or_else(|| {
            rows.push(patterns.clone());
            rows.len() - 1
        });
        Meets::Row { set: short(set), row: short(row) }
    }

    /// Ranks the patterns; to be called once, after the last limit.
    pub(crate) fn rank(&mut self) {
        for set in &mut self.sets {
            let short = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
            let all = |rows: &[Vec<Endpoint>]| {
                let numbered = rows.iter().enumerate().flat_map(|(row, patterns)| {
                    patterns.iter().enumerate().map(move |(n, pattern)| (pattern.clone(), short(row), short(n)))
                });
                numbered.collect::<Vec<_>>()
            };
            let ranked = all(&set.rows);
            let mut keyed: Vec<(usize, (Endpoint, u16, u16))> = ranked
                .iter()
                .map(|entry| (ranked.iter().filter(|(outer, ..)| entry.0.within(outer)).count(), entry.clone()))
                .collect();
            keyed.sort_by_key(|(depth, _)| std::cmp::Reverse(*depth));
            set.ranked = keyed.into_iter().map(|(_, entry)| entry).collect();
        }
    }

    /// Whether any limit looks at the endpoint at all.
    pub(crate) fn is_needed(&self) -> bool {
        !self.sets.is_empty()
    }

    pub(crate) fn rows(&self, method: &str, path: &str) -> Rows {
        let path: SmallVec<[&[u8]; 12]> = parts(path).collect();
        let mut rows = SmallVec::new();
        for set in &self.sets {
            let hit = set.ranked.iter().find(|(pattern, ..)| pattern.matches_parts(method, &path));
            rows.push(hit.map(|(_, row, pattern)| Hit { row: *row, pattern: *pattern }));
        }
        Rows(rows)
    }

    pub(crate) fn no_rows(&self) -> Rows {
        Rows(SmallVec::new())
    }
}
