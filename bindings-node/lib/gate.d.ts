// The verbs, and what waiting for them means.
import type { Permits, Time } from './common.js';
import type { Decision } from './decision.js';

/** The verbs of a state, or of several as one. Every verb is one atomic step. */
export interface Gate<D extends Decision = Decision> {
  /** Spends `n` permits (1) if they fit; whether they did. 0 always fits; more than the capacity never does. */
  tryAcquire(n?: Permits): boolean;
  /** Spends `n` permits (1) if they fit, and says everything about it. Denied is a value, not an exception. */
  take(n?: Permits): D;
  /** What `take` would answer, without spending. */
  peek(n?: Permits): D;
  /**
   * Waits for `n` permits (1), first come first served, with one timer. Resolves with the decision.
   *
   * Timers are unref'ed: a wait alone keeps no process alive, unless `ref` says so. A rejected or aborted wait has charged nothing.
   * @throws {TimeoutError} at once, when the wait would be longer than `timeoutMs`
   * @throws the signal's reason when it is aborted
   * @throws {RangeError} `ERR_NEVER`, at once, when `n` can never fit
   */
  acquire(n?: Permits, options?: AcquireOptions): Promise<D>;
  /**
   * Books `n` permits (1) for the earliest instant at which they fit.
   * @throws {RateLimitExceeded} when that is more than `maxWaitMs` ahead
   * @throws {RangeError} `ERR_NEVER` when `n` can never fit
   */
  reserve(n?: Permits, options?: { maxWaitMs?: Time }): Reservation<D>;
  /** As new and full. */
  reset(): void;
}

/** The verbs of one state, which can owe and be given back. */
export interface Tab extends Gate {
  /**
   * Spends `n` permits (1) although they do not fit, into a debt of at most one more capacity: for work whose cost is known only
   * afterwards. Allowed means spent, and `retryAfterMs` is the pause until the debt is paid.
   */
  charge(n?: Permits): Decision;
  /** Gives back up to `n` permits (1), but nothing while the limiter is in debt or reservations wait. */
  refund(n?: Permits): void;
}

/** The verbs of a state, or of several as one, for each key. */
export interface KeyedGate<D extends Decision = Decision> {
  /** Spends `n` permits (1) if they fit; whether they did. 0 always fits; more than the capacity never does. */
  tryAcquire(key: string, n?: Permits): boolean;
  /** Spends `n` permits (1) if they fit, and says everything about it. Denied is a value, not an exception. */
  take(key: string, n?: Permits): D;
  /** What `take` would answer, without spending. */
  peek(key: string, n?: Permits): D;
  /**
   * Waits for `n` permits (1), first come first served, with one timer. Resolves with the decision.
   *
   * Timers are unref'ed: a wait alone keeps no process alive, unless `ref` says so. A rejected or aborted wait has charged nothing.
   * @throws {TimeoutError} at once, when the wait would be longer than `timeoutMs`
   * @throws the signal's reason when it is aborted
   * @throws {RangeError} `ERR_NEVER`, at once, when `n` can never fit
   */
  acquire(key: string, n?: Permits, options?: AcquireOptions): Promise<D>;
  /**
   * Books `n` permits (1) for the earliest instant at which they fit.
   * @throws {RateLimitExceeded} when that is more than `maxWaitMs` ahead
   * @throws {RangeError} `ERR_NEVER` when `n` can never fit
   */
  reserve(key: string, n?: Permits, options?: { maxWaitMs?: Time }): Reservation<D>;
  /** Forgets the key: it is new and full. Whether it was remembered. */
  reset(key: string): boolean;
}

export interface AcquireOptions {
  /** The longest wait, in milliseconds (or bigint nanoseconds); without bound if not said, or Infinity. */
  timeoutMs?: Time;
  signal?: AbortSignal;
  /** Whether the wait keeps the process alive (false): true for a script that has nothing else to do. */
  ref?: boolean;
}

/** Permits booked for an instant ahead: wait for it, or cancel. Dropping it keeps them booked. */
export class Reservation<D extends Decision = Decision> {
  private constructor();
  /** The instant from which they may be used, in nanoseconds of the limiter's clock. */
  readonly atNs: bigint;
  readonly permits: number;
  /** From now until then. 0 from then on. */
  readonly waitMs: number;
  readonly cancelled: boolean;
  /** Gives the permits back, as far as nobody else relies on them. Whether this call did; later calls do nothing. */
  cancel(): boolean;
  /**
   * What it has really cost, said once, after the instant: less than was reserved is given back as by `cancel`, more is charged as by `charge`. Allowed
   * means settled; `retryAfterMs` is then the pause until the debt is paid.
   * @throws {RangeError} `ERR_GONE`: cancelled or settled before
   */
  settle(actual: Permits): D;
  /** Resolves at the instant. An abort gives the permits back and rejects with the signal's reason. */
  wait(options?: { signal?: AbortSignal; ref?: boolean }): Promise<void>;
}
