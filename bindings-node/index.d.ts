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
  /**
   * Waits for `n` permits (1), first come first served, with one timer. Resolves with the decision.
   *
   * Timers are unref'ed: a wait alone keeps no process alive. A rejected or aborted wait has charged nothing.
   * @throws {TimeoutError} at once, when the wait would be longer than `timeoutMs`
   * @throws the signal's reason when it is aborted
   * @throws {RangeError} `ERR_NEVER`, at once, when `n` can never fit
   */
  acquire(n?: Permits, options?: AcquireOptions): Promise<Decision>;
  /**
   * Books `n` permits (1) for the earliest instant at which they fit.
   * @throws {RateLimitExceeded} when that is more than `maxWaitMs` ahead
   * @throws {RangeError} `ERR_NEVER` when `n` can never fit
   */
  reserve(n?: Permits, options?: { maxWaitMs?: Time }): Reservation;
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

export interface AcquireOptions {
  /** The longest wait, in milliseconds (or bigint nanoseconds); without bound if not said, or Infinity. */
  timeoutMs?: Time;
  signal?: AbortSignal;
}

/** Permits booked for an instant ahead: wait for it, or cancel. Dropping it keeps them booked. */
export class Reservation {
  private constructor();
  /** The instant from which they may be used, in nanoseconds of the limiter's clock. */
  readonly atNs: bigint;
  readonly permits: number;
  /** From now until then. 0 from then on. */
  readonly waitMs: number;
  readonly cancelled: boolean;
  /** Gives the permits back, as far as nobody else relies on them. Whether this call did; later calls do nothing. */
  cancel(): boolean;
  /** Resolves at the instant. An abort gives the permits back and rejects with the signal's reason. */
  wait(options?: { signal?: AbortSignal }): Promise<void>;
}

export interface KeyedLimiterOptions extends Omit<LimiterOptions, 'initial'> {
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
  tryAcquire(key: string, n?: Permits): boolean;
  take(key: string, n?: Permits): Decision;
  /** `take` for each of several keys, in their order. Each is a decision of its own; wrong input spends nothing. */
  takeMany(keys: Iterable<string>, n?: Permits): Decision[];
  peek(key: string, n?: Permits): Decision;
  charge(key: string, n?: Permits): Decision;
  refund(key: string, n?: Permits): void;
  /** Forgets the key: it is new and full. Whether it was remembered. */
  reset(key: string): boolean;
  /** Forgets all keys. */
  clear(): void;
  acquire(key: string, n?: Permits, options?: AcquireOptions): Promise<Decision>;
  reserve(key: string, n?: Permits, options?: { maxWaitMs?: Time }): Reservation;
  /** The verbs of one key, for many calls: its name crosses once. */
  key(key: string): Key;
}

/** One key of a keyed limiter. It holds no state. */
export interface Key {
  tryAcquire(n?: Permits): boolean;
  take(n?: Permits): Decision;
  peek(n?: Permits): Decision;
  charge(n?: Permits): Decision;
  refund(n?: Permits): void;
  reset(): void;
}

/** Several limits at once: a call is allowed if all of them allow it, and then charged to all of them; otherwise to none. */
export class LimiterGroup {
  /**
   * Named limits: quotas, or limiters that may be used elsewhere, too (with the same clock).
   * @throws {QuotaError} of a quota
   * @throws {RangeError} `ERR_INVALID_ARG_VALUE`: no limit, too many, one limiter twice, or another clock
   */
  constructor(
    limits: Readonly<Record<string, string | Quota | Limiter>> | ReadonlyMap<string, string | Quota | Limiter>,
    options?: { algorithm?: Algorithm; clock?: Clock },
  );
  tryAcquire(n?: Permits): boolean;
  /** `binding` names the limit with the longest wait, or, if allowed, the least share left. */
  take(n?: Permits): Decision & { readonly binding: string };
  peek(n?: Permits): Decision & { readonly binding: string };
  /** What each limit by itself would answer, by name, without spending. */
  members(n?: Permits): Record<string, Decision>;
  reset(): void;
}

