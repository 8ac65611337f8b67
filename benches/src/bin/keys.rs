//! Many keys: tidegate's table and the peers', interleaved in short slices, within six minutes.
//!
//! `cargo run --release -p tidegate-benches --bin keys` measures, prints the tables and leaves the figures for `bin/page.rs`. A number of keys
//! and a part of a case's name narrow it down: `keys 1000000 hit`, `keys sweep`; then nothing is left for the page.

#[path = "../keys/mod.rs"]
mod keys;

use std::io;

use tidegate_benches::interleave::{Middle, Series};
use tidegate_benches::results::{Bound, Results, quick};
use tidegate_benches::tables;

use keys::floor::{self, FLOOR, HASHED};
use keys::measure::{interleaved, slice, steady_slice};
use keys::memory::{Counting, bytes_a_key};
use keys::report::{self, BYTES, OVER_HIT, Row};
use keys::space::{self, KeyType, Order};
use keys::subject::{self, GOVERNOR, Room, SHARDED, STORED, Subject, TIDEGATE};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const SIZES: [usize; 2] = [1_000, 1_000_000];
/// Numbers of keys of the chart.
const SWEEP: [usize; 6] = [100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];
/// The page of all these bounds.
const PAGE: &str = "keys";
/// Calls in a slice, and rounds. On one thread a slice of a large table is so long that the processor's caches have long forgotten the
/// subject before it, and know this one as well as they can.
const fn slice_of(threads: usize, keys: usize) -> usize {
    match (threads, keys) {
        (1, 1_000_000) => 500_000,
        (1, _) => 25_000,
        _ => 62_500,
    }
}
const ROUNDS: usize = 9;
const SWEEP_ROUNDS: usize = 7;
/// Calls in a slice of the sweep, each round other ones, so that no subject finds the lines of its last slice in a cache.
const SWEEP_SLICE: usize = 250_000;
/// Newcomers in a slice.
const STRANGERS: usize = 62_500;
/// Keys in a slice of a table that is filled.
const FILL: usize = 15_625;
/// Rounds of small tables, which are filled anew in each.
const FILLS: usize = 101;
/// Calls in a sequence, before it begins again.
const SEQUENCE: usize = 500_000;

/// What the command line leaves over.
struct Wanted {
    size: Option<usize>,
    case: Option<String>,
}

impl Wanted {
    fn case(&self, case: &str) -> bool {
        self.case.as_ref().is_none_or(|wanted| case.contains(wanted.as_str()))
    }
}

fn main() -> io::Result<()> {
    let mut wanted = Wanted { size: None, case: None };
    for argument in std::env::args().skip(1) {
        match argument.parse() {
            Ok(size) => wanted.size = Some(size),
            Err(_) => wanted.case = Some(argument),
        }
    }
    let all = wanted.size.is_none() && wanted.case.is_none();
    let mut rows = Vec::new();
    for size in SIZES.into_iter().filter(|size| wanted.size.is_none_or(|wanted| wanted == *size)) {
        // A run that shows that everything works needs no million.
        let size = if quick() { size.min(50_000) } else { size };
        measure::<u64>(size, &wanted, &mut rows);
        measure::<String>(size, &wanted, &mut rows);
    }
    let mut results = Results { rows: report::results(&rows), bounds: bounds(&rows), ..Results::default() };
    if wanted.case("sweep") {
        let most = if quick() { 100_000 } else { usize::MAX };
        for size in SWEEP.into_iter().filter(|&size| size <= most) {
            results.rows.extend(sweep(size).results(tables::SWEEP));
        }
    }
    println!("{}\n{}\n{}", tables::bounds(&results, PAGE), tables::keys(&results), tables::sweep(&results));
    if all { results.save_part("keys") } else { Ok(()) }
}

/// A hit among so many keys, on one thread.
fn sweep(size: usize) -> Row {
    let room = Room { keys: size, at_once: true };
    let mut subjects: Subjects<u64> =
        subject::all::<u64>().into_iter().map(|(name, make)| (name, make(room))).collect();
    subjects.retain(|(name, _)| [TIDEGATE, GOVERNOR, SHARDED].contains(name));
    subjects.push((FLOOR, floor::counted::<u64>(room)));
    let known: Vec<u64> = space::keys(0..size as u64);
    for (_, subject) in &subjects {
        assert_eq!(subject.spend(&known), size as u64);
    }
    drop(known);
    let calls: Vec<u64> = space::keys(Order::Uniform.numbers(size, SWEEP_SLICE * SWEEP_ROUNDS, 7));
    let series = interleaved(SWEEP_ROUNDS, subjects.len(), |round, index| {
        let (name, subject) = &subjects[index];
        steady_slice(name, &**subject, part(&calls, round, SWEEP_SLICE), 1)
    });
    let cells = subjects.iter().map(|(name, _)| *name).zip(series).collect();
    Row { keys: size, kind: <u64 as KeyType>::NAME, case: Order::Uniform.name(), threads: 1, cells }
}

