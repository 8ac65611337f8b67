// What permits and times are.

/** A number of milliseconds (with a fraction, if need be) or a bigint of nanoseconds. */
export type Time = number | bigint;

/** A whole number of permits: a number from 0 to 2 ** 53 - 1, or a bigint from 0n to 2n ** 64n - 1n. */
export type Permits = number | bigint;

/**
 * Where time comes from. It may stand still, jump or run backwards; nothing is refunded or minted by that. What it throws reaches the
 * caller of the verb and nothing is spent; NaN and negative times are a `RangeError`.
 */
export type Clock = () => Time;
