'use strict';
// The addon, and the one way in which its decisions reach JavaScript.
//
// Node-API needs a microsecond to build an object, so the addon writes a decision into words that are shared for ever and returns
// a code; the words are read before anything else can run. The array stays in this file: nobody can detach its buffer.

const { Decision, GroupDecision, WideDecision } = require('./decision.js');

let addon;
try {
  addon = require('../tidegate.node');
} catch (cause) {
  throw new Error('tidegate has no addon for this platform; in a checkout, run `npm run build`', { cause });
}

const words = new BigUint64Array(4);
const doubles = new Float64Array(words.buffer);
const output = addon.openOutput(words);

/** Verbs that are made when they are first asked for: each is a closure, and takes microseconds to make. */
class Verbs {
  #make;
  #of;

  constructor(make, of) {
    this.#make = make;
    this.#of = of;
  }

  #made(name) {
    const value = this.#make(output, this.#of, name);
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

  get settle() {
    return this.#made('settle');
  }

  get until() {
    return this.#made('until');
  }

  get reset() {
    return this.#made('reset');
  }
}

/** The decision that was just written. Most answers are a plain yes or no; a code says more. */
function decision(answer) {
  if (answer === true) return new Decision(true, doubles[0], doubles[1], 0, doubles[3]);
  if (answer === false) return new Decision(false, doubles[0], doubles[1], doubles[2], doubles[3]);
  if ((answer & 2) !== 0) return new WideDecision(answer === 3, ...wide());
  return new Decision(answer === 1, doubles[0], doubles[1], doubles[2], doubles[3]);
}

/** The decision of a group; the position of the limit that binds is above the code. */
function groupDecision(code, names) {
  const figures = (code & 2) === 0 ? doubles : wide();
  return new GroupDecision(names[code >> 8], (code & 1) === 1, ...figures);
}

const NEVER = 2n ** 64n - 1n;

/** Some number is above 2 ** 53 - 1: the figures rounded, then as they are. */
function wide() {
  const [limit, remaining, retryNs, resetNs] = words;
  const exact = { limit, remaining, retryNs: retryNs === NEVER ? null : retryNs, resetNs };
  const retry = exact.retryNs === null ? -1 : Number(retryNs);
  return [Number(limit), Number(remaining), retry, resetNs === NEVER ? Infinity : Number(resetNs), exact];
}

/** Why there is no reservation. */
const REFUSED = { 1: 'never', 2: 'too-long', 3: 'queue-full', 4: 'no-room' };

/** What `reserve` answered, with its figures: what is kept and for which instant, or why there is nothing. */
function booking(answer, names) {
  if (typeof answer !== 'number') return { kept: answer, at: words[0] };
  const said = names === undefined ? decision(answer & 3) : groupDecision(answer & ~0xf0, names);
  return { why: REFUSED[(answer >> 4) & 0xf], decision: said };
}

module.exports = { Verbs, addon, booking, decision, groupDecision };
