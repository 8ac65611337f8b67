'use strict';
// `Decision`: what a limiter answered, as plain numbers. Milliseconds have a fraction: nanoseconds are kept.

const NEVER = 2n ** 64n - 1n;

class Decision {
  #retryNs;
  #resetNs;
  #exact;

  // Nanoseconds as doubles: -1 for never, Infinity beyond the end of the clock. `exact` only if a double could not say them.
  constructor(allowed, limit, remaining, retryNs, resetNs, exact) {
    this.allowed = allowed;
    this.limit = limit;
    this.remaining = remaining;
    this.retryAfterMs = retryNs < 0 ? null : retryNs / 1e6;
    this.resetAfterMs = resetNs / 1e6;
    this.#retryNs = retryNs;
    this.#resetNs = resetNs;
    this.#exact = exact;
  }

  get retryAfterNs() {
    if (this.#exact !== undefined) return this.#exact.retryNs;
    return this.#retryNs < 0 ? null : BigInt(this.#retryNs);
  }

  get resetAfterNs() {
    if (this.#exact !== undefined) return this.#exact.resetNs;
    return this.#resetNs === Infinity ? NEVER : BigInt(this.#resetNs);
  }

  get limitBigInt() {
    return this.#exact === undefined ? BigInt(this.limit) : this.#exact.limit;
  }

  get remainingBigInt() {
    return this.#exact === undefined ? BigInt(this.remaining) : this.#exact.remaining;
  }
}

module.exports = { Decision };
