'use strict';
// `Limiter`: one quota under one algorithm. Each verb is one call of a closure of the addon, made when it is first used; a clock of the user's own is read here, so
// that whatever it throws goes straight to the caller.

const { addon, decision, putBack, refusal, slot, verbsOf } = require('./native.js');
const { Quota, QuotaError, accepted, quotaText } = require('./quota.js');
const { options: optional, outOfRange, wrongType } = require('./errors.js');
const { clockOf, reading, settings } = require('./settings.js');
const { acquire, reserve } = require('./waiting.js');

/** What other classes of this package may see of a limiter. */
let inner;

class Limiter {
  #clock;
  #algorithm;
  #share;
  #verbs;
  // Once made, those that are called most.
  #tryAcquire;
  #take;

  static {
    inner = (limiter) => ({ share: limiter.#share, clock: limiter.#clock });
  }

  constructor(quota, options) {
    const given = optional(options);
    const clock = clockOf(given);
    const chosen = settings(quota, given);
    // Last, when nothing else can be wrong.
    if (clock !== undefined) chosen.origin = reading(clock());
    const { algorithm, share } = accepted(addon.createLimiter(chosen));
    this.#clock = clock;
    this.#algorithm = algorithm;
    this.#share = share;
    this.#verbs = verbsOf(share);
  }

  get quota() {
    return Quota.parse(addon.limiterQuota(this.#share));
  }

  get algorithm() {
    return this.#algorithm;
  }

  // One permit is what the addon means when no argument crosses, and its own clock's time when no second one does.
  tryAcquire(n = 1) {
    const clock = this.#clock;
    const verb = (this.#tryAcquire ??= this.#verbs.tryAcquire);
    if (clock !== undefined) return verb(n, clock());
    return n === 1 ? verb() : verb(n);
  }

  take(n = 1) {
    const clock = this.#clock;
    const verb = (this.#take ??= this.#verbs.take);
    if (clock !== undefined) return decision(verb(n, clock()));
    return decision(n === 1 ? verb() : verb(n));
  }

  peek(n = 1) {
    const clock = this.#clock;
    const { peek } = this.#verbs;
    return decision(clock === undefined ? peek(n) : peek(n, clock()));
  }

  charge(n = 1) {
    const clock = this.#clock;
    const { charge } = this.#verbs;
    return decision(clock === undefined ? charge(n) : charge(n, clock()));
  }

  refund(n = 1) {
    const clock = this.#clock;
    const { refund } = this.#verbs;
    if (clock === undefined) refund(n);
    else refund(n, clock());
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
    const refused = addon.reconfigureLimiter(this.#share, text, carry, now);
    if (refused?.kind === 'cannot-carry') throw outOfRange(refused.message, 'ERR_CANNOT_CARRY');
    if (refused) throw new QuotaError(refused);
  }

  snapshot() {
    return addon.snapshotLimiter(this.#share);
  }

  restore(snapshot) {
    if (typeof snapshot !== 'string') throw wrongType(`a snapshot must be a string; received ${typeof snapshot}`);
    const refused = addon.restoreLimiter(this.#share, snapshot);
    if (refused) throw outOfRange(refused, 'ERR_SNAPSHOT');
  }

  [Symbol.for('nodejs.util.inspect.custom')]() {
    return `Limiter { quota: '${addon.limiterQuota(this.#share)}', algorithm: '${this.#algorithm}' }`;
  }
}

module.exports = { Limiter, inner };
