// Quotas, and what is wrong with one.
import type { Permits } from './common.js';

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
