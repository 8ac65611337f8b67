'use strict';
// `Limiter`: one quota under one algorithm. Each verb is one call of a closure of the addon; a clock of the user's own is read here, so
// that whatever it throws goes straight to the caller.

const { addon, createLimiter, decision, putBack, refusal, slot } = require('./native.js');
const { Quota, QuotaError, accepted, quotaText } = require('./quota.js');
const { options: optional, outOfRange, wrongType } = require('./errors.js');
const { clockOf, reading, settings } = require('./settings.js');
const { acquire, reserve } = require('./waiting.js');

/** What other classes of this package may see of a limiter. */
let inner;

class Limiter {
  #clock;
  #algorithm;
  #verbs;
  #tryAcquire;
  #take;
  #peek;
  #charge;
  #refund;

  static {
    inner = (limiter) => ({ share: limiter.#verbs.share, clock: limiter.#clock });
  }

  constructor(quota, options) {
    const given = optional(options);
    const clock = clockOf(given);
    const chosen = settings(quota, given);
    // Last, when nothing else can be wrong.
    if (clock !== undefined) chosen.origin = reading(clock());
    const verbs = accepted(createLimiter(chosen));
    this.#clock = clock;
    this.#algorithm = verbs.algorithm;
    this.#verbs = verbs;
    this.#tryAcquire = verbs.tryAcquire;
    this.#take = verbs.take;
    this.#peek = verbs.peek;
    this.#charge = verbs.charge;
    this.#refund = verbs.refund;
  }

  get quota() {
    return Quota.parse(this.#verbs.quota());
  }

  get algorithm() {
    return this.#algorithm;
  }

  // One permit is what the addon means when no argument crosses, and its own clock's time when no second one does.
  tryAcquire(n = 1) {
    const clock = this.#clock;
    if (clock !== undefined) return this.#tryAcquire(n, clock());
    return n === 1 ? this.#tryAcquire() : this.#tryAcquire(n);
  }

  take(n = 1) {
    const clock = this.#clock;
    if (clock !== undefined) return decision(this.#take(n, clock()));
    return decision(n === 1 ? this.#take() : this.#take(n));
  }

  peek(n = 1) {
    const clock = this.#clock;
    if (clock !== undefined) return decision(this.#peek(n, clock()));
    return decision(n === 1 ? this.#peek() : this.#peek(n));
  }

  charge(n = 1) {
    const clock = this.#clock;
    return decision(clock === undefined ? this.#charge(n) : this.#charge(n, clock()));
  }

  refund(n = 1) {
    const clock = this.#clock;
    if (clock === undefined) this.#refund(n);
    else this.#refund(n, clock());
  }

  reset() {
    this.#verbs.reset();
  }

  acquire(n = 1, options) {
    return acquire(this.#line(n), options);
  }

  reserve(n = 1, options) {
    return reserve(this.#line(n), options);
  }

  /** Where a caller for `n` permits waits. */
  #line(n) {
    const clock = this.#clock;
    const verbs = this.#verbs;
    return {
      take: () => this.take(n),
      look: () => this.peek(0),
      book: (longest) => {
        const code = clock === undefined ? verbs.reserve(n, longest) : verbs.reserve(n, longest, clock());
        const kept = slot(code);
        return kept === undefined ? refusal(code) : { slot: kept };
      },
      cancel: (kept) => {
        if (clock === undefined) {
          putBack(kept);
          verbs.cancel();
        } else {
          const now = reading(clock());
          putBack(kept);
          verbs.cancel(now);
        }
      },
      until: (at) => (clock === undefined ? verbs.until(at) : verbs.until(at, clock())),
    };
  }

  reconfigure(quota, options) {
    const text = quotaText(quota);
    const { carry = 'keep' } = optional(options);
    if (typeof carry !== 'string') throw wrongType(`carry must be a string; received ${typeof carry}`);
    const now = this.#clock === undefined ? undefined : reading(this.#clock());
    const refused = addon.reconfigureLimiter(this.#verbs.share, text, carry, now);
    if (refused?.kind === 'cannot-carry') throw outOfRange(refused.message, 'ERR_CANNOT_CARRY');
    if (refused) throw new QuotaError(refused);
  }

  snapshot() {
    return this.#verbs.snapshot();
  }

  restore(snapshot) {
    if (typeof snapshot !== 'string') throw wrongType(`a snapshot must be a string; received ${typeof snapshot}`);
    const refused = addon.restoreLimiter(this.#verbs.share, snapshot);
    if (refused) throw outOfRange(refused, 'ERR_SNAPSHOT');
  }

  [Symbol.for('nodejs.util.inspect.custom')]() {
    return `Limiter { quota: '${this.#verbs.quota()}', algorithm: '${this.#algorithm}' }`;
  }
}

module.exports = { Limiter, inner };
