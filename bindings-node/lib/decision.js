'use strict';
// `Decision`: what a limiter answered. Its figures are kept as they came and put into words when they are asked for: most callers look at
// one or two, and a field of milliseconds costs as much as the rest of the call.

const NEVER = 2n ** 64n - 1n;

class Decision {
  #allowed;
  #limit;
  #remaining;
  #retryNs;
  #resetNs;
  #exact;

  // `allowed` as 0 or 1; nanoseconds as doubles: -1 for never, Infinity beyond the end of the clock. `exact` only if a double could not say them.
  constructor(allowed, limit, remaining, retryNs, resetNs, exact) {
    this.#allowed = allowed;
    this.#limit = limit;
    this.#remaining = remaining;
    this.#retryNs = retryNs;
    this.#resetNs = resetNs;
    this.#exact = exact;
  }

  get allowed() {
    return this.#allowed === 1;
  }

  get limit() {
    return this.#limit;
  }

  get remaining() {
    return this.#remaining;
  }

  /** Milliseconds have a fraction: nanoseconds are kept. */
  get retryAfterMs() {
    const nanos = this.#retryNs;
    return nanos < 0 ? null : nanos / 1e6;
  }

  get resetAfterMs() {
    return this.#resetNs / 1e6;
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
    return this.#exact === undefined ? BigInt(this.#limit) : this.#exact.limit;
  }

  get remainingBigInt() {
    return this.#exact === undefined ? BigInt(this.#remaining) : this.#exact.remaining;
  }

  /** As plain data: to be logged, sent and compared. */
  toJSON() {
    const { allowed, limit, remaining, retryAfterMs, resetAfterMs } = this;
    return { allowed, limit, remaining, retryAfterMs, resetAfterMs };
  }

  [Symbol.for('nodejs.util.inspect.custom')](depth, options, inspect) {
    return `${this.constructor.name} ${inspect(this.toJSON(), options)}`;
  }
}

/** What a group answered, with the name of the limit that decided. */
class GroupDecision extends Decision {
  #binding;

  constructor(binding, ...figures) {
    super(...figures);
    this.#binding = binding;
  }

  get binding() {
    return this.#binding;
  }

  toJSON() {
    return { ...super.toJSON(), binding: this.#binding };
  }
}

module.exports = { Decision, GroupDecision };
