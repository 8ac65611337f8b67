// Several limits at once.
import type { Clock, Permits } from './common.js';
import { Decision, GroupDecision } from './decision.js';
import type { Gate, KeyedGate } from './gate.js';
import type { Algorithm, KeyedLimiter, KeyedLimiterOptions, Limiter } from './limiter.js';
import type { Quota } from './quota.js';

/** The verbs, each for all limits at once. */
export interface LimiterGroup extends Gate<GroupDecision> {}

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
  /** What each limit by itself would answer, by name, without spending. */
  members(n?: Permits): Record<string, Decision>;
}

/** The verbs, each for all limits of a key at once. `reset` forgets the key; limits that all keys share stay as they are. */
export interface KeyedLimiterGroup extends KeyedGate<GroupDecision> {}

/** Several limits for each key, and limits that all keys share: a call is charged to all of them, or to none. */
export class KeyedLimiterGroup {
  /**
   * Named limits: quotas for each key, keyed limiters that may be used elsewhere, too, and limiters that all keys share (with the same clock).
   * @throws as `LimiterGroup`
   */
  constructor(
    limits: Readonly<Record<string, string | Quota | KeyedLimiter | Limiter>> | ReadonlyMap<string, string | Quota | KeyedLimiter | Limiter>,
    options?: Pick<KeyedLimiterOptions, 'algorithm' | 'maxKeys' | 'whenFull' | 'clock'>,
  );
  /** What each limit by itself would answer for a key, by name, without spending. */
  members(key: string, n?: Permits): Record<string, Decision>;
}
