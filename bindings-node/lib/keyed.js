'use strict';
// `KeyedLimiter`: the verbs of `Limiter` with a key before the cost, handles for one key, and one table for all threads of a process.

const { Verbs, addon, decision } = require('./native.js');
const { kind, options: optional, outOfRange, wrongType } = require('./errors.js');
const { KeyedGate, Tab } = require('./gate.js');
const { Quota, accepted } = require('./quota.js');
const { clockOf, reading, settings, text } = require('./settings.js');

const FOUND = Symbol('found');
const OPTIONS = ['algorithm', 'anchor', 'refill', 'initial', 'clock', 'maxKeys', 'whenFull'];

/** What other classes of this package may see of a keyed limiter. */
let inner;

class KeyedLimiter extends KeyedGate {
  #clock;
  #table;
  #verbs;

  static {
    inner = (keyed) => ({ share: keyed.#table.share, clock: keyed.#clock });
  }

  constructor(quota, options, found) {
    const given = optional(options, OPTIONS);
    const clock = clockOf(given);
    let table = found?.[FOUND];
    if (table === undefined) {
      const chosen = { ...settings(quota, given), maxKeys: given.maxKeys, whenFull: text(given.whenFull, 'whenFull') };
      // Last, when nothing else can be wrong.
      if (clock !== undefined) chosen.origin = reading(clock());
      table = accepted(addon.createKeyed(chosen));
    }
    const verbs = new Verbs(addon.keyedVerb, table.share);
    super(verbs, clock);
    this.#clock = clock;
    this.#table = table;
    this.#verbs = verbs;
  }

  /** The table that another thread of this process has shared. */
  static from(handle, options) {
    const id = handle?.tidegateKeyed;
    if (!Number.isInteger(id) || id < 0 || id > 0xffffffff) throw wrongType('a handle is what share() returned');
    const table = addon.findKeyed(id);
    if (!table) throw outOfRange('the table is gone: nobody holds it any more', 'ERR_GONE');
    return new KeyedLimiter(undefined, options, { [FOUND]: table });
  }

  /** A handle that other threads of this process can be sent; it keeps nothing alive. */
  share() {
    return { tidegateKeyed: addon.shareKeyed(this.#table.share) };
  }

  get quota() {
    return Quota.parse(this.#table.quota);
  }

  get algorithm() {
    return this.#table.algorithm;
  }

  get maxKeys() {
    return this.#table.maxKeys;
  }

  get memory() {
    return this.#table.memory;
  }

  get size() {
    return addon.keyedSize(this.#table.share);
  }

  get evictions() {
    return addon.keyedEvictions(this.#table.share);
  }

  takeMany(keys, n = 1) {
    if (typeof keys?.[Symbol.iterator] !== 'function') throw wrongType(`keys must be iterable; received ${kind(keys)}`);
    const all = [...keys];
    const wrong = all.find((key) => typeof key !== 'string');
    if (wrong !== undefined || all.includes(undefined)) throw wrongType(`a key must be a string; received ${kind(wrong)}`);
    // A wrong cost is found before anything is spent.
    this.peek('', n);
    const { take } = this.#verbs;
    const now = this.#clock?.();
    return all.map((key) => decision(now === undefined ? take(key, n) : take(key, n, now)));
  }

  charge(key, n = 1) {
    const clock = this.#clock;
    return decision(clock === undefined ? this.#verbs.charge(key, n) : this.#verbs.charge(key, n, clock()));
  }

  refund(key, n = 1) {
    const clock = this.#clock;
    if (clock === undefined) this.#verbs.refund(key, n);
    else this.#verbs.refund(key, n, clock());
  }

  clear() {
    addon.clearKeyed(this.#table.share);
  }

  /** The verbs of one key: its name crosses once. */
  key(key) {
    return new Key(addon.keyOf(this.#table.share, key), this.#clock);
  }

  [Symbol.for('nodejs.util.inspect.custom')]() {
    return `KeyedLimiter { quota: '${this.#table.quota}', algorithm: '${this.algorithm}', size: ${this.size}, maxKeys: ${this.maxKeys} }`;
  }
}

/** One key of a keyed limiter. It holds no state: the key may be forgotten and come back while it lives. */
class Key extends Tab {
  constructor(key, clock) {
    super(new Verbs(addon.keyVerb, key), clock);
  }
}

module.exports = { KeyedLimiter, inner };
