import type { Clock } from '../index.js';

export interface RateLimiterMemoryOptions {
  /** Points in a window (4). */
  points?: number;
  /** Seconds (1); 0: a window that never ends. */
  duration?: number;
  /** Seconds for which a key is blocked that consumed too much (0). */
  blockDuration?: number;
  keyPrefix?: string;
  maxKeys?: number;
  clock?: Clock;
}

/** The class of rate-limiter-flexible by that name, over the core. */
export class RateLimiterMemory {
  constructor(options?: RateLimiterMemoryOptions);
  readonly points: number;
  readonly duration: number;
  readonly blockDuration: number;
  readonly keyPrefix: string;
  getKey(key: string | number): string;
  /** Rejects with a `RateLimiterRes` when the points are not there. */
  consume(key: string | number, points?: number): Promise<RateLimiterRes>;
  penalty(key: string | number, points?: number): Promise<RateLimiterRes>;
  reward(key: string | number, points?: number): Promise<RateLimiterRes>;
  block(key: string | number, secDuration: number): Promise<RateLimiterRes>;
  get(key: string | number): Promise<RateLimiterRes | null>;
  set(key: string | number, points: number, secDuration?: number): Promise<RateLimiterRes>;
  delete(key: string | number): Promise<boolean>;
}

export class RateLimiterRes {
  constructor(remainingPoints?: number, msBeforeNext?: number, consumedPoints?: number, isFirstInDuration?: boolean);
  remainingPoints: number;
  msBeforeNext: number;
  consumedPoints: number;
  isFirstInDuration: boolean;
  toJSON(): object;
}
