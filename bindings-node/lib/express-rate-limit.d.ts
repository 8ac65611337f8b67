import type { Clock } from '../index.js';

/** A store for `rateLimit({ store: new TidegateStore() })` of express-rate-limit: one table of fixed size. */
export class TidegateStore {
  constructor(options?: { maxKeys?: number; clock?: Clock });
  readonly localKeys: boolean;
  init(options: { windowMs: number }): void;
  increment(key: string): { totalHits: number; resetTime: Date };
  decrement(key: string): void;
  resetKey(key: string): void;
  resetAll(): void;
  get(key: string): { totalHits: number; resetTime: Date } | undefined;
}
