'use strict';
// `RateLimiterMemory`: the class of rate-limiter-flexible by that name, over the core. Points are counted in a window from each key's first
// use, in a table of fixed size; a denial rejects with what was consumed, as there.
//
// Departures, each where that package goes wrong or the core goes another way:
// 1. Points of a request that is denied are not consumed; `consumedPoints` of the rejection says what it would have been.
// 2. A window may be as long as one likes: no timer holds it.
// 3. `penalty` and `set` go into a debt of at most as many points again, which the next window pays; more than that is that much from now.
//    `consumedPoints` does not show the debt.
// 4. The window of `set` is as long as any other; there is no `execEvenly`.

const { KeyedLimiter } = require('./keyed.js');
const { Quota } = require('./quota.js');
const { kind, options: optional, outOfRange, wrongType } = require('./errors.js');

// Without a duration nothing is ever given back: as long as a window can be.
const AGES = 100 * 365 * 86_400;

class RateLimiterRes {
  constructor(remainingPoints = 0, msBeforeNext = 0, consumedPoints = 0, isFirstInDuration = false) {
    this.remainingPoints = remainingPoints;
    this.msBeforeNext = msBeforeNext;
    this.consumedPoints = consumedPoints;
    this.isFirstInDuration = isFirstInDuration;
  }

  toJSON() {
    return { ...this };
  }

  toString() {
    return JSON.stringify(this);
  }
}

function count(value, name) {
  if (typeof value !== 'number') throw wrongType(`${name} must be a number; received ${kind(value)}`);
  if (!Number.isSafeInteger(value) || value < 0) throw outOfRange(`${name} must be a whole number from 0; received ${value}`);
  return value;
}

function seconds(value, name) {
  if (typeof value !== 'number') throw wrongType(`${name} must be a number of seconds; received ${kind(value)}`);
  if (!(value >= 0)) throw outOfRange(`${name} must be at least 0; received ${value}`);
  return value;
}

const nanos = (span) => BigInt(Math.round(Math.min(span || AGES, AGES) * 1e9));

class RateLimiterMemory {
  #keyed;
  /** Keys that are blocked, and until when: few, each swept when it is over. */
  #blocked = new Map();
  #clock;

  constructor(options) {
    const given = optional(options);
    this.points = count(given.points ?? 4, 'points');
    this.duration = seconds(given.duration ?? 1, 'duration');
    this.blockDuration = seconds(given.blockDuration ?? 0, 'blockDuration');
    this.keyPrefix = given.keyPrefix ?? 'rlflx';
    if (typeof this.keyPrefix !== 'string') throw wrongType(`keyPrefix must be a string; received ${kind(this.keyPrefix)}`);
    this.#clock = given.clock;
    this.#keyed = new KeyedLimiter(Quota.make(Math.max(this.points, 1), nanos(this.duration)), {
      algorithm: 'fixed-window', anchor: 'first-use', maxKeys: given.maxKeys ?? 100_000, clock: this.#clock,
    });
  }

  getKey(key) {
    return this.keyPrefix === '' ? String(key) : `${this.keyPrefix}:${key}`;
  }

  /** Resolves with what is left; rejects with it when the points are not there. */
  async consume(key, points = 1) {
    const name = this.getKey(key);
    count(points, 'points');
    const rest = this.#blockedFor(name);
    if (rest !== 0) throw new RateLimiterRes(0, rest, this.points + 1, false);
    const decision = this.points === 0 && points > 0 ? this.#keyed.peek(name, 2) : this.#keyed.take(name, points);
    if (decision.allowed) return this.#said(decision, points);
    const said = this.#said(decision, 0);
    said.consumedPoints += points;
    if (this.blockDuration > 0) {
      this.#block(name, this.blockDuration);
      said.msBeforeNext = this.blockDuration * 1000;
    }
    throw said;
  }

  async penalty(key, points = 1) {
    const name = this.getKey(key);
    const decision = this.#keyed.charge(name, count(points, 'points'));
    return decision.allowed ? this.#said(decision, points) : this.#consumed(name, points);
  }

  async reward(key, points = 1) {
    const name = this.getKey(key);
    this.#keyed.refund(name, count(points, 'points'));
    return this.#said(this.#keyed.peek(name, 0), 0);
  }

  async block(key, secDuration) {
    this.#block(this.getKey(key), seconds(secDuration, 'secDuration'));
    return new RateLimiterRes(0, secDuration === 0 ? -1 : secDuration * 1000, this.points + 1, false);
  }

  async get(key) {
    const name = this.getKey(key);
    const rest = this.#blockedFor(name);
    if (rest !== 0) return new RateLimiterRes(0, rest, this.points + 1, false);
    const said = this.#said(this.#keyed.peek(name, 0), 0);
    return said.consumedPoints === 0 ? null : said;
  }

  /** So many points are consumed, in a window that begins now. */
  async set(key, points) {
    const name = this.getKey(key);
    count(points, 'points');
    this.#blocked.delete(name);
    return this.#consumed(name, points);
  }

  #consumed(name, points) {
    this.#keyed.reset(name);
    return this.#said(this.#keyed.charge(name, Math.min(points, 2 * Math.max(this.points, 1))), points);
  }

  async delete(key) {
    const name = this.getKey(key);
    return this.#blocked.delete(name) | this.#keyed.reset(name) ? true : false;
  }

  #said(decision, points) {
    const consumed = Math.max(decision.limit - decision.remaining, 0);
    const left = this.points === 0 ? 0 : decision.remaining;
    // A window that never ends is -1, as there.
    const next = this.duration === 0 ? -1 : Math.ceil(decision.allowed ? decision.resetAfterMs : (decision.retryAfterMs ?? decision.resetAfterMs));
    return new RateLimiterRes(left, next, consumed, points > 0 && consumed === points);
  }

  #now() {
    const now = this.#clock === undefined ? performance.now() : this.#clock();
    return typeof now === 'bigint' ? Number(now) / 1e6 : now;
  }

  #block(name, span) {
    const now = this.#now();
    for (const [each, until] of this.#blocked) if (until <= now) this.#blocked.delete(each);
    this.#blocked.set(name, span === 0 ? Infinity : now + span * 1000);
  }

  #blockedFor(name) {
    const until = this.#blocked.get(name);
    if (until === undefined) return 0;
    if (until === Infinity) return -1;
    const rest = Math.ceil(until - this.#now());
    if (rest > 0) return rest;
    this.#blocked.delete(name);
    return 0;
  }
}

module.exports = { RateLimiterMemory, RateLimiterRes };
