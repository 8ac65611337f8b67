'use strict';
// The addon, and the one way in which its decisions reach JavaScript.
//
// Node-API needs a microsecond to build an object, so the addon writes a decision into four words that are shared for ever and returns
// a code; the words are read before anything else can run. The array stays in this file: nobody can detach its buffer.

const { Decision } = require('./decision.js');

let addon;
try {
  addon = require('../tidegate.node');
} catch (cause) {
  throw new Error('tidegate has no addon for this platform; in a checkout, run `npm run build`', { cause });
}

const words = new BigUint64Array(4);
const doubles = new Float64Array(words.buffer);
const output = addon.openOutput(words);

/** The limiter's verbs, or why its quota was refused. */
const createLimiter = (options) => addon.createLimiter(output, options);

/** The decision that was just written. */
function decision(code) {
  return code < 2
    ? new Decision(code === 1, doubles[0], doubles[1], doubles[2], doubles[3], undefined)
    : wide(code === 3);
}

const NEVER = 2n ** 64n - 1n;

/** Some number is above 2 ** 53 - 1: the doubles are rounded, and the bigints are kept beside them. */
function wide(allowed) {
  const [limit, remaining, retryNs, resetNs] = words;
  const exact = { limit, remaining, retryNs: retryNs === NEVER ? null : retryNs, resetNs };
  const retry = exact.retryNs === null ? -1 : Number(retryNs);
  return new Decision(allowed, Number(limit), Number(remaining), retry, resetNs === NEVER ? Infinity : Number(resetNs), exact);
}

module.exports = { addon, createLimiter, decision };
