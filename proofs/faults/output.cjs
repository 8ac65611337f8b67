'use strict';
// The words in which decisions reach JavaScript, freed under the addon, which its contract forbids: whoever watches memory must see it write to what
// is gone. Run with --expose-gc --single-threaded, so that the memory is freed at once.

const words = [];
const { BigUint64Array } = globalThis;
globalThis.BigUint64Array = class extends BigUint64Array {
  constructor(...given) {
    super(...given);
    words.push(this);
  }
};
const { Limiter } = require('tidegate');
globalThis.BigUint64Array = BigUint64Array;

const limiter = new Limiter('1/h');
limiter.take();
for (const { buffer } of words) structuredClone(buffer, { transfer: [buffer] });
// The copy that got the memory is garbage once this turn is over.
setTimeout(() => {
  globalThis.gc();
  limiter.take();
  console.error('nobody saw it');
  process.exit(1);
}, 1);
