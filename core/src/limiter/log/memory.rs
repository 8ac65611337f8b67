//! Carrying a log's memory to another log.

use alloc::vec::Vec;

use super::Log;
use super::head::{Head, RETIRED_HEAD};
use crate::limiter::Retired;
use crate::sync::{
    AtomicU64,
    Ordering::{AcqRel, Release},
};

/// What a log remembers, for carrying it elsewhere: the expiries of the live permits, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Memory {
    pub(crate) last: u64,
    pub(crate) held: bool,
    pub(crate) expiries: Vec<u64>,
}

impl<S: AsRef<[AtomicU64]>> Log<S> {
    /// The live permits, consistently.
    pub(crate) fn memory(&self) -> Result<Memory, Retired> {
        loop {
            let (word, head) = self.load()?;
            let memory = self.memory_under(&head);
            if self.unchanged(word) {
                return Ok(memory);
            }
        }
    }

    fn memory_under(&self, head: &Head) -> Memory {
        let used = self.limit() - head.free;
        let expiries = (0..used)
            .map(|ahead| self.nth_expiry(head, head.free + ahead))
            .filter(|&expiry| expiry > head.last)
            .collect();
        Memory { last: head.last, held: head.held, expiries }
    }

    /// Takes the log out of service; the head brings it back.
    pub(crate) fn retire(&self) -> Result<(u128, Memory), Retired> {
        let word = self.head.swap(RETIRED_HEAD, AcqRel);
        let head = Head::unpack(word, self.rule.width)?;
        self.finish(&head);
        Ok((word, self.memory_under(&head)))
    }

    pub(crate) fn revive(&self, head: u128) {
        self.head.swap(head, AcqRel);
    }

    /// Fills a log that nobody else has seen yet. At most L expiries.
    pub(crate) fn remember(&mut self, memory: &Memory) -> Option<()> {
        let count = memory.expiries.len() as u64;
        let free = self.limit().checked_sub(count)?;
        let newest = memory.last.checked_add(self.rule.period).filter(|_| memory.last <= self.rule.end())?;
        if !memory.expiries.is_sorted() || memory.expiries.last().is_some_and(|&expiry| expiry > newest) {
            return None;
        }
        for (ahead, &expiry) in memory.expiries.iter().enumerate() {
            self.slot(free, ahead as u64).fetch_max(expiry, Release);
        }
        let head = Head { last: memory.last, held: memory.held, changes: 0, position: 0, batch: 0, free };
        self.head.swap(head.pack(self.rule.width), Release);
        Some(())
    }
}
