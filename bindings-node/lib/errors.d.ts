// Errors of waiting.
import type { Decision } from './decision.js';

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
