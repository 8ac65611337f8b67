'use strict';
// `LimiterGroup`: several limits at once, all or nothing.

const { bindingDecision, createGroup } = require('./native.js');
const { Limiter, inner } = require('./limiter.js');
const { kind, options: optional, outOfRange, wrongType } = require('./errors.js');
const { clockOf } = require('./settings.js');

class LimiterGroup {
  #clock;
  #limiters;
  #names;
  #verbs;

  constructor(limits, options) {
    if (typeof limits !== 'object' || limits === null) throw wrongType(`limits must be an object of named limits; received ${kind(limits)}`);
    const given = optional(options);
    const clock = clockOf(given);
    const entries = limits instanceof Map ? [...limits] : Object.entries(limits);
    const limiters = entries.map(([name, limit]) => {
      if (typeof name !== 'string') throw wrongType(`the name of a limit must be a string; received ${kind(name)}`);
      if (!(limit instanceof Limiter)) return new Limiter(limit, { algorithm: given.algorithm, clock });
      if (inner(limit).clock !== clock) throw outOfRange(`the limiter '${name}' has another clock than the group`, 'ERR_INVALID_ARG_VALUE');
      return limit;
    });
    this.#clock = clock;
    this.#names = entries.map(([name]) => name);
    this.#limiters = limiters;
    this.#verbs = createGroup(this.#names, limiters.map((limiter) => inner(limiter).share));
  }

  tryAcquire(n = 1) {
    const clock = this.#clock;
    return clock === undefined ? this.#verbs.tryAcquire(n) : this.#verbs.tryAcquire(n, clock());
  }

  take(n = 1) {
    const clock = this.#clock;
    return bindingDecision(clock === undefined ? this.#verbs.take(n) : this.#verbs.take(n, clock()), this.#names);
  }

  peek(n = 1) {
    const clock = this.#clock;
    return bindingDecision(clock === undefined ? this.#verbs.peek(n) : this.#verbs.peek(n, clock()), this.#names);
  }

  /** What each limit by itself would answer, by name. */
  members(n = 1) {
    return Object.fromEntries(this.#names.map((name, at) => [name, this.#limiters[at].peek(n)]));
  }

  reset() {
    this.#verbs.reset();
  }

  [Symbol.for('nodejs.util.inspect.custom')]() {
    return `LimiterGroup { ${this.#names.map((name, at) => `'${name}': '${this.#limiters[at].quota}'`).join(', ')} }`;
  }
}

module.exports = { LimiterGroup };
