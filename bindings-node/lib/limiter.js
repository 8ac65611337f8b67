'use strict';
// `Limiter`: one quota under one algorithm. Each verb is one call of a closure of the addon; a clock of the user's own is read here, so
// that whatever it throws goes straight to the caller.

const { createLimiter, decision } = require('./native.js');
const { Quota, accepted } = require('./quota.js');
const { wrongType } = require('./errors.js');

class Limiter {
  #clock;
  #facts;
  #tryAcquire;
  #take;
  #peek;
  #charge;
  #refund;
  #reset;

  constructor(quota, options = {}) {
    if (typeof options !== 'object' || options === null) {
      throw wrongType(`options must be an object; received ${options === null ? 'null' : typeof options}`);
    }
    const { clock } = options;
    if (clock !== undefined && typeof clock !== 'function') {
      throw wrongType(`clock must be a function; received ${typeof clock}`);
    }
    const settings = {
      quota: quotaText(quota),
      algorithm: text(options.algorithm, 'algorithm'),
      ...anchored(options.anchor),
      refill: text(options.refill, 'refill'),
      initial: options.initial,
    };
    // Last, when nothing else can be wrong.
    if (clock !== undefined) settings.origin = reading(clock());
    const verbs = accepted(createLimiter(settings));
    this.#clock = clock;
    this.#facts = { quota: verbs.quota, algorithm: verbs.algorithm };
    this.#tryAcquire = verbs.tryAcquire;
    this.#take = verbs.take;
    this.#peek = verbs.peek;
    this.#charge = verbs.charge;
    this.#refund = verbs.refund;
    this.#reset = verbs.reset;
  }

  get quota() {
    return Quota.parse(this.#facts.quota);
  }

  get algorithm() {
    return this.#facts.algorithm;
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
    this.#reset();
  }

  [Symbol.for('nodejs.util.inspect.custom')]() {
    return `Limiter { quota: '${this.#facts.quota}', algorithm: '${this.#facts.algorithm}' }`;
  }
}

function quotaText(quota) {
  if (typeof quota === 'string') return quota;
  if (quota instanceof Quota) return quota.toString();
  throw wrongType(`quota must be a string or a Quota; received ${quota === null ? 'null' : typeof quota}`);
}

function text(value, name) {
  if (value !== undefined && typeof value !== 'string') throw wrongType(`${name} must be a string; received ${typeof value}`);
  return value;
}

/** The addon takes an offset apart from the names. */
function anchored(anchor) {
  if (anchor === undefined || typeof anchor === 'string') return { anchor };
  const offset = anchor?.offset;
  if (typeof offset === 'number' || typeof offset === 'bigint') return { offset };
  throw wrongType("anchor must be 'clock', 'first-use' or { offset } in milliseconds (number) or nanoseconds (bigint)");
}

/** To the addon, an origin left out says that there is no clock. */
function reading(now) {
  if (typeof now === 'number' || typeof now === 'bigint') return now;
  throw wrongType(`a clock must return a number of milliseconds or a bigint of nanoseconds; received ${now === null ? 'null' : typeof now}`);
}

module.exports = { Limiter };