export interface BackoffBounds {
  /** The cap; it includes the jitter. */
  maxMs?: Time;
  /** `none`, `full` (U(0, v)), `equal` (v/2 + U(0, v/2)), `decorrelated`, or milliseconds j: v + U(0, j). */
  jitter?: 'none' | 'full' | 'equal' | 'decorrelated' | Time;
  /** How many delays there are. */
  maxRetries?: number;
  /** The longest sum of all delays. */
  maxElapsedMs?: Time;
  /** The same seed gives the same delays; a new one for each session, if not said. */
  seed?: Permits;
}

/** A schedule of delays between retries, in milliseconds. */
export class Backoff implements Iterable<number> {
  private constructor();
  static constant(options: BackoffBounds & { delayMs: Time }): Backoff;
  static linear(options: BackoffBounds & { baseMs: Time; stepMs?: Time }): Backoff;
  /** The factor (2) is 1 or at least 1.001, and read as the decimal number that it prints as. */
  static exponential(options: BackoffBounds & { baseMs: Time; factor?: number }): Backoff;
  static fibonacci(options: BackoffBounds & { baseMs: Time }): Backoff;
  /** A session: one walk along the schedule, for one operation. */
  start(): BackoffSession;
  [Symbol.iterator](): BackoffSession;
}

export class BackoffSession implements IterableIterator<number> {
  private constructor();
  /** The next delay, or null: give up. Never shorter than what the server said; jitter comes on top. */
  nextDelay(retryAfterMs?: Time | null): number | null;
  /** How many delays have been given. */
  readonly retries: number;
  readonly seed: bigint;
  next(): IteratorResult<number, undefined>;
  [Symbol.iterator](): BackoffSession;
}