type Subjects<K> = Vec<(&'static str, Box<dyn Subject<K>>)>;

fn make_all<K: KeyType>(size: usize) -> Subjects<K> {
    let room = Room { keys: size, at_once: true };
    subject::all::<K>().into_iter().map(|(name, make)| (name, make(room))).collect()
}

/// All lines of one number and type of keys.
fn measure<K: KeyType>(size: usize, wanted: &Wanted, rows: &mut Vec<Row>) {
    let row = |case, threads, cells| Row { keys: size, kind: K::NAME, case, threads, cells };
    let known: Vec<K> = space::keys(0..size as u64);
    if wanted.case("insert") {
        for threads in [1, 2] {
            rows.push(row("insert, with room", threads, insert(&known, threads)));
        }
    }
    let room = Room { keys: size, at_once: true };
    let mut subjects = make_all::<K>(size);
    subjects.push((FLOOR, floor::counted::<K>(room)));
    subjects.push((HASHED, floor::hashed::<K>(room)));
    subjects.push((STORED, subject::stored::<K>(size)));
    subjects.push((EVICT, subject::of_busy_keys::<K>(size)));
    for (_, subject) in &subjects {
        assert_eq!(subject.spend(&known), size as u64);
    }
    for order in Order::ALL {
        let calls: Vec<K> = space::keys(order.numbers(size, SEQUENCE, 7));
        for threads in [1, 2] {
            let evicts = order == Order::Uniform && wanted.case("evict");
            if !(evicts || wanted.case(order.name())) {
                continue;
            }
            let (hits, evictions) = if order == Order::Uniform {
                let strangers = strangers::<K>(size, threads);
                let (hits, evictions) = hit_and_evict(size, &subjects, &calls, &strangers, threads);
                (hits, Some(evictions))
            } else {
                (hit(size, &subjects[..subjects.len() - 1], &calls, threads), None)
            };
            // A table that is filled to its maximum finds no room in reach for one key in some hundred thousand.
            assert!(subjects[0].1.evictions() <= (SEQUENCE / 1_000) as u64, "hits evict nobody");
            rows.push(row(order.name(), threads, hits));
            if let Some(Evicting { nanos, over_hit }) = evictions {
                rows.push(row("insert, evicting", threads, vec![(TIDEGATE, nanos)]));
                rows.push(row(OVER_HIT, threads, vec![(TIDEGATE, over_hit)]));
            }
        }
    }
    drop(subjects);
    if wanted.case(TOLD) {
        let told: Subjects<K> = subject::told::<K>().into_iter().map(|(name, make)| (name, make(room))).collect();
        for (_, subject) in &told {
            assert_eq!(subject.spend(&known), size as u64);
        }
        let calls: Vec<K> = space::keys(Order::Uniform.numbers(size, SEQUENCE, 7));
        for threads in [1, 2] {
            rows.push(row(TOLD, threads, hit(size, &told, &calls, threads)));
        }
    }
    if wanted.case("idle") {
        for threads in [1, 2] {
            rows.push(row("insert, over an idle key", threads, vec![(TIDEGATE, over_idle(&known, threads))]));
        }
    }
    if wanted.case("bytes") {
        let bytes = subject::all::<K>().into_iter().map(|(name, make)| (name, vec![bytes_a_key(make, size)]));
        rows.push(row(BYTES, 0, bytes.collect()));
    }
}

const TOLD: &str = "hit, uniform, told the time";
const EVICT: &str = "evict";

/// Keys that no table has seen: as many as all rounds need.
fn strangers<K: KeyType>(size: usize, threads: usize) -> Vec<K> {
    let from = (size * (1 + threads) * 1_000) as u64;
    space::keys(from..from + (STRANGERS * ROUNDS) as u64)
}

/// The calls of a round; they begin again when they have all been made.
fn part<K>(calls: &[K], round: usize, length: usize) -> &[K] {
    let from = round * length % calls.len();
    &calls[from..from + length]
}

type Cells = Vec<(&'static str, Series)>;

/// Calls on keys that are there.
fn hit<K: KeyType>(
    size: usize,
    subjects: &[(&'static str, Box<dyn Subject<K>>)],
    calls: &[K],
    threads: usize,
) -> Cells {
    let series = interleaved(ROUNDS, subjects.len(), |round, index| {
        let (name, subject) = &subjects[index];
        steady_slice(name, &**subject, part(calls, round, slice_of(threads, size)), threads)
    });
    subjects.iter().map(|(name, _)| *name).zip(series).collect()
}

/// Newcomers to a full table.
struct Evicting {
    nanos: Series,
    over_hit: Series,
}

/// Calls on keys that are there, and beside them, in the same rounds, newcomers to a full table, which is the last subject.
fn hit_and_evict<K: KeyType>(
    size: usize,
    subjects: &Subjects<K>,
    calls: &[K],
    strangers: &[K],
    threads: usize,
) -> (Cells, Evicting) {
    let full = &subjects[subjects.len() - 1].1;
    let before = full.evictions();
    let series = interleaved(ROUNDS, subjects.len(), |round, index| {
        let (name, subject) = &subjects[index];
        let evicts = *name == EVICT;
        let calls =
            if evicts { part(strangers, round, STRANGERS) } else { part(calls, round, slice_of(threads, size)) };
        steady_slice(name, &**subject, calls, threads)
    });
    // But for those who found the last free slots.
    let (evictions, newcomers) = (full.evictions() - before, strangers.len() as u64);
    assert!(
        evictions <= newcomers && evictions >= newcomers - newcomers / 1_000,
        "every stranger evicts somebody: {evictions}"
    );
    let mut cells: Cells = subjects.iter().map(|(name, _)| *name).zip(series).collect();
    let nanos = cells.pop().map(|(_, series)| series).unwrap_or_default();
    let over_hit = nanos.iter().zip(&cells[0].1).map(|(evict, hit)| evict / hit).collect();
    (cells, Evicting { nanos, over_hit })
}

/// Fills tables that are made for as many keys. Small ones are made anew in each round.
fn insert<K: KeyType>(known: &[K], threads: usize) -> Cells {
    let (makers, room) = (subject::all::<K>(), Room { keys: known.len(), at_once: true });
    let mut subjects = make_all::<K>(known.len());
    let names: Vec<_> = subjects.iter().map(|(name, _)| *name).collect();
    let series = if known.len() < FILL {
        interleaved(FILLS, names.len(), |round, index| {
            if round > 0 {
                subjects[index].1 = makers[index].1(room);
            }
            slice(names[index], &*subjects[index].1, known, threads)
        })
    } else {
        interleaved(known.len() / FILL, names.len(), |round, index| {
            slice(names[index], &*subjects[index].1, part(known, round, FILL), threads)
        })
    };
    names.into_iter().zip(series).collect()
}

/// Newcomers to a table that is full of idle keys.
fn over_idle<K: KeyType>(known: &[K], threads: usize) -> Series {
    let subject = subject::of_idle_keys::<K>(known.len());
    assert_eq!(subject.spend(known), known.len() as u64);
    let strangers = strangers::<K>(known.len(), threads);
    let series =
        interleaved(ROUNDS, 1, |round, _| steady_slice("idle", &*subject, part(&strangers, round, STRANGERS), threads));
    assert_eq!(subject.evictions(), 0);
    series.into_iter().next().unwrap_or_default()
}

/// What is wanted, and what was measured.
fn bounds(rows: &[Row]) -> Vec<Bound> {
    let most = rows.iter().map(|row| row.keys).max().unwrap_or(0);
    let row = |kind: &str, case: &str| {
        rows.iter().find(|row| (row.keys, row.kind, row.case) == (most, kind, case) && row.threads < 2)
    };
    let figure = |kind, case| Some(Middle::of(row(kind, case)?.cells.first()?.1.clone()));
    let mut all = Vec::new();
    for (kind, times) in [(<u64 as KeyType>::NAME, 3.0), (<String as KeyType>::NAME, 5.0)] {
        let hit = |above, below| row(kind, Order::Uniform.name())?.ratio_to(above, below);
        let told = |above, below| row(kind, TOLD)?.ratio_to(above, below);
        let at_least = |says, least, found: Option<Middle>| {
            found.map(|found| Bound::at_least(PAGE, &format!("{says}, {kind}"), least, found))
        };
        let at_most = |says, most, found: Option<Middle>| {
            found.map(|found| Bound::at_most(PAGE, &format!("{says}, {kind}"), most, found))
        };
        let known =
            |says, found: Option<Middle>| found.map(|found| Bound::known(PAGE, &format!("{says}, {kind}"), found));
        let these = [
            at_least("governor's time to tidegate's", times, hit(GOVERNOR, TIDEGATE)),
            known("governor's time to the floor's (the room there is)", hit(GOVERNOR, FLOOR)),
            known("governor's time to the floor's with a keyed hash", hit(GOVERNOR, HASHED)),
            known("tidegate's time to the floor's with a keyed hash", hit(TIDEGATE, HASHED)),
            known("governor, default clock, to tidegate with an instant stored now and then", hit(GOVERNOR, STORED)),
            known("governor's time to tidegate's, both told the time", told(GOVERNOR, TIDEGATE)),
            at_most("insert under eviction to a hit", 3.0, figure(kind, OVER_HIT)),
            at_most("bytes a key", 24.0, figure(kind, BYTES)),
        ];
        all.extend(these.into_iter().flatten());
    }
    all
}
