/** `gcra` is the default; what each promises stands in the project's `docs/semantics.md`. */
export type Algorithm = 'gcra' | 'token-bucket' | 'fixed-window' | 'sliding-window' | 'sliding-log';

/** A number of milliseconds (with a fraction, if need be) or a bigint of nanoseconds. */
export type Time = number | bigint;

/** A whole number of permits: a number from 0 to 2 ** 53 - 1, or a bigint from 0n to 2n ** 64n - 1n. */
export type Permits = number | bigint;

/**
 * Where time comes from. It may stand still, jump or run backwards; nothing is refunded or minted by that. What it throws reaches the
 * caller of the verb and nothing is spent; NaN and negative times are a `RangeError`.
 */
export type Clock = () => Time;

export interface LimiterOptions {
  algorithm?: Algorithm;
  /**
   * Where the windows of a fixed window, a sliding window or an interval refill begin: at the multiples of the period on the clock
   * (default; with the default clock, of UTC), that much later, or at the first call that spends.
   */
  anchor?: 'clock' | 'first-use' | { offset: Time };
  /** How a token bucket refills. */
  refill?: 'continuous' | 'interval';
  /** How many permits a token bucket begins with; all, if not said. */
  initial?: Permits;
  /** Read once when the limiter is made and once a verb; the system's monotonic clock, set to UTC once, if not said. */
  clock?: Clock;
}

/** One quota under one algorithm. Every verb is one atomic step. */
export class Limiter {
  /**
   * @throws {QuotaError} text that is no quota (with the position), or a quota that the algorithm cannot hold
   * @throws {RangeError | TypeError} options that mean nothing
   */
  constructor(quota: string | Quota, options?: LimiterOptions);
  /** The quota in force, with its anchor. */
  readonly quota: Quota;
  readonly algorithm: Algorithm;
  /** Spends `n` permits (1) if they fit; whether they did. 0 always fits; more than the capacity never does. */
  tryAcquire(n?: Permits): boolean;
  /** Spends `n` permits (1) if they fit, and says everything about it. Denied is a value, not an exception. */
  take(n?: Permits): Decision;
  /** What `take` would answer, without spending. */
  peek(n?: Permits): Decision;
  /**
   * Spends `n` permits (1) although they do not fit, into a debt of at most one more capacity: for work whose cost is known only
   * afterwards. Allowed means spent, and `retryAfterMs` is the pause until the debt is paid.
   */
  charge(n?: Permits): Decision;
  /** Gives back up to `n` permits (1), but nothing while the limiter is in debt or reservations wait. */
  refund(n?: Permits): void;
  /** As new and full. */
  reset(): void;
}

/** What a limiter answered. */
export class Decision {
  private constructor();
  /** Whether the call may go ahead; `take` and `charge` have then spent it. */
  readonly allowed: boolean;
  /** The capacity in permits. Rounded above 2 ** 53 - 1. */
  readonly limit: number;
  /** The largest cost that would be allowed right after this, at the same time. Rounded above 2 ** 53 - 1. */
  readonly remaining: number;
  /** The wait until the same call is allowed, if nobody else calls: 0 if it was, null if it never will be. */
  readonly retryAfterMs: number | null;
  /** The wait until the limiter is as good as new, if nobody else calls; Infinity beyond the end of its clock. */
  readonly resetAfterMs: number;
  /** Of a group of limiters: the name of the one that decided. */
  readonly binding?: string;
  /** Exact. */
  readonly limitBigInt: bigint;
  /** Exact. */
  readonly remainingBigInt: bigint;
  /** Exact, in nanoseconds. */
  readonly retryAfterNs: bigint | null;
  /** Exact, in nanoseconds; 2n ** 64n - 1n beyond the end of the clock. */
  readonly resetAfterNs: bigint;
}

/** How many permits in how long, and how many at once. Immutable; the ratio is kept exactly. */
export class Quota {
  private constructor();
  /**
   * Reads `300/min`, `150/10s`, `1 per 2 hours`, `100/minute burst 20`, `5/250ms`, `50/h from first use`, `10/h offset 5min`.
   * @throws {QuotaError} anything else, with the position and what was expected there
   */
  static parse(text: string): Quota;
  /**
   * `limit` permits (1 to 2 ** 64 - 1) per `periodNs` nanoseconds (1 to 2 ** 62), at most `burst` (the limit) at once.
   * @throws {QuotaError} outside these ranges
   */
  static make(limit: Permits, periodNs: number | bigint, burst?: Permits): Quota;
  /** Permits per period. Rounded above 2 ** 53 - 1. */
  readonly limit: number;
  readonly periodMs: number;
  /** The most permits at once. Rounded above 2 ** 53 - 1. */
  readonly burst: number;
  readonly limitBigInt: bigint;
  readonly periodNs: bigint;
  readonly burstBigInt: bigint;
  /** The text that `parse` reads. */
  toString(): string;
  toJSON(): string;
}

/** A quota that means nothing, or that the algorithm cannot hold. */
export class QuotaError extends RangeError {
  private constructor();
  readonly code: 'ERR_QUOTA';
  /** What is wrong: `expected-unit`, `zero-limit`, `burst-unsupported`, ... */
  readonly kind: string;
  /** Where, in text: as in `text.slice(position)`. */
  readonly position?: number;
}
