'use strict';
// `Concurrency`: at most so many in flight, first come, first served. The line is the core's; whoever lets others in tells them before
// the call returns.

const { addon } = require('./native.js');
const { TimeoutError, kind, options: optional, outOfRange, wrongType } = require('./errors.js');
const { Timer, checked, longest } = require('./waiting.js');

const NONE = -1;
const NEVER = -2;
const KEY = Symbol('Permit');

/** Permits in flight: given back by `release`, at the end of a `using`, or when `run` is over. */
class Permit {
  #leave;
  #n;

  constructor(key, leave, n) {
    if (key !== KEY) throw wrongType('permits are given by tryEnter() and enter()');
    this.#leave = leave;
    this.#n = n;
  }

  get permits() {
    return this.#n;
  }

  get released() {
    return this.#leave === undefined;
  }

  release() {
    const leave = this.#leave;
    if (leave === undefined) return false;
    this.#leave = undefined;
    leave();
    return true;
  }
}
// Node 20 has the symbol, but not yet `using`.
if (Symbol.dispose) {
  Object.defineProperty(Permit.prototype, Symbol.dispose, {
    value() {
      this.release();
    },
    configurable: true,
    writable: true,
  });
}

class Concurrency {
  #verbs;
  /** What to do when a place in line is woken. */
  #waiting = new Map();

  constructor(limit) {
    this.#verbs = addon.createConcurrency(limit);
  }

  get limit() {
    return this.#verbs.limit();
  }

  get inFlight() {
    return this.#verbs.inFlight();
  }

  /** How many callers stand in line. */
  get waiting() {
    return this.#waiting.size;
  }

  setLimit(limit) {
    this.#verbs.setLimit(limit);
    this.#wake();
  }

  tryEnter(n = 1) {
    const number = this.#verbs.tryEnter(n);
    return number === NONE ? null : this.#permit(number, n);
  }

  async enter(n = 1, given) {
    const { timeoutMs, signal: unchecked } = optional(given);
    const signal = checked(unchecked);
    const most = longest(timeoutMs, 'timeoutMs');
    if (signal?.aborted) throw signal.reason;
    const place = this.#verbs.join(n);
    const number = this.#verbs.poll(place);
    if (number >= 0) return this.#permit(number, n);
    if (number === NEVER) throw this.#never(n);
    if (most === 0n) {
      this.#leaveLine(place);
      throw new TimeoutError();
    }
    return new Promise((resolve, reject) => this.#wait(place, n, most, signal, resolve, reject));
  }

  async run(work, given) {
    if (typeof work !== 'function') throw wrongType(`what is run must be a function; received ${kind(work)}`);
    const permit = await this.enter(optional(given).n, given);
    try {
      return await work();
    } finally {
      permit.release();
    }
  }

  #wait(place, n, most, signal, resolve, reject) {
    const end = () => {
      this.#waiting.delete(place);
      timer.stop();
      signal?.removeEventListener('abort', aborted);
    };
    const give = (up) => {
      end();
      this.#leaveLine(place);
      reject(up);
    };
    const aborted = () => give(signal.reason);
    const timer = new Timer(most, () => give(new TimeoutError()));
    signal?.addEventListener('abort', aborted, { once: true });
    this.#waiting.set(place, () => {
      const number = this.#verbs.poll(place);
      if (number === NONE) return;
      end();
      if (number === NEVER) reject(this.#never(n));
      else resolve(this.#permit(number, n));
    });
  }

  #permit(number, n) {
    return new Permit(KEY, () => {
      this.#verbs.leave(number);
      this.#wake();
    }, Number(n));
  }

  #leaveLine(place) {
    this.#verbs.close(place);
    this.#wake();
  }

  #wake() {
    for (let place = this.#verbs.woken(); place !== NONE; place = this.#verbs.woken()) this.#waiting.get(place)?.();
  }

  #never(n) {
    return outOfRange(`${n} permits never fit within ${this.limit}`, 'ERR_NEVER');
  }

  [Symbol.for('nodejs.util.inspect.custom')]() {
    return `Concurrency { limit: ${this.limit}, inFlight: ${this.inFlight} }`;
  }
}

module.exports = { Concurrency, Permit };
