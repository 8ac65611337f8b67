'use strict';
// `LimiterGroup`: several limits at once, all or nothing. `KeyedLimiterGroup`: several for each key, and those that all keys share.

const { Verbs, addon } = require('./native.js');
const { kind, options: optional, outOfRange, wrongType } = require('./errors.js');
const { Gate, KeyedGate } = require('./gate.js');
const { KeyedLimiter, inner: innerKeyed } = require('./keyed.js');
const { Limiter, inner } = require('./limiter.js');
const { clockOf } = require('./settings.js');

/** The members and their names; one that is no limiter yet is made of its quota. */
function membersOf(limits, clock, make, look) {
  if (typeof limits !== 'object' || limits === null) throw wrongType(`limits must be an object of named limits; received ${kind(limits)}`);
  const entries = limits instanceof Map ? [...limits] : Object.entries(limits);
  const members = entries.map(([name, limit]) => {
    if (typeof name !== 'string') throw wrongType(`the name of a limit must be a string; received ${kind(name)}`);
    const known = look(limit);
    if (known === undefined) return make(limit);
    if (known.clock !== clock) throw outOfRange(`the limiter '${name}' has another clock than the group`, 'ERR_INVALID_ARG_VALUE');
    return limit;
  });
  return { names: entries.map(([name]) => name), members, shares: members.map((member) => look(member).share) };
}

const ofLimiter = (limit) => (limit instanceof Limiter ? inner(limit) : undefined);
const ofEither = (limit) => (limit instanceof KeyedLimiter ? innerKeyed(limit) : ofLimiter(limit));

class LimiterGroup extends Gate {
  #members;
  #names;

  constructor(limits, options) {
    const given = optional(options, ['algorithm', 'clock']);
    const clock = clockOf(given);
    const make = (quota) => new Limiter(quota, { algorithm: given.algorithm, clock });
    const { names, members, shares } = membersOf(limits, clock, make, ofLimiter);
    super(new Verbs(addon.groupVerb, addon.createGroup(names, shares)), clock, names);
    this.#members = members;
    this.#names = names;
  }

  /** What each limit by itself would answer, by name. */
  members(n = 1) {
    return Object.fromEntries(this.#names.map((name, at) => [name, this.#members[at].peek(n)]));
  }

  [Symbol.for('nodejs.util.inspect.custom')]() {
    return `LimiterGroup { ${this.#names.map((name, at) => `'${name}': '${this.#members[at].quota}'`).join(', ')} }`;
  }
}

class KeyedLimiterGroup extends KeyedGate {
  #members;
  #names;

  constructor(limits, options) {
    const given = optional(options, ['algorithm', 'maxKeys', 'whenFull', 'clock']);
    const clock = clockOf(given);
    const { algorithm, maxKeys, whenFull } = given;
    const make = (quota) => new KeyedLimiter(quota, { algorithm, maxKeys, whenFull, clock });
    const { names, members, shares } = membersOf(limits, clock, make, ofEither);
    super(new Verbs(addon.keyedGroupVerb, addon.createKeyedGroup(names, shares)), clock, names);
    this.#members = members;
    this.#names = names;
  }

  /** What each limit by itself would answer for a key, by name. */
  members(key, n = 1) {
    const answers = this.#members.map((member) => (member instanceof KeyedLimiter ? member.peek(key, n) : member.peek(n)));
    return Object.fromEntries(this.#names.map((name, at) => [name, answers[at]]));
  }

  [Symbol.for('nodejs.util.inspect.custom')]() {
    return `KeyedLimiterGroup { ${this.#names.map((name, at) => `'${name}': '${this.#members[at].quota}'`).join(', ')} }`;
  }
}

module.exports = { KeyedLimiterGroup, LimiterGroup };
