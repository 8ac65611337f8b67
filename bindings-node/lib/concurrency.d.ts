// How many at once.
import type { Permits } from './common.js';
import type { AcquireOptions } from './gate.js';

/** At most so many permits in flight at once, whatever the rate. First come, first served; of one thread. */
export class Concurrency {
  /** @throws {RangeError} `ERR_OUT_OF_RANGE`: a limit that is not from 1 to 2 ** 31 - 1 */
  constructor(limit: Permits);
  readonly limit: number;
  /** Permits in flight; more than the limit for a while after it was lowered. */
  readonly inFlight: number;
  /** How many callers wait. */
  readonly waiting: number;
  /** Whoever waits and fits enters; nobody is thrown out. */
  setLimit(limit: Permits): void;
  /** `n` permits (1) if they are free and nobody waits for them; otherwise null. */
  tryEnter(n?: Permits): Permit | null;
  /**
   * Waits for its turn. A rejected or aborted wait holds nothing.
   * @throws {TimeoutError} when `timeoutMs` is over
   * @throws the signal's reason when it is aborted
   * @throws {RangeError} `ERR_NEVER`: more permits than the limit
   */
  enter(n?: Permits, options?: AcquireOptions): Promise<Permit>;
  /** Waits, calls `work`, and gives the permits back whatever became of it. */
  run<T>(work: () => T | Promise<T>, options?: AcquireOptions & { n?: Permits }): Promise<T>;
}

/** Permits in flight until they are released; a `using` releases them where there is one. */
export class Permit {
  private constructor();
  readonly permits: number;
  readonly released: boolean;
  /** Gives them back. Whether this call did. */
  release(): boolean;
}
