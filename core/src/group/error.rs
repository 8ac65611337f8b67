//! `GroupError`: why several limits are no group.

use core::fmt;

use super::MAX_MEMBERS;

/// Why a group was not made. Nothing has been spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupError {
    /// It has no member: nothing would ever be denied.
    Empty,
    /// It has more members than [`MAX_MEMBERS`].
    TooMany,
    /// Two members have the same name; the position of the second, from 0.
    DuplicateName(usize),
    /// Two members are one and the same limiter, which would be charged twice; the position of the second, from 0.
    DuplicateLimiter(usize),
    /// A member reads another clock than the first one; its position, from 0. One time must be meant for all.
    AnotherClock(usize),
}

impl fmt::Display for GroupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GroupError::Empty => f.write_str("a group needs at least one member"),
            GroupError::TooMany => write!(f, "a group has at most {MAX_MEMBERS} members"),
            GroupError::DuplicateName(at) => write!(f, "member {at} has the name of an earlier one"),
            GroupError::DuplicateLimiter(at) => write!(f, "member {at} is the same limiter as an earlier one"),
            GroupError::AnotherClock(at) => write!(f, "member {at} reads another clock than the first"),
        }
    }
}

impl core::error::Error for GroupError {}

/// How many there may be, and that each name says which one is meant.
#[inline]
pub(super) fn check_names<'a>(count: usize, name: impl Fn(usize) -> &'a str) -> Result<(), GroupError> {
    match count {
        0 => return Err(GroupError::Empty),
        1..=MAX_MEMBERS => {}
        _ => return Err(GroupError::TooMany),
    }
    match (1..count).find(|&at| !name(at).is_empty() && (0..at).any(|earlier| name(earlier) == name(at))) {
        Some(at) => Err(GroupError::DuplicateName(at)),
        None => Ok(()),
    }
}
