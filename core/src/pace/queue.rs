//! `PriorityQueue`: which of the items that wait goes next. Pure: no clock, no lock, no chance.
//!
//! Three lines, each first in, first out. *The highest line that is not empty goes*, with one exception so that none starves: a line
//! that has been **passed over** `patience` times since it last went (or was empty) is *due*, and what is due goes first, low before normal.
//!
//! The bounds, whatever comes in on the other lines, for the item at place `p` of its line, with patience `N` of normal and `M` of low:
//! * low: among the next `p * (M + 1)` to go, since nothing comes before low when it is due.
//! * normal: among the next `p * (N + 2)`, since low may be due with it, once.
//! * high: among the next `p * 3`, since after one of low and one of normal neither can be due again (patience is at least 2).

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;

/// How urgent an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Priority {
    /// Before all others.
    High,
    /// In between.
    #[default]
    Normal,
    /// When nothing else waits, and now and then all the same.
    Low,
}

impl Priority {
    /// All of them, the most urgent first.
    pub const ALL: [Priority; 3] = [Priority::High, Priority::Normal, Priority::Low];

    const fn index(self) -> usize {
        match self {
            Priority::High => 0,
            Priority::Normal => 1,
            Priority::Low => 2,
        }
    }
}

/// An item that was not taken in, given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PushError<T> {
    /// The line of this priority is full.
    Full(T),
    /// Nothing is taken in any more.
    Closed(T),
}

impl<T> PushError<T> {
    /// The item.
    pub fn into_inner(self) -> T {
        match self {
            PushError::Full(item) | PushError::Closed(item) => item,
        }
    }
}

impl<T> fmt::Display for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PushError::Full(_) => "the line of this priority is full",
            PushError::Closed(_) => "the queue is closed",
        })
    }
}

impl<T: fmt::Debug> core::error::Error for PushError<T> {}

/// Items that wait, in three priorities, none of which starves.
///
/// High before normal before low; but normal goes after it has been passed over 4 times, and low after 8. So while all three wait, low has
/// one turn in nine, normal about one in five, and high the rest. The item at place `p` of its line is among the next
/// `p * 3` (high), `p * 6` (normal) or `p * 9` (low) to go, whatever else comes in. Within a priority: first in, first out.
///
/// Each line holds at most `capacity` items, so a flood of one priority never shuts out another.
///
/// ```
/// use tidegate::{Priority, PriorityQueue, PushError};
/// let mut queue = PriorityQueue::new(2);
/// queue.push(Priority::Low, "report")?;
/// queue.push(Priority::Normal, "newsletter")?;
/// queue.push(Priority::High, "password reset")?;
/// queue.push(Priority::High, "receipt")?;
/// assert_eq!(queue.push(Priority::High, "one more"), Err(PushError::Full("one more")));
///
/// let order: Vec<&str> = std::iter::from_fn(|| queue.pop()).collect();
/// assert_eq!(order, ["password reset", "receipt", "newsletter", "report"]);
/// # Ok::<(), PushError<&str>>(())
/// ```
#[derive(Clone, Debug)]
pub struct PriorityQueue<T> {
    lines: [VecDeque<T>; 3],
    capacity: usize,
    /// How often each line was passed over since it last went, or was empty.
    passed_over: [u64; 3],
    patience: [u64; 3],
}

impl<T> PriorityQueue<T> {
    /// A queue that holds up to `capacity` items of each priority. Memory is taken as they come.
    pub const fn new(capacity: usize) -> PriorityQueue<T> {
        let lines = [VecDeque::new(), VecDeque::new(), VecDeque::new()];
        PriorityQueue { lines, capacity, passed_over: [0; 3], patience: [u64::MAX, 4, 8] }
    }

    /// How often normal and low are passed over before they are due: at least 2, and less is read as 2, so that high does not starve either.
    ///
    /// The bounds are then `p * 3` for high, `p * (normal + 2)` and `p * (low + 1)`.
    #[must_use]
    pub fn patience(mut self, normal: u32, low: u32) -> PriorityQueue<T> {
        self.patience = [u64::MAX, u64::from(normal.max(2)), u64::from(low.max(2))];
        self
    }

    /// Puts an item at the end of the line of its priority.
    ///
    /// # Errors
    /// The line is full; the item comes back.
    pub fn push(&mut self, priority: Priority, item: T) -> Result<(), PushError<T>> {
        let line = &mut self.lines[priority.index()];
        if line.len() >= self.capacity {
            return Err(PushError::Full(item));
        }
        line.push_back(item);
        Ok(())
    }

    /// The priority that goes next.
    pub fn next_priority(&self) -> Option<Priority> {
        let waits = |priority: &Priority| !self.lines[priority.index()].is_empty();
        let due = |priority: &Priority| self.passed_over[priority.index()] >= self.patience[priority.index()];
        let is_due = Priority::ALL.into_iter().rev().filter(waits).find(due);
        is_due.or_else(|| Priority::ALL.into_iter().find(waits))
    }

    /// The item that goes next.
    pub fn pop(&mut self) -> Option<T> {
        let next = self.next_priority()?.index();
        for (line, passed_over) in self.lines.iter().zip(&mut self.passed_over) {
            *passed_over = if line.is_empty() { 0 } else { passed_over.saturating_add(1) };
        }
        self.passed_over[next] = 0;
        self.lines[next].pop_front()
    }

    /// Takes out everything, in the order in which it would have gone.
    pub fn drain(&mut self) -> Vec<T> {
        core::iter::from_fn(|| self.pop()).collect()
    }

    /// The items that wait.
    pub fn len(&self) -> usize {
        // Each line is shorter than isize::MAX.
        self.lines.iter().fold(0, |sum, line| sum.saturating_add(line.len()))
    }

    /// The items of one priority that wait.
    pub fn len_of(&self, priority: Priority) -> usize {
        self.lines[priority.index()].len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.lines.iter().all(VecDeque::is_empty)
    }

    /// The most items of one priority.
    pub fn capacity(&self) -> usize {
        self.capacity
    }
}
