'use strict';
// `Limiter`: one quota under one algorithm.

const { Verbs, addon } = require('./native.js');
const { options: optional, outOfRange, wrongType } = require('./errors.js');
const { Tab } = require('./gate.js');
const { Quota, QuotaError, accepted, quotaText } = require('./quota.js');
const { clockOf, reading, settings } = require('./settings.js');

const OPTIONS = ['algorithm', 'anchor', 'refill', 'initial', 'clock'];

/** What other classes of this package may see of a limiter. */
let inner;

class Limiter extends Tab {
  #clock;
  #algorithm;
  #share;

  static {
    inner = (limiter) => ({ share: limiter.#share, clock: limiter.#clock });
  }

  constructor(quota, options) {
    const given = optional(options, OPTIONS);
    const clock = clockOf(given);
    const chosen = settings(quota, given);
    // Last, when nothing else can be wrong.
    if (clock !== undefined) chosen.origin = reading(clock());
    const { algorithm, share } = accepted(addon.createLimiter(chosen));
    super(new Verbs(addon.limiterVerb, share), clock);
    this.#clock = clock;
    this.#algorithm = algorithm;
    this.#share = share;
  }

  get quota() {
    return Quota.parse(addon.limiterQuota(this.#share));
  }

  get algorithm() {
    return this.#algorithm;
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
