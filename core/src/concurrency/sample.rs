//! What the adaptive rules share: a sample, bounds, and limits with a binary fraction.

use core::fmt;

use super::count::MAX_LIMIT;

/// What one call showed that was in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// How long it was in flight, in nanoseconds. 0 is read as 1.
    pub rtt_nanos: u64,
    /// How many were in flight when it entered, itself included.
    pub in_flight: u64,
    /// Whether it was dropped: timed out, or refused for overload by whom it called.
    pub dropped: bool,
}

impl Sample {
    /// At least 1, so that it can be divided by.
    pub(super) fn rtt(&self) -> u64 {
        self.rtt_nanos.max(1)
    }
}

/// Where an adaptive limit begins, and what it never leaves. Permits: `1 <= min <= initial <= max <= 2^31 - 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    min: u64,
    initial: u64,
    max: u64,
}

impl Bounds {
    /// From `min` to `max`, beginning at `initial`.
    ///
    /// # Errors
    /// Anything but `1 <= min <= initial <= max <= 2^31 - 1`.
    ///
    /// ```
    /// use tidegate::Bounds;
    /// assert!(Bounds::new(1, 10, 100).is_ok());
    /// assert!(Bounds::new(20, 10, 100).is_err());
    /// ```
    pub const fn new(min: u64, initial: u64, max: u64) -> Result<Bounds, AdaptiveError> {
        if 1 <= min && min <= initial && initial <= max && max <= MAX_LIMIT {
            Ok(Bounds { min, initial, max })
        } else {
            Err(AdaptiveError::Bounds { min, initial, max })
        }
    }

    /// The least limit.
    pub const fn min(&self) -> u64 {
        self.min
    }

    /// The first limit.
    pub const fn initial(&self) -> u64 {
        self.initial
    }

    /// The greatest limit.
    pub const fn max(&self) -> u64 {
        self.max
    }

    pub(super) fn clamp(&self, limit: u64) -> u64 {
        limit.clamp(self.min, self.max)
    }

    /// A limit with a fraction, within the bounds.
    pub(super) fn clamp_fixed(&self, limit: u128) -> Fixed {
        let (min, max) = (Fixed::whole(self.min), Fixed::whole(self.max));
        // Clamped, it is below 2^63.
        Fixed(limit.clamp(u128::from(min.0), u128::from(max.0)) as u64)
    }
}

/// Bits after the binary point.
pub(super) const POINT: u32 = 32;

/// A limit in units of 2^-32 permits: at most 2^31 - 1 permits, so below 2^63.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub(super) struct Fixed(pub(super) u64);

impl Fixed {
    pub(super) const fn whole(permits: u64) -> Fixed {
        Fixed(permits << POINT)
    }

    /// Rounded down.
    pub(super) const fn floor(self) -> u64 {
        self.0 >> POINT
    }

    /// Whether less than half of it is in flight: what limits then is the caller, so samples say nothing for growing.
    pub(super) fn is_half_idle(self, in_flight: u64) -> bool {
        (u128::from(in_flight) << (POINT + 1)) < u128::from(self.0)
    }

    /// `thousandths` of the way from here to `to`, rounded down.
    pub(super) fn towards(self, to: u128, thousandths: u64) -> u128 {
        // to < 2^65 and thousandths <= 1000 < 2^10.
        (u128::from(self.0) * u128::from(1000 - thousandths) + to * u128::from(thousandths)) / 1000
    }
}

/// A setting that an adaptive rule cannot have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AdaptiveError {
    /// Not `1 <= min <= initial <= max <= 2^31 - 1`.
    Bounds {
        /// As given.
        min: u64,
        /// As given.
        initial: u64,
        /// As given.
        max: u64,
    },
    /// A backoff must be from 500 to 999 thousandths.
    Backoff(u64),
    /// A timeout of 0 would make every call a drop.
    ZeroTimeout,
    /// A smoothing must be from 1 to 1000 thousandths.
    Smoothing(u64),
    /// A tolerance must be from 1000 to 100,000 thousandths.
    Tolerance(u64),
    /// A window must be from 1 to 1,000,000 samples.
    Window(u64),
    /// A queue must be from 1 to 2^31 - 1 permits.
    Queue(u64),
    /// A probe multiplier must be from 1 to 1,000,000.
    ProbeMultiplier(u64),
}

impl fmt::Display for AdaptiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AdaptiveError::Bounds { min, initial, max } => {
                write!(f, "1 <= min <= initial <= max <= {MAX_LIMIT} does not hold for {min}, {initial}, {max}")
            }
            AdaptiveError::Backoff(given) => write!(f, "a backoff must be from 500 to 999 thousandths, not {given}"),
            AdaptiveError::ZeroTimeout => f.write_str("the timeout must be at least 1 nanosecond"),
            AdaptiveError::Smoothing(given) => write!(f, "a smoothing must be from 1 to 1000 thousandths, not {given}"),
            AdaptiveError::Tolerance(given) => {
                write!(f, "a tolerance must be from 1000 to 100000 thousandths, not {given}")
            }
            AdaptiveError::Window(given) => write!(f, "a window must be from 1 to 1000000 samples, not {given}"),
            AdaptiveError::Queue(given) => write!(f, "a queue must be from 1 to {MAX_LIMIT} permits, not {given}"),
            AdaptiveError::ProbeMultiplier(given) => {
                write!(f, "a probe multiplier must be from 1 to 1000000, not {given}")
            }
        }
    }
}

impl core::error::Error for AdaptiveError {}
