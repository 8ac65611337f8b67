'use strict';
// The addon, and the one way in which its decisions reach JavaScript.
//
// Node-API needs a microsecond to build an object, so the addon writes a decision into words that are shared for ever and returns
// a code; the words are read before anything else can run. The array stays in this file: nobody can detach its buffer.

const { Decision } = require('./decision.js');

let addon;
try {
  addon = require('../tidegate.node');
} catch (cause) {
  throw new Error('tidegate has no addon for this platform; in a checkout, run `npm run build`', { cause });
}

const words = new BigUint64Array(10);
const doubles = new Float64Array(words.buffer);
const output = addon.openOutput(words);

/** Verbs of a limiter or of a key. */
const limiterVerb = (share, name) => addon.limiterVerb(output, share, name);
const keyVerb = (key, name) => addon.keyVerb(output, key, name);

/** The keyed limiter's verbs, or why its quota was refused. */
const createKeyed = (options) => addon.createKeyed(output, options);
/** The verbs of a table that another thread has shared; null if nobody holds it any more. */
const findKeyed = (id) => addon.findKeyed(output, id);

/** Verbs that are made when they are first asked for: each is a closure, and takes microseconds to make. */
class Verbs {
  #make;
  #of;

  constructor(make, of) {
    this.#make = make;
    this.#of = of;
  }

  #made(name) {
    const value = this.#make(this.#of, name);
    Object.defineProperty(this, name, { value });
    return value;
  }

  get tryAcquire() {
    return this.#made('tryAcquire');
  }

  get take() {
    return this.#made('take');
  }

  get peek() {
    return this.#made('peek');
  }

  get charge() {
    return this.#made('charge');
  }

  get refund() {
    return this.#made('refund');
  }

  get reserve() {
    return this.#made('reserve');
  }

  get cancel() {
    return this.#made('cancel');
  }

  get until() {
    return this.#made('until');
  }

  get reset() {
    return this.#made('reset');
  }
}

const verbsOf = (limiter) => new Verbs(limiterVerb, limiter);
const verbsOfKey = (key) => new Verbs(keyVerb, key);
const createGroup = (names, limiters) => addon.createGroup(output, names, limiters);

/** The decision that was just written. */
function decision(code) {
  return code < 2
    ? new Decision(code === 1, doubles[0], doubles[1], doubles[2], doubles[3], undefined)
    : wide(code === 3);
}

/** The decision of a group; the position of the limit that binds is above the code. */
function bindingDecision(code, names) {
  const said = decision(code & 3);
  said.binding = names[code >> 8];
  return said;
}

const SLOT = 4;
const BOOKED = 128;

/** The reservation that was just written, to be kept; undefined if the code says that there is none. */
const slot = (code) => (code === BOOKED ? words.slice(SLOT) : undefined);
/** Why there is none. */
const REFUSED = { 1: 'never', 2: 'too-long', 3: 'queue-full', 4: 'no-room' };
const refusal = (code) => ({ why: REFUSED[code >> 4], decision: decision(code & 3) });
/** Puts a reservation where the addon reads it. Nothing may be called in between. */
const putBack = (kept) => words.set(kept, SLOT);

const NEVER = 2n ** 64n - 1n;

/** Some number is above 2 ** 53 - 1: the doubles are rounded, and the bigints are kept beside them. */
function wide(allowed) {
  const [limit, remaining, retryNs, resetNs] = words;
  const exact = { limit, remaining, retryNs: retryNs === NEVER ? null : retryNs, resetNs };
  const retry = exact.retryNs === null ? -1 : Number(retryNs);
  return new Decision(allowed, Number(limit), Number(remaining), retry, resetNs === NEVER ? Infinity : Number(resetNs), exact);
}

module.exports = {
  addon, bindingDecision, createGroup, createKeyed, decision, findKeyed, putBack, refusal, slot, verbsOf, verbsOfKey,
};
