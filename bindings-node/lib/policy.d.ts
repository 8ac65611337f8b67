// A provider's published limits.
import type { Clock, Permits } from './common.js';
import type { Dialect } from './headers.js';
import type { Carry } from './limiter.js';

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
  protected constructor();
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

/** A policy that is exchanged for another while it is asked: use is carried over, and a file that is refused leaves the last good one in force. */
export class PolicyHandle extends Policy {
  private constructor();
  static fromFile(path: string, options?: PolicyHandleOptions): PolicyHandle;
  static fromToml(text: string, options?: PolicyHandleOptions & { file?: string }): PolicyHandle;
  static fromJson(text: string, options?: PolicyHandleOptions & { file?: string }): PolicyHandle;
  /**
   * Puts the policy of a file in force. Limits of the same id go on: with the same quota as they were, with another one as `carry` says.
   * @throws {PolicyError} the policy before stays
   */
  reload(path: string): void;
  reloadToml(text: string, options?: { file?: string }): void;
  reloadJson(text: string, options?: { file?: string }): void;
  anew(): PolicyHandle;
}

export interface PolicyHandleOptions extends PolicyOptions {
  /** What becomes of the use of a limit whose quota changes (`keep`). */
  carry?: Carry;
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

/** A policy file that means nothing. */
export class PolicyError extends RangeError {
  private constructor();
  readonly code: 'ERR_POLICY';
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}
