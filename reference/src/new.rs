//! What a limiter is made from, what is refused, and how many bits time and counts get.

use crate::{Algorithm, Anchor, Config, END, MAX_LOG, MAX_PERIOD, Model, Refill, Refused, State, TEN_YEARS, Ticks};

impl Model {
    /// A new model, full, or filled as `config.initial` says.
    ///
    /// # Errors
    /// When the algorithm cannot hold the quota, or an option has no meaning for it.
    pub fn new(config: Config) -> Result<Model, Refused> {
        let (limit, period, burst) = (config.limit as u128, config.period as u128, config.burst as u128);
        if limit == 0 || burst == 0 {
            return Err(Refused("limit and burst are at least 1"));
        }
        if config.period == 0 || config.period > MAX_PERIOD {
            return Err(Refused("period is 1..=2^62 ns"));
        }
        let bucket = config.algorithm == Algorithm::TokenBucket;
        if !bucket && (config.initial.is_some() || config.refill == Refill::Interval) {
            return Err(Refused("only a token bucket has an initial fill and a refill"));
        }
        if config.initial.is_some_and(|fill| fill > config.burst) {
            return Err(Refused("initial fill is at most burst"));
        }
        let continuous = config.algorithm == Algorithm::Gcra || bucket && config.refill == Refill::Continuous;
        if !continuous && !bucket && config.burst != config.limit {
            return Err(Refused("a window holds its limit: burst has no meaning"));
        }
        let intervals = config.algorithm == Algorithm::FixedWindow || bucket && !continuous;
        match config.anchor {
            Anchor::FirstUse if !intervals => {
                return Err(Refused("only intervals open at first use"));
            }
            Anchor::Clock { offset } if offset != 0 && !intervals && config.algorithm != Algorithm::SlidingWindow => {
                return Err(Refused("only intervals and windows have an offset"));
            }
            Anchor::Starts(starts) if config.algorithm != Algorithm::FixedWindow || starts.first() != Some(&0) => {
                return Err(Refused("only fixed windows follow a calendar, from 0 on"));
            }
            _ => {}
        }

        if config.algorithm == Algorithm::SlidingWindow && 2 * limit > period {
            return Err(Refused("at most one permit in two nanoseconds"));
        }

        let origin = config.origin.min(END);
        let mut span = 1;
        let mut most = u64::MAX as u128;
        let mut ticks = Ticks { mul: 1, add: 0, div: period, starts: &[], first: 0, last: u128::MAX };
        if continuous {
            if limit > period {
                return Err(Refused("at most one permit a nanosecond"));
            }
            span = 1 << (period / limit).ilog2();
            // burst < 2^64 and span <= 2^62
            if burst * span > 1 << 61 {
                return Err(Refused("burst takes longer than 2^61 ticks to earn"));
            }
            ticks.mul = limit * span;
        } else if config.algorithm == Algorithm::SlidingLog {
            if config.limit > MAX_LOG {
                return Err(Refused("a log holds at most 2^18 - 1 permits"));
            }
            ticks = Ticks { mul: 1, add: 0, div: 1, starts: &[], first: 0, last: (END - config.period) as u128 };
        } else {
            // A packed state: so many bits for counts, what is left of 64 for time.
            let time_bits = match config.anchor {
                Anchor::FirstUse => {
                    let count_bits = bits(32 * burst);
                    let time_bits = 64 - count_bits as i32;
                    let j = period.ilog2() as i32 - 0.max(59 - time_bits);
                    if 59 - time_bits > 0 && j < 10 {
                        return Err(Refused("a burst so large leaves too few bits for so short a period"));
                    }
                    span = 1 << j;
                    ticks.mul = span;
                    most = (1 << count_bits) - 2;
                    time_bits as u32
                }
                Anchor::Starts(starts) => {
                    ticks.starts = starts;
                    let whole = bits(ticks.raw(END));
                    if whole + bits(2 * burst) > 64 {
                        return Err(Refused("the count leaves too few bits for every window"));
                    }
                    most = (1 << (64 - whole)) - 2;
                    whole
                }
                Anchor::Clock { offset } => {
                    let late = offset as u128 % period;
                    ticks.add = if late > 0 { period - late } else { 0 };
                    let counters = if intervals { 1 } else { 2 };
                    let count_bits = counters * bits(2 * burst);
                    let whole = bits(ticks.raw(END));
                    if whole + count_bits <= 64 {
                        let rest = if intervals { 64 - whole } else { bits(2 * burst) };
                        most = if intervals { (1 << rest) - 2 } else { 2 * limit };
                        whole
                    } else {
                        if count_bits >= 64 || (period << (64 - count_bits)) < TEN_YEARS {
                            return Err(Refused("the counts leave less than ten years of time"));
                        }
                        most = if intervals { (1 << bits(2 * burst)) - 2 } else { 2 * limit };
                        64 - count_bits
                    }
                }
            };
            if bits(ticks.raw(END)) > time_bits {
                ticks.first = ticks.raw(origin);
            }
            ticks.last = ticks.first + (1 << time_bits) - 1;
        }

        let horizon = ticks.horizon();
        let born = ticks.of(origin.min(horizon));
        let mut model = Model { ticks, horizon, span, most, state: State::Arrival { tat: 0 }, kept: 0, config };
        model.reset();
        if let Some(fill) = model.config.initial {
            let missing = burst - fill as u128;
            model.state = match model.state {
                State::Arrival { .. } => State::Arrival { tat: born + missing * span },
                _ => State::Interval { s: born, u: missing },
            };
        }
        Ok(model)
    }
}

/// The number of binary digits of `x`.
fn bits(x: u128) -> u32 {
    u128::BITS - x.leading_zeros()
}
