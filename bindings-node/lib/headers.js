'use strict';
// `headers`: what decisions say, as the header fields of a response. `Tracker`: what the header fields of another server say.

const { addon } = require('./native.js');
const { Decision } = require('./decision.js');
const { kind, options: optional, outOfRange, wrongType } = require('./errors.js');
const { Quota } = require('./quota.js');
const { clockOf, reading, text } = require('./settings.js');
const { longest } = require('./waiting.js');

/** Names and values by turns, as an object. */
function fields(flat) {
  const headers = {};
  for (let at = 0; at < flat.length; at += 2) headers[flat[at]] = flat[at + 1];
  return headers;
}

function told(name, decision, quota, scope) {
  if (!(decision instanceof Decision)) throw wrongType(`a decision must be a Decision; received ${kind(decision)}`);
  if (quota !== undefined && !(quota instanceof Quota)) throw wrongType(`quota must be a Quota; received ${kind(quota)}`);
  const retry = decision.retryAfterNs;
  return {
    name: text(name, 'name'),
    scope: text(scope, 'scope'),
    allowed: decision.allowed,
    limit: decision.limitBigInt,
    remaining: decision.remainingBigInt,
    retryAfter: retry === null ? undefined : retry,
    resetAfter: decision.resetAfterNs,
    window: quota?.periodNs,
  };
}

const STYLES = ['seconds', 'http-date'];

/** The header fields of one decision, or of several by name. */
function headers(decisions, dialect = 'draft-08', options = undefined) {
  const { name = 'default', quota, scope, retryAfter = 'seconds', now } = optional(options);
  if (!STYLES.includes(retryAfter)) throw outOfRange("retryAfter must be 'seconds' or 'http-date'", 'ERR_INVALID_ARG_VALUE');
  if (typeof decisions !== 'object' || decisions === null) throw wrongType(`decisions must be a Decision, or named ones; received ${kind(decisions)}`);
  const limits = decisions instanceof Decision
    ? [told(name, decisions, quota, scope)]
    : Object.entries(decisions).map(([each, decision]) => told(each, decision, undefined, scope));
  return fields(addon.writeHeaders(limits, text(dialect, 'dialect'), retryAfter === 'http-date', now));
}

/** What the responses of one server said of its limits, and when the next request may therefore go out. */
class Tracker {
  #tracker;
  #clock;
  #unixClock;

  constructor(options) {
    const given = optional(options);
    this.#clock = clockOf(given);
    this.#unixClock = clockOf({ clock: given.unixClock });
    const wait = given.maxWaitMs === undefined ? undefined : longest(given.maxWaitMs, 'maxWaitMs');
    this.#tracker = addon.createTracker(given.maxLimits, wait, given.slowDownBelowPercent);
  }

  #now() {
    return this.#clock === undefined ? undefined : reading(this.#clock());
  }

  /** A response came. Its headers: a `Headers`, a mapping, or pairs. */
  observe(response, route = '') {
    const { status, headers: given } = optional(response);
    if (!Number.isInteger(status) || status < 0 || status > 0xffff) throw outOfRange('status must be an HTTP status');
    if (typeof given !== 'object' || given === null) throw wrongType(`headers must be a Headers, an object or pairs; received ${kind(given)}`);
    const pairs = typeof given[Symbol.iterator] === 'function' ? [...given] : Object.entries(given);
    const flat = [];
    for (const [name, value] of pairs) {
      for (const each of Array.isArray(value) ? value : [value]) if (each !== undefined) flat.push(String(name), String(each));
    }
    const unix = this.#unixClock === undefined ? undefined : reading(this.#unixClock());
    addon.trackerObserve(this.#tracker, route, status, flat, unix, this.#now());
  }

  /** A request goes out: what remains is one less until a response says more. */
  sent(route = '') {
    addon.trackerSent(this.#tracker, route, this.#now());
  }

  /** Milliseconds to wait before the next request to a route; 0 to go on. */
  nextDelay(route = '') {
    return addon.trackerDelay(this.#tracker, route, this.#now());
  }

  /** The limits that are known and not over. */
  limits() {
    return addon.trackerLimits(this.#tracker).map(({ route, name, scope, limit, remaining, until }) => ({
      route: route ?? null,
      name: name ?? null,
      scope: scope ?? null,
      limit: limit === undefined || limit === null ? null : Number(limit),
      remaining: Number(remaining),
      untilNs: until,
    }));
  }
}

module.exports = { Tracker, fields, headers };
