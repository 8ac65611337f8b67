'use strict';
// The verbs that limiters, keys and groups have in common. Each is one call of a closure of the addon, made when it is first used; a clock of the
// user's own is read here, so that whatever it throws goes straight to the caller.

const { decision, groupDecision } = require('./native.js');
const { Line, acquire, reserve } = require('./waiting.js');

/** One state, or several as one. `names` are those of a group's members. */
class Gate {
  #clock;
  #verbs;
  #names;
  // Once made, those that are called most.
  #tryAcquire;
  #take;
  #line;

  constructor(verbs, clock, names) {
    this.#clock = clock;
    this.#verbs = verbs;
    this.#names = names;
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
    const code = clock !== undefined ? verb(n, clock()) : n === 1 ? verb() : verb(n);
    return this.#names === undefined ? decision(code) : groupDecision(code, this.#names);
  }

  peek(n = 1) {
    const clock = this.#clock;
    const code = clock === undefined ? this.#verbs.peek(n) : this.#verbs.peek(n, clock());
    return this.#names === undefined ? decision(code) : groupDecision(code, this.#names);
  }

  acquire(n = 1, options) {
    return acquire(this.#waiting, n, options);
  }

  reserve(n = 1, options) {
    return reserve(this.#waiting, n, options);
  }

  reset() {
    this.#verbs.reset();
  }

  get #waiting() {
    return (this.#line ??= new Line(this.#verbs, this.#clock, this.#names));
  }
}

/** One state, which can owe and be given back. */
class Tab extends Gate {
  #clock;
  #verbs;

  constructor(verbs, clock) {
    super(verbs, clock, undefined);
    this.#clock = clock;
    this.#verbs = verbs;
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
}

/** A state, or several as one, for each key. */
class KeyedGate {
  #clock;
  #verbs;
  #names;
  #tryAcquire;
  #take;

  constructor(verbs, clock, names) {
    this.#clock = clock;
    this.#verbs = verbs;
    this.#names = names;
  }

  tryAcquire(key, n = 1) {
    const clock = this.#clock;
    const verb = (this.#tryAcquire ??= this.#verbs.tryAcquire);
    if (clock !== undefined) return verb(key, n, clock());
    return n === 1 ? verb(key) : verb(key, n);
  }

  take(key, n = 1) {
    const clock = this.#clock;
    const verb = (this.#take ??= this.#verbs.take);
    const code = clock !== undefined ? verb(key, n, clock()) : n === 1 ? verb(key) : verb(key, n);
    return this.#names === undefined ? decision(code) : groupDecision(code, this.#names);
  }

  peek(key, n = 1) {
    const clock = this.#clock;
    const code = clock === undefined ? this.#verbs.peek(key, n) : this.#verbs.peek(key, n, clock());
    return this.#names === undefined ? decision(code) : groupDecision(code, this.#names);
  }

  acquire(key, n = 1, options) {
    return acquire(this.#line(key), n, options);
  }

  reserve(key, n = 1, options) {
    return reserve(this.#line(key), n, options);
  }

  reset(key) {
    return this.#verbs.reset(key);
  }

  #line(key) {
    return new Line(this.#verbs, this.#clock, this.#names, key);
  }
}

module.exports = { Gate, KeyedGate, Tab };
