'use strict';
// `Quota`: how many permits in how long. It is kept as the text that the core wrote, which says it exactly.

const { addon } = require('./native.js');
const { kind, named, wrongType } = require('./errors.js');

/** A quota that means nothing, or that the algorithm cannot hold. */
class QuotaError extends RangeError {
  constructor({ kind, message, position }) {
    super(message);
    this.code = 'ERR_QUOTA';
    this.kind = kind;
    if (position !== undefined) this.position = position;
  }
}
named(QuotaError, 'QuotaError');

/** A quota as text, from text or a `Quota`. */
function quotaText(quota) {
  if (typeof quota === 'string') return quota;
  if (quota instanceof Quota) return quota.toString();
  throw wrongType(`quota must be a string or a Quota; received ${kind(quota)}`);
}

/** What the addon answered, unless it refused. */
function accepted(answer) {
  if (answer.kind !== undefined) throw new QuotaError(answer);
  return answer;
}

const KEY = Symbol('Quota');

class Quota {
  #parts;

  constructor(key, parts) {
    if (key !== KEY) throw wrongType('use Quota.parse(text) or Quota.make(limit, periodNs, burst)');
    this.#parts = parts;
  }

  static parse(text) {
    if (typeof text !== 'string') throw wrongType(`a quota must be a string; received ${typeof text}`);
    return new Quota(KEY, accepted(addon.parseQuota(text)));
  }

  static make(limit, periodNs, burst) {
    return new Quota(KEY, accepted(addon.makeQuota(limit, periodNs, burst)));
  }

  get limit() {
    return Number(this.#parts.limit);
  }

  get periodMs() {
    return Number(this.#parts.period) / 1e6;
  }

  get burst() {
    return Number(this.#parts.burst);
  }

  get limitBigInt() {
    return this.#parts.limit;
  }

  get periodNs() {
    return this.#parts.period;
  }

  get burstBigInt() {
    return this.#parts.burst;
  }

  toString() {
    return this.#parts.text;
  }

  toJSON() {
    return this.#parts.text;
  }

  [Symbol.for('nodejs.util.inspect.custom')]() {
    return `Quota '${this.#parts.text}'`;
  }
}

module.exports = { Quota, QuotaError, accepted, quotaText };
