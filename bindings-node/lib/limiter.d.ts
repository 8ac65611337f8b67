// One quota under one algorithm, and one for each key.
import type { Clock, Permits, Time } from './common.js';
import type { Decision } from './decision.js';
import type { KeyedGate, Tab } from './gate.js';
import type { Quota } from './quota.js';

/** `gcra` is the default; what each promises stands in the project's `docs/semantics.md`. */
export type Algorithm = 'gcra' | 'token-bucket' | 'fixed-window' | 'sliding-window' | 'sliding-log';

export interface LimiterOptions {
  algorithm?: Algorithm;
  /**
   * Where the windows of a fixed window, a sliding window or an interval refill begin: at the multiples of the period on the clock
   * (default; with the default clock, of UTC), that much later, or at the first call that spends.
   */
  anchor?: 'clock' | 'first-use' | { offset: Time };
  /** How a token bucket refills. */
  refill?: 'continuous' | 'interval';
  /** How many permits a token bucket begins with (of a keyed limiter: each key's); all, if not said. */
  initial?: Permits;
  /** Read once when the limiter is made and once a verb; the system's monotonic clock, set to UTC once, if not said. */
  clock?: Clock;
}

/** The verbs. */
export interface Limiter extends Tab {}

/** One quota under one algorithm. */
export class Limiter {
  /**
   * @throws {QuotaError} text that is no quota (with the position), or a quota that the algorithm cannot hold
   * @throws {RangeError | TypeError} options that mean nothing
   */
  constructor(quota: string | Quota, options?: LimiterOptions);
  /** The quota in force, with its anchor. */
  readonly quota: Quota;
  readonly algorithm: Algorithm;
  /**
   * Puts another quota in force; the algorithm stays.
   * @throws {QuotaError} the algorithm cannot hold it; nothing changed
   * @throws {RangeError} `ERR_CANNOT_CARRY`: it cannot count what is carried over; nothing changed
   */
  reconfigure(quota: string | Quota, options?: { carry?: Carry }): void;
  /** State and quota as text, for `restore` after a restart. Times are those of the limiter's clock. */
  snapshot(): string;
  /**
   * Goes back to a snapshot of this limiter, or of one with the same quota and algorithm.
   * @throws {RangeError} `ERR_SNAPSHOT`; nothing changed
   */
  restore(snapshot: string): void;
}

/**
 * What becomes of the permits that are used: the time in which they are earned back stays (`keep`, `time`), their number (`permits`), their
 * share of the capacity (`proportional`), or nothing (`reset`).
 */
export type Carry = 'keep' | 'time' | 'permits' | 'proportional' | 'reset';

export interface KeyedLimiterOptions extends LimiterOptions {
  /** The most keys remembered at once (100,000 if not said). Memory for them, 22 bytes each, is taken at once. */
  maxKeys?: number;
  /**
   * What becomes of a newcomer when every slot in its reach is used by a key that is not idle: the key that would be idle first is forgotten
   * and counted (`evict`, default), the newcomer is denied (`refuse`), newcomers share one limiter (`overflow`).
   */
  whenFull?: 'evict' | 'refuse' | 'overflow';
}

/** What `share` returns: plain data that structured clone can send. */
export interface KeyedHandle {
  readonly tidegateKeyed: number;
}

/** The verbs, each with a key before the cost. */
export interface KeyedLimiter extends KeyedGate {}

/**
 * A limiter for each key, in a table of fixed size. A key is a string, and is not kept; one whose permits are all back is idle, and newcomers
 * reuse its slot. Any algorithm but `sliding-log`.
 */
export class KeyedLimiter {
  /** @throws as `Limiter`; `RangeError` for `maxKeys` of 0 or beyond memory */
  constructor(quota: string | Quota, options?: KeyedLimiterOptions);
  /**
   * The table that another thread of this process has shared.
   * @throws {RangeError} `ERR_GONE`: nobody holds it any more
   */
  static from(handle: KeyedHandle, options?: { clock?: Clock }): KeyedLimiter;
  /** A handle for other threads of this process. It keeps nothing alive: somebody must hold a limiter. */
  share(): KeyedHandle;
  readonly quota: Quota;
  readonly algorithm: Algorithm;
  readonly maxKeys: number;
  /** The bytes that the table takes. */
  readonly memory: number;
  /** The keys remembered, idle ones included. */
  readonly size: number;
  /** How many keys were forgotten although they were not idle. */
  readonly evictions: number;
  /** `take` for each of several keys, in their order. Each is a decision of its own; wrong input spends nothing. */
  takeMany(keys: Iterable<string>, n?: Permits): Decision[];
  /** As `Tab.charge`, for a key. */
  charge(key: string, n?: Permits): Decision;
  /** As `Tab.refund`, for a key. */
  refund(key: string, n?: Permits): void;
  /** Forgets all keys. */
  clear(): void;
  /** The verbs of one key, for many calls: its name crosses once. */
  key(key: string): Key;
}

/** One key of a keyed limiter. It holds no state. */
export interface Key extends Tab {}
