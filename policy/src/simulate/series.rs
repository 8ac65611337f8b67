//! `Series`: what happened when, in a bounded number of bins that grow wider as time goes on.

/// The most bins.
const MOST: usize = 600;

const SECOND: u64 = 1_000_000_000;

/// Widths in nanoseconds, each a whole number of the one before, so that narrower bins can be joined; round to the eye, and windows of
/// minutes, hours and days are whole numbers of them.
const WIDTHS: [u64; 14] = [
    1_000_000,
    10_000_000,
    100_000_000,
    SECOND,
    10 * SECOND,
    60 * SECOND,
    600 * SECOND,
    3_600 * SECOND,
    6 * 3_600 * SECOND,
    86_400 * SECOND,
    7 * 86_400 * SECOND,
    70 * 86_400 * SECOND,
    700 * 86_400 * SECOND,
    7_000 * 86_400 * SECOND,
];

/// What happened in one span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bin {
    /// Requests that came.
    pub asked: u64,
    /// Requests admitted when they came.
    pub at_once: u64,
    /// Requests admitted that had waited.
    pub delayed: u64,
    /// Requests denied.
    pub denied: u64,
}

impl Bin {
    fn join(&mut self, other: &Bin) {
        self.asked += other.asked;
        self.at_once += other.at_once;
        self.delayed += other.delayed;
        self.denied += other.denied;
    }
}

/// What happened when: at most 600 bins, of a millisecond at first, joined as time goes on.
#[derive(Clone, Debug)]
pub struct Series {
    /// The time of the first bin: a multiple of the width.
    start: u64,
    width: usize,
    bins: Vec<Bin>,
}

impl Series {
    pub(crate) fn new() -> Series {
        Series { start: 0, width: 0, bins: Vec::with_capacity(MOST) }
    }

    /// When the first bin begins, in nanoseconds.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// The length of a bin, in nanoseconds.
    pub fn width(&self) -> u64 {
        WIDTHS[self.width]
    }

    /// The bins, one after another.
    pub fn bins(&self) -> &[Bin] {
        &self.bins
    }

    /// The bin in which `now` lies. A `now` before the first bin is read as its beginning.
    pub(crate) fn at(&mut self, now: u64) -> &mut Bin {
        if self.bins.is_empty() {
            self.start = now - now % self.width();
        }
        loop {
            let index = usize::try_from(now.saturating_sub(self.start) / self.width()).unwrap_or(usize::MAX);
            if index < MOST || self.width + 1 == WIDTHS.len() {
                // 600 of the widest are longer than the clock runs.
                let index = index.min(MOST - 1);
                if index >= self.bins.len() {
                    self.bins.resize(index + 1, Bin::default());
                }
                return &mut self.bins[index];
            }
            self.widen();
        }
    }

    fn widen(&mut self) {
        let (narrow, wide) = (self.width(), WIDTHS[self.width + 1]);
        let start = self.start - self.start % wide;
        let mut joined: Vec<Bin> = Vec::with_capacity(MOST);
        for (n, bin) in self.bins.iter().enumerate() {
            let index = ((self.start - start + n as u64 * narrow) / wide) as usize;
            if index >= joined.len() {
                joined.resize(index + 1, Bin::default());
            }
            joined[index].join(bin);
        }
        (self.start, self.bins) = (start, joined);
        self.width += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_width_is_a_whole_number_of_the_one_before() {
        assert!(WIDTHS.windows(2).all(|pair| pair[1] % pair[0] == 0 && pair[1] > pair[0]));
        assert!(u128::from(WIDTHS[13]) * MOST as u128 > 1 << 64);
    }

    #[test]
    fn nothing_is_lost_however_long_it_goes_on() {
        let mut series = Series::new();
        let begin = 1_767_225_600_123_456_789;
        let mut count = 0;
        let mut now = begin;
        while now < u64::MAX / 3 {
            series.at(now).asked += 1;
            count += 1;
            assert!(series.bins().len() <= MOST);
            assert_eq!(series.bins().iter().map(|bin| bin.asked).sum::<u64>(), count);
            assert_eq!(series.start() % series.width(), 0);
            now = now.saturating_add((now - begin) / 7 + 777_777);
        }
        series.at(u64::MAX).denied += 1;
        series.at(0).denied += 1;
        assert_eq!(series.bins()[0].denied, 1);
    }

    #[test]
    fn a_bin_has_what_happened_in_it() {
        let mut series = Series::new();
        for second in 0..1_000u64 {
            series.at(second * SECOND).at_once += second;
        }
        assert_eq!(series.width(), 10 * SECOND);
        assert_eq!(series.bins()[3].at_once, (30..40).sum::<u64>());
    }
}
