// The packed package under whatever runs this: the vectors, waiting, workers, errors. Says how much it did, and ends with 0 if all of it held.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

import { Backoff, Concurrency, KeyedLimiter, KeyedLimiterGroup, Limiter, LimiterGroup, TimeoutError, headers } from 'tidegate';

import { asBigint, asNumber, run } from './vectors.mjs';

const vectors = JSON.parse(readFileSync(new URL('./vectors.json', import.meta.url), 'utf8'));
let steps = 0;
for (const vector of vectors.cases) steps += run(vector, asBigint) + run(vector, asNumber);
assert.ok(vectors.cases.length > 1000 && steps > 10_000, `${steps} steps`);

const limiter = new Limiter('100/s burst 1');
assert.equal(limiter.tryAcquire(), true);
assert.equal((await limiter.acquire(1, { ref: true })).limit, 1);

const abort = new AbortController();
const day = new Limiter('1/d');
day.take();
await assert.rejects(day.acquire(1, { timeoutMs: 0 }), TimeoutError);
const left = assert.rejects(day.acquire(1, { signal: abort.signal }), { message: 'gone' });
abort.abort(new Error('gone'));
await left;

assert.equal(new LimiterGroup({ a: '1/s', b: '5/s' }).take(2).binding, 'a');
assert.equal(new KeyedLimiterGroup({ a: '1/s' }, { maxKeys: 10 }).take('k').allowed, true);
assert.equal(new Concurrency(1).tryEnter().permits, 1);
assert.deepEqual([...Backoff.exponential({ baseMs: 1, maxRetries: 3 })], [1, 2, 4]);
assert.equal(headers(new Limiter('1/s').take(), 'x-ratelimit-delta')['X-RateLimit-Limit'], '1');
for (const wrong of [NaN, -1, 1.9, 2 ** 53, -1n]) assert.throws(() => day.take(wrong), { code: 'ERR_OUT_OF_RANGE' });
for (const wrong of [{}, null, '1']) assert.throws(() => day.take(wrong), { code: 'ERR_INVALID_ARG_TYPE' });

const shared = new KeyedLimiter('1000/d', { algorithm: 'fixed-window', maxKeys: 10 });
const program = `
  const { workerData, parentPort } = require('node:worker_threads');
  const { KeyedLimiter } = require('tidegate');
  const keyed = KeyedLimiter.from(workerData);
  let granted = 0;
  for (let i = 0; i < 500; i++) granted += keyed.tryAcquire('one');
  parentPort.postMessage(granted);`;
const file = new URL('./worker.cjs', import.meta.url);
writeFileSync(file, program);
const work = () => new Promise((resolve, reject) => {
  const worker = new Worker(file, { workerData: shared.share() });
  worker.once('message', (granted) => worker.terminate().then(() => resolve(granted)));
  worker.once('error', reject);
});
const granted = await Promise.all([work(), work(), work(), work()]);
assert.equal(granted.reduce((sum, one) => sum + one, 0), 1000);
console.log(`${vectors.cases.length} vectors, ${steps} steps, ${granted.length} workers`);