export interface RetryOptions {
  backoff: Backoff;
  /** Whether a failure is worth a retry; every one, if not said. */
  shouldRetry?: (error: unknown) => boolean | Promise<boolean>;
  /** What a failure says about when to come back; by default that of this package's errors. */
  retryAfter?: (error: unknown) => Time | null | undefined;
  signal?: AbortSignal;
  /** In place of a timer. */
  sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** Calls `work` until it succeeds, its schedule gives up, or the signal is aborted. Rejects with the last failure, or the signal's reason. */
export function retry<T>(
  work: (context: { attempt: number; signal: AbortSignal | undefined }) => T | Promise<T>,
  options: RetryOptions,
): Promise<T>;

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

/** How header fields are written; `x-ratelimit` is `x-ratelimit-unix`, and the drafts from 08 on are written alike. */
export type Dialect =
  | 'x-ratelimit' | 'x-ratelimit-unix' | 'x-ratelimit-delta' | 'x-ratelimit-iso8601' | 'mailiam'
  | 'draft-06' | 'draft-07' | 'draft-08' | 'draft-09' | 'draft-10' | 'draft-11' | 'retry-after';

export interface PolicyOptions {
  /** How many keys each limit remembers where the file does not say. */
  maxKeys?: Permits;
  /** Whether the example numbers of limits that state none are enforced. */
  enforceExamples?: boolean;
  /** Unix time. */
  clock?: Clock;
}

export interface PolicyRequest {
  plan?: string | undefined;
  customer?: string | undefined;
  /** Method and path: `POST /v1/x/send`. */
  endpoint?: string | undefined;
  /** Who asks, by the name of each scope: `{ 'api-key': 'k', ip: '192.0.2.1' }`. */
  scopes?: Readonly<Record<string, string | undefined>> | ReadonlyMap<string, string>;
  /** What the request takes of every limit whose unit is not named in `units`; 1 if not said. */
  cost?: Permits;
  /** How much the request carries: `{ emails: 40 }`. */
  units?: Readonly<Record<string, Permits>> | ReadonlyMap<string, Permits>;
  /** The customer's time zone (IANA), for calendar quotas that name none. */
  zone?: string | undefined;
}

/** The limits that a provider publishes, loaded from a policy file and enforced. */
export class Policy {
  private constructor();
  /** JSON if its name ends in .json, TOML otherwise. @throws {PolicyError} */
  static fromFile(path: string, options?: PolicyOptions): Policy;
  static fromToml(text: string, options?: PolicyOptions & { file?: string }): Policy;
  static fromJson(text: string, options?: PolicyOptions & { file?: string }): Policy;
  readonly provider: string;
  /** The ids of all limits, in the order of the file. */
  readonly limits: string[];
  /** The dialect of the provider's headers; null if it has none that can be written. */
  readonly dialect: Dialect | null;
  /**
   * Counts a request against every limit that it meets: all of them, or none.
   * @throws {RangeError} `ERR_REQUEST`: a question without meaning; nothing was counted
   */
  take(request: PolicyRequest): Verdict;
  /** What `take` would answer; nothing is counted. */
  peek(request: PolicyRequest): Verdict;
  /** The same policy with nothing counted yet. */
  anew(): Policy;
}

/** What a policy answered. While it is held, so are the request's places in limits of requests at the same time: `release` it. */
export class Verdict {
  private constructor();
  readonly allowed: boolean;
  /** The id of the limit that binds: denied, the longest wait; allowed, the least share left. */
  readonly binding: string | null;
  readonly decision: LimitDecision | null;
  readonly scope: string | null;
  /** 0 if allowed; null: never, or nobody knows. */
  readonly retryAfterMs: number | null;
  readonly retryAfterNs: bigint | null;
  readonly never: boolean;
  /** The provider's code for this refusal. */
  readonly code: string | null;
  /** 200 if allowed, otherwise the provider's for refusals, usually 429. */
  readonly status: number;
  readonly limits: LimitDecision[];
  /** "Check your current quota", for the limit that binds. */
  quota(): { used: number; remaining: number; limit: number; resetsAt: string | null } | null;
  /** The header fields of the answer; in the provider's own dialect, if any, when none is said. */
  headers(dialect?: Dialect): Record<string, string>;
  /** Gives the places back. Whether this call did. */
  release(): boolean;
}

/** What one limit of a policy said. */
export class LimitDecision {
  private constructor();
  readonly id: string;
  readonly scope: string;
  readonly unit: string;
  readonly allowed: boolean;
  /** Whether it is on trial, and did not count. */
  readonly shadow: boolean;
  readonly never: boolean;
  readonly cost: number;
  readonly limit: number;
  readonly remaining: number;
  readonly used: number;
  readonly retryAfterMs: number | null;
  readonly resetAfterMs: number;
  readonly resetsAt: string | null;
}

export interface HeadersOptions {
  /** Of the limit, in dialects that say it. */
  name?: string;
  /** For the length of the window, in the drafts. */
  quota?: Quota;
  scope?: string;
  retryAfter?: 'seconds' | 'http-date';
  /** Unix time, if not now. */
  now?: Time;
}

/**
 * The header fields that tell a client where it stands: from one decision, or from several by name. Waits are rounded up.
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`: an unknown dialect, or a name that no header can hold
 */
export function headers(decisions: Decision | Readonly<Record<string, Decision>>, dialect?: Dialect, options?: HeadersOptions): Record<string, string>;

export interface TrackerOptions {
  /** How many limits are remembered (64). */
  maxLimits?: Permits;
  /** How long a server's hint is heeded at most. */
  maxWaitMs?: Time;
  /** Spreads what remains once less than so many percent do. */
  slowDownBelowPercent?: Permits;
  /** For the waits. */
  clock?: Clock;
  /** For resets. */
  unixClock?: Clock;
}

/** What the responses of one server said of its limits, and when the next request may therefore go out. A route is whatever it counts apart. */
export class Tracker {
  constructor(options?: TrackerOptions);
  /** A response came. */
  observe(
    response: { readonly status: number; readonly headers: Iterable<readonly [string, string]> | Readonly<Record<string, string | readonly string[] | undefined>> },
    route?: string,
  ): void;
  /** A request goes out: what remains is one less until a response says more. */
  sent(route?: string): void;
  /** Milliseconds to wait before the next request; 0 to go on. */
  nextDelay(route?: string): number;
  limits(): { route: string | null; name: string | null; scope: string | null; limit: number | null; remaining: number; untilNs: bigint }[];
}

/** A policy file that means nothing. */
export class PolicyError extends RangeError {
  private constructor();
  readonly code: 'ERR_POLICY';
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

/** The wait would be longer than the timeout; nothing was charged. */
export class TimeoutError extends Error {
  private constructor();
  readonly code: 'ERR_TIMEOUT';
  /** Of the limiter; a concurrency limit has none. */
  readonly decision: Decision | undefined;
}

/** A reservation that would wait too long, or that the limiter cannot keep; nothing was charged. */
export class RateLimitExceeded extends Error {
  constructor(decision: Decision, message?: string);
  readonly code: 'ERR_RATE_LIMIT_EXCEEDED';
  readonly decision: Decision;
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
