// Delays between retries.
import type { Permits, Time } from './common.js';

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
