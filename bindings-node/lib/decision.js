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

  // Nanoseconds as doubles: -1 for never, Infinity beyond the end of the clock.
  constructor(allowed, limit, remaining, retryNs, resetNs) {
    this.#allowed = allowed;
    this.#limit = limit;
    this.#remaining = remaining;
    this.#retryNs = retryNs;
    this.#resetNs = resetNs;
  }

  get allowed() {
    return this.#allowed;
  }

  get limit() {
    return this.#limit;
  }

  get remaining() {
    return this.#remaining;
  }

  /** Milliseconds have a fraction: nanoseconds are kept. */
  get retryAfterMs() {
    return this.#retryNs < 0 ? null : this.#retryNs / 1e6;
  }

  get resetAfterMs() {
    return this.#resetNs / 1e6;
  }

  get retryAfterNs() {
    return this.#retryNs < 0 ? null : BigInt(this.#retryNs);
  }

  get resetAfterNs() {
    return this.#resetNs === Infinity ? NEVER : BigInt(this.#resetNs);
  }

  get limitBigInt() {
    return BigInt(this.#limit);
  }

  get remainingBigInt() {
    return BigInt(this.#remaining);
  }

  /** Of a group: the name of the limit that decided. */
  get binding() {
    return undefined;
  }

  /** As plain data: to be logged, sent and compared. */
  toJSON() {
    const { allowed, limit, remaining, retryAfterMs, resetAfterMs } = this;
    return { allowed, limit, remaining, retryAfterMs, resetAfterMs };
  }

  [Symbol.for('nodejs.util.inspect.custom')](depth, options, inspect) {
    return `${this instanceof GroupDecision ? 'GroupDecision' : 'Decision'} ${inspect(this.toJSON(), options)}`;
  }
}

/** Some figure may be above 2 ** 53 - 1: then the numbers are rounded, and `exact` has the bigints. */
class WideDecision extends Decision {
  #exact;

  constructor(allowed, limit, remaining, retryNs, resetNs, exact) {
    super(allowed, limit, remaining, retryNs, resetNs);
    this.#exact = exact;
  }

  get retryAfterNs() {
    return this.#exact === undefined ? super.retryAfterNs : this.#exact.retryNs;
  }

  get resetAfterNs() {
    return this.#exact === undefined ? super.resetAfterNs : this.#exact.resetNs;
  }

  get limitBigInt() {
    return this.#exact === undefined ? super.limitBigInt : this.#exact.limit;
  }

  get remainingBigInt() {
    return this.#exact === undefined ? super.remainingBigInt : this.#exact.remaining;
  }
}

/** What a group answered: what the limit that decided did, and its name. */
class GroupDecision extends WideDecision {
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

module.exports = { Decision, GroupDecision, WideDecision };
