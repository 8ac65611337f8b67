// Header fields, written and obeyed.
import type { Clock, Permits, Time } from './common.js';
import type { Decision } from './decision.js';
import type { Quota } from './quota.js';

/** How header fields are written; `x-ratelimit` is `x-ratelimit-unix`, and the drafts from 08 on are written alike. */
export type Dialect =
  | 'x-ratelimit' | 'x-ratelimit-unix' | 'x-ratelimit-delta' | 'x-ratelimit-iso8601' | 'mailiam'
  | 'draft-06' | 'draft-07' | 'draft-08' | 'draft-09' | 'draft-10' | 'draft-11' | 'retry-after';

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
