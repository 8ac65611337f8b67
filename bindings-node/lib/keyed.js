'use strict';
// `KeyedLimiter`: the verbs of `Limiter` with a key before the cost, handles for one key, and one table for all threads of a process.

const { addon, createKeyed, decision, findKeyed, putBack, refusal, slot, verbsOfKey } = require('./native.js');
const { Quota, accepted } = require('./quota.js');
const { kind, options: optional, outOfRange, wrongType } = require('./errors.js');
const { clockOf, reading, settings, text } = require('./settings.js');
const { acquire, reserve } = require('./waiting.js');

const FOUND = Symbol('found');

class KeyedLimiter {
  #clock;
  #verbs;
  #tryAcquire;
  #take;

  constructor(quota, options, found) {
    const given = optional(options);
    const clock = clockOf(given);
    let verbs = found?.[FOUND];
    if (verbs === undefined) {
      const chosen = { ...settings(quota, given), maxKeys: given.maxKeys, whenFull: text(given.whenFull, 'whenFull') };
      if (chosen.initial !== undefined) throw wrongType('a keyed limiter has no initial fill: keys begin full');
      // Last, when nothing else can be wrong.
      if (clock !== undefined) chosen.origin = reading(clock());
      verbs = accepted(createKeyed(chosen));
    }
    this.#clock = clock;
    this.#verbs = verbs;
    this.#tryAcquire = verbs.tryAcquire;
    this.#take = verbs.take;
  }

  /** The table that another thread of this process has shared. */
  static from(handle, options) {
    const id = handle?.tidegateKeyed;
    if (!Number.isInteger(id) || id < 0 || id > 0xffffffff) throw wrongType('a handle is what share() returned');
    const verbs = findKeyed(id);
    if (!verbs) throw outOfRange('the table is gone: nobody holds it any more', 'ERR_GONE');
    return new KeyedLimiter(undefined, options, { [FOUND]: verbs });
  }

  /** A handle that other threads of this process can be sent; it keeps nothing alive. */
  share() {
    return { tidegateKeyed: this.#verbs.share() };
  }

  get quota() {
    return Quota.parse(this.#verbs.quota);
  }

  get algorithm() {
    return this.#verbs.algorithm;
  }

  get maxKeys() {
    return this.#verbs.maxKeys;
  }

  get memory() {
    return this.#verbs.memory;
  }

  get size() {
    return this.#verbs.size();
  }

  get evictions() {
    return this.#verbs.evictions();
  }

  tryAcquire(key, n = 1) {
    const clock = this.#clock;
    if (clock !== undefined) return this.#tryAcquire(key, n, clock());
    return n === 1 ? this.#tryAcquire(key) : this.#tryAcquire(key, n);
  }

  take(key, n = 1) {
    const clock = this.#clock;
    if (clock !== undefined) return decision(this.#take(key, n, clock()));
    return decision(n === 1 ? this.#take(key) : this.#take(key, n));
  }

  takeMany(keys, n = 1) {
    if (typeof keys?.[Symbol.iterator] !== 'function') throw wrongType(`keys must be iterable; received ${kind(keys)}`);
    const all = [...keys];
    const wrong = all.find((key) => typeof key !== 'string');
    if (wrong !== undefined || all.includes(undefined)) throw wrongType(`a key must be a string; received ${kind(wrong)}`);
    // A wrong cost is found before anything is spent.
    this.peek('', n);
    const now = this.#clock?.();
    return all.map((key) => decision(now === undefined ? this.#take(key, n) : this.#take(key, n, now)));
  }

  peek(key, n = 1) {
    const clock = this.#clock;
    return decision(clock === undefined ? this.#verbs.peek(key, n) : this.#verbs.peek(key, n, clock()));
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

  reset(key) {
    return this.#verbs.reset(key);
  }

  clear() {
    this.#verbs.clear();
  }

  acquire(key, n = 1, options) {
    return acquire(this.#line(key, n), options);
  }

  reserve(key, n = 1, options) {
    return reserve(this.#line(key, n), options);
  }

  /** The verbs of one key: its name crosses once. */
  key(key) {
    return new Key(verbsOfKey(addon.keyOf(this.#verbs.table, key)), this.#clock);
  }

  #line(key, n) {
    const clock = this.#clock;
    const verbs = this.#verbs;
    return {
      take: () => this.take(key, n),
      look: () => this.peek(key, 0),
      book: (longest) => {
        const code = clock === undefined ? verbs.reserve(key, n, longest) : verbs.reserve(key, n, longest, clock());
        const kept = slot(code);
        return kept === undefined ? refusal(code) : { slot: kept };
      },
      cancel: (kept) => {
        const now = clock === undefined ? undefined : reading(clock());
        putBack(kept);
        if (now === undefined) verbs.cancel(key);
        else verbs.cancel(key, now);
      },
      until: (at) => (clock === undefined ? verbs.until(at) : verbs.until(at, clock())),
    };
  }

  [Symbol.for('nodejs.util.inspect.custom')]() {
    return `KeyedLimiter { quota: '${this.#verbs.quota}', algorithm: '${this.algorithm}', size: ${this.size}, maxKeys: ${this.maxKeys} }`;
  }
}

/** One key of a keyed limiter. It holds no state: the key may be forgotten and come back while it lives. */
class Key {
  #verbs;
  #clock;
  #tryAcquire;
  #take;

  constructor(verbs, clock) {
    this.#verbs = verbs;
    this.#clock = clock;
  }

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
    return decision(clock === undefined ? this.#verbs.peek(n) : this.#verbs.peek(n, clock()));
  }

  charge(n = 1) {
    const clock = this.#clock;
    return decision(clock === undefined ? this.#verbs.charge(n) : this.#verbs.charge(n, clock()));
  }

  refund(n = 1) {
    const clock = this.#clock;
    if (clock === undefined) this.#verbs.refund(n);
    else this.#verbs.refund(n, clock());
  }

  reset() {
    this.#verbs.reset();
  }
}

module.exports = { Key, KeyedLimiter };
