//! Order, bounds and capacity of the queue alone.

use std::collections::HashMap;

use tidegate::Priority::{High, Low, Normal};
use tidegate::{Priority, PriorityQueue, PushError};

/// Seeded numbers (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

fn flooded() -> PriorityQueue<(Priority, u32)> {
    let mut queue = PriorityQueue::new(1_000);
    for n in 0..1_000 {
        for priority in Priority::ALL {
            queue.push(priority, (priority, n)).unwrap();
        }
    }
    queue
}

#[test]
fn first_in_first_out_within_a_priority() {
    let mut queue = flooded();
    let mut next = HashMap::new();
    while let Some((priority, n)) = queue.pop() {
        let expected = next.entry(priority).or_insert(0);
        assert_eq!(n, *expected);
        *expected += 1;
    }
    assert!(Priority::ALL.iter().all(|priority| next[priority] == 1_000));
}

#[test]
fn the_order_under_a_flood() {
    let mut queue = flooded();
    let first: String = std::iter::from_fn(|| queue.pop())
        .take(27)
        .map(|(priority, _)| match priority {
            High => 'h',
            Normal => 'n',
            Low => 'l',
        })
        .collect();
    assert_eq!(first, "hhhhnhhhlnhhhhnhhlhnhhhhnhl");
}

/// While all three wait: low one in nine, normal about one in five, high the rest.
#[test]
fn the_shares_under_a_flood() {
    let mut queue = flooded();
    let mut went = HashMap::new();
    for _ in 0..900 {
        let (priority, _) = queue.pop().unwrap();
        *went.entry(priority).or_insert(0) += 1;
    }
    assert_eq!(went[&Low], 100);
    assert!((160..=180).contains(&went[&Normal]), "{went:?}");
}

#[test]
fn no_flood_no_difference() {
    let mut queue = PriorityQueue::new(10);
    for (priority, item) in [(Low, 1), (Normal, 2), (High, 3), (Low, 4), (High, 5)] {
        queue.push(priority, item).unwrap();
    }
    assert_eq!(queue.next_priority(), Some(High));
    assert_eq!(queue.drain(), [3, 5, 2, 1, 4]);
    assert_eq!((queue.pop(), queue.next_priority()), (None, None));
}

/// Each item goes within its bound, whatever comes in; and the bounds are reached, so they are not loose.
#[test]
fn every_item_goes_within_its_bound() {
    for (normal, low) in [(4, 8), (2, 2), (2, 3), (3, 2), (2, 9), (9, 2), (5, 5), (4, 9), (0, 0), (1, 1)] {
        let (n, m) = (u64::from(normal.max(2)), u64::from(low.max(2)));
        let bound = |priority| match priority {
            High => 3,
            Normal => n + 2,
            Low => m + 1,
        };
        let mut longest = HashMap::new();
        for seed in 0..100 {
            let mut numbers = Numbers(seed);
            let mut queue = PriorityQueue::new(4).patience(normal, low);
            let mut turns = 0u64;
            // How likely each priority comes in, anew every now and then.
            let mut odds = [1, 1, 1];
            for step in 0..400 {
                if step % 40 == 0 {
                    odds = [(); 3].map(|()| numbers.below(5));
                }
                for (priority, odds) in Priority::ALL.into_iter().zip(odds) {
                    if numbers.below(4) < odds {
                        let place = queue.len_of(priority) as u64 + 1;
                        let _ = queue.push(priority, (priority, place, turns));
                    }
                }
                if let Some((priority, place, since)) = queue.pop() {
                    turns += 1;
                    let took = turns - since;
                    assert!(
                        took <= place * bound(priority),
                        "{priority:?} at {place} took {took} turns ({normal}, {low})"
                    );
                    if place == 1 {
                        let longest = longest.entry(priority).or_insert(0);
                        *longest = took.max(*longest);
                    }
                }
            }
        }
        for priority in Priority::ALL {
            assert_eq!(longest[&priority], bound(priority), "{priority:?} ({normal}, {low})");
        }
    }
}

/// What went before it came does not count for it.
#[test]
fn an_empty_line_is_not_passed_over() {
    let mut queue = PriorityQueue::new(100);
    for n in 0..30 {
        queue.push(High, n).unwrap();
    }
    for n in 0..20 {
        assert_eq!(queue.pop(), Some(n));
    }
    queue.push(Low, 100).unwrap();
    queue.push(Normal, 101).unwrap();
    assert_eq!(queue.drain(), [20, 21, 22, 23, 101, 24, 25, 26, 100, 27, 28, 29]);
}

/// Patience without end is strict priority.
#[test]
fn endless_patience() {
    let mut queue = PriorityQueue::new(1_000).patience(u32::MAX, u32::MAX);
    for n in 0..1_000 {
        queue.push(Low, n).unwrap();
        queue.push(High, n).unwrap();
    }
    let order = queue.drain();
    assert_eq!(order, (0..1_000).chain(0..1_000).collect::<Vec<_>>());
}

#[test]
fn a_full_line_gives_the_item_back_and_shuts_out_no_other() {
    let mut queue = PriorityQueue::new(2);
    for n in 0..2 {
        queue.push(Low, n.to_string()).unwrap();
    }
    let refused = queue.push(Low, "2".to_string()).unwrap_err();
    assert_eq!(refused.to_string(), "the line of this priority is full");
    assert_eq!(refused, PushError::Full("2".to_string()));
    assert_eq!(refused.into_inner(), "2");
    assert_eq!((queue.len(), queue.capacity()), (2, 2));
    queue.push(High, "h".to_string()).unwrap();
    assert_eq!(queue.drain(), ["h", "0", "1"]);

    let mut nothing = PriorityQueue::new(0);
    assert_eq!(nothing.push(High, 1), Err(PushError::Full(1)));
    assert!(nothing.is_empty() && nothing.pop().is_none());
    let mut endless = PriorityQueue::new(usize::MAX);
    assert!(endless.push(High, 1).is_ok());
}
