//! Absolute times, with criterion: `cargo bench -p tidegate-benches`, or a part of it with `-- 'grant, now given'`.
//!
//! Criterion measures one thing after another, so on a machine with other work two of its figures may have seen different machines.
//! For ratios use the table of `bin/table.rs`, which interleaves.

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tidegate_benches::{Group, candidates, threads};

fn one_thread(criterion: &mut Criterion) {
    let mut all = candidates();
    for name in Group::ALL {
        let mut group = criterion.benchmark_group(name.name());
        for candidate in all.iter_mut().filter(|candidate| candidate.group == name) {
            group.bench_function(candidate.name, |bencher| {
                bencher.iter_custom(|calls| {
                    let start = Instant::now();
                    let admitted = candidate.run(calls);
                    let elapsed = start.elapsed();
                    candidate.check(calls, admitted);
                    elapsed
                });
            });
        }
        group.finish();
    }
}

fn two_threads(criterion: &mut Criterion) {
    if std::thread::available_parallelism().is_ok_and(|cores| cores.get() < 2) {
        return;
    }
    // An iteration is a call on each thread.
    let mut group = criterion.benchmark_group("two threads on one limiter");
    group.throughput(Throughput::Elements(2));
    for crowd in threads::crowds(&[2]) {
        group.bench_function(crowd.name, |bencher| bencher.iter_custom(|calls| crowd.run_checked(2 * calls)));
    }
    group.finish();
}

criterion_group! {
    name = speed;
    config = Criterion::default()
        .without_plots()
        .sample_size(30)
        .nresamples(10_000)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600));
    targets = one_thread, two_threads
}
criterion_main!(speed);
