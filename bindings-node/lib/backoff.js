'use strict';
// `Backoff`: schedules of delays in milliseconds. `retry`: a function called again after a failure, at the delays of a schedule.

const { addon } = require('./native.js');
const { RateLimitExceeded, TimeoutError, kind, options: optional, wrongType } = require('./errors.js');
const { text } = require('./settings.js');
const { sleep } = require('./waiting.js');

const KEY = Symbol('Backoff');

/** What all schedules have in common, as the addon takes it. */
function bounds({ maxMs, jitter, maxRetries, maxElapsedMs, seed }) {
  const additive = typeof jitter === 'number' || typeof jitter === 'bigint';
  return {
    max: maxMs,
    jitter: additive ? undefined : text(jitter, 'jitter'),
    jitterWidth: additive ? jitter : undefined,
    maxRetries,
    maxElapsed: maxElapsedMs,
    seed,
  };
}

class Backoff {
  #options;

  constructor(key, options) {
    if (key !== KEY) throw wrongType('use Backoff.constant, .linear, .exponential or .fibonacci');
    // What means nothing is found here, not at the first failure.
    addon.startBackoff(options);
    this.#options = options;
  }

  static constant(options) {
    const given = optional(options);
    return new Backoff(KEY, { schedule: 'constant', base: given.delayMs, ...bounds(given) });
  }

  static linear(options) {
    const given = optional(options);
    return new Backoff(KEY, { schedule: 'linear', base: given.baseMs, step: given.stepMs, ...bounds(given) });
  }

  static exponential(options) {
    const given = optional(options);
    const { factor = 2 } = given;
    if (typeof factor !== 'number') throw wrongType(`factor must be a number; received ${kind(factor)}`);
    return new Backoff(KEY, { schedule: 'exponential', base: given.baseMs, factor: String(factor), ...bounds(given) });
  }

  static fibonacci(options) {
    const given = optional(options);
    return new Backoff(KEY, { schedule: 'fibonacci', base: given.baseMs, ...bounds(given) });
  }

  /** A session: one walk along the schedule, for one operation. */
  start() {
    return new BackoffSession(addon.startBackoff(this.#options));
  }

  [Symbol.iterator]() {
    return this.start();
  }
}

class BackoffSession {
  #next;
  #seed;
  #retries = 0;

  constructor({ next, seed }) {
    if (typeof next !== 'function') throw wrongType('sessions are made by Backoff.start()');
    this.#next = next;
    this.#seed = BigInt(seed);
  }

  /** The next delay in milliseconds, or null: give up. Never shorter than what the server said. */
  nextDelay(retryAfterMs) {
    const delay = retryAfterMs === undefined || retryAfterMs === null ? this.#next() : this.#next(retryAfterMs);
    if (delay < 0) return null;
    this.#retries += 1;
    return delay;
  }

  get retries() {
    return this.#retries;
  }

  get seed() {
    return this.#seed;
  }

  next() {
    const value = this.nextDelay();
    return value === null ? { done: true, value: undefined } : { done: false, value };
  }

  [Symbol.iterator]() {
    return this;
  }
}

/** What a denied limiter says by itself. */
function saidBy(error) {
  return error instanceof RateLimitExceeded || error instanceof TimeoutError ? error.decision?.retryAfterMs : undefined;
}

async function retry(work, options) {
  const { backoff, shouldRetry = () => true, retryAfter = saidBy, signal, sleep: rest = sleep } = optional(options);
  if (typeof work !== 'function') throw wrongType(`what is retried must be a function; received ${kind(work)}`);
  if (!(backoff instanceof Backoff)) throw wrongType(`backoff must be a Backoff; received ${kind(backoff)}`);
  for (const [name, value] of Object.entries({ shouldRetry, retryAfter, sleep: rest })) {
    if (typeof value !== 'function') throw wrongType(`${name} must be a function; received ${kind(value)}`);
  }
  const session = backoff.start();
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await work({ attempt: session.retries + 1, signal });
    } catch (error) {
      // Never: no wait helps.
      if (signal?.aborted || saidBy(error) === null || !(await shouldRetry(error))) throw error;
      const delay = session.nextDelay(retryAfter(error));
      if (delay === null) throw error;
      await rest(delay, signal);
    }
  }
}

module.exports = { Backoff, BackoffSession, retry };
