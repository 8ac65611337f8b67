'use strict';
// `TidegateStore`: a store for express-rate-limit whose windows are counted by the core, in a table of fixed size shared by all its keys.
//
// That package decides by a count of hits, and hits go on counting beyond its limit: so a window here holds more than anybody can ask of it,
// and only its counting and its end are used.

const { KeyedLimiter } = require('./keyed.js');
const { Quota, QuotaError } = require('./quota.js');
const { options: optional, outOfRange } = require('./errors.js');

const MOST = 2 ** 31;

/** As many as can be counted in windows of this length: 262,144 in a second, more in longer ones. */
function table(period, options) {
  for (let most = MOST; ; most /= 2) {
    try {
      return new KeyedLimiter(Quota.make(most, period), options);
    } catch (error) {
      if (!(error instanceof QuotaError) || most <= 1) throw error;
    }
  }
}

class TidegateStore {
  /** Keys are of this process alone. */
  localKeys = true;
  #keyed;
  #options;

  constructor(options) {
    const { maxKeys = 100_000, clock } = optional(options);
    this.#options = { algorithm: 'fixed-window', anchor: 'first-use', maxKeys, clock };
  }

  /** Called by express-rate-limit with its own options. */
  init({ windowMs }) {
    if (!Number.isFinite(windowMs) || windowMs <= 0) throw outOfRange(`windowMs must be a number above 0; received ${windowMs}`);
    this.#keyed = table(BigInt(Math.round(windowMs * 1e6)), this.#options);
  }

  get #table() {
    if (this.#keyed === undefined) throw outOfRange('the store has not been given to a rateLimit()', 'ERR_NOT_INITIALIZED');
    return this.#keyed;
  }

  increment(key) {
    return hits(this.#table.take(key));
  }

  decrement(key) {
    this.#table.refund(key);
  }

  resetKey(key) {
    this.#table.reset(key);
  }

  resetAll() {
    this.#table.clear();
  }

  get(key) {
    const decision = this.#table.peek(key, 0);
    return decision.remaining === decision.limit ? undefined : hits(decision);
  }
}

function hits(decision) {
  return { totalHits: decision.limit - decision.remaining + (decision.allowed ? 0 : 1), resetTime: new Date(Date.now() + Math.ceil(decision.resetAfterMs)) };
}

module.exports = { TidegateStore };
