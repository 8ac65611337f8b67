// Keys: which are one and which are two, the table's bounds, handles, threads, and what is refused.
import assert from 'node:assert/strict';
import { Worker } from 'node:worker_threads';
import test from 'node:test';

import { KeyedLimiter, QuotaError } from 'tidegate';

const at = (now) => ({ clock: () => now, maxKeys: 100 });

test('keys apart', () => {
  const keyed = new KeyedLimiter('1/h', at(0));
  const keys = ['', '1', 'é', 'e\u0301', '\ud800', '\udfff', '\ufffd', 'x\u0000', 'x', 'y'.repeat(126), 'y'.repeat(127), 'y'.repeat(128), 'y'.repeat(1_000_000)];
  assert.deepEqual(keys.map((key) => keyed.tryAcquire(key)), keys.map(() => true));
  assert.deepEqual(keys.map((key) => keyed.tryAcquire(key)), keys.map(() => false));
  assert.deepEqual(keys.map((key) => keyed.key(key).tryAcquire()), keys.map(() => false));
  assert.equal(keyed.size, keys.length);
});

test('what is no key', () => {
  const keyed = new KeyedLimiter('1/h', at(0));
  for (const key of [undefined, null, 1, 1n, NaN, {}, [], Symbol('a'), () => 'a', true, new String('a')]) {
    for (const verb of ['tryAcquire', 'take', 'peek', 'charge', 'refund', 'reset', 'reserve', 'key']) {
      assert.throws(() => keyed[verb](key), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }, `${verb} ${String(key)}`);
    }
    assert.throws(() => keyed.takeMany(['a', key]), { code: 'ERR_INVALID_ARG_TYPE' });
  }
  assert.throws(() => keyed.takeMany(5), { code: 'ERR_INVALID_ARG_TYPE' });
  assert.equal(keyed.size, 0);
});

test('what is no cost', () => {
  const keyed = new KeyedLimiter('5/h', at(0));
  for (const n of [NaN, -1, 1.9, 2 ** 53, -1n, 2n ** 64n]) {
    for (const verb of ['tryAcquire', 'take', 'peek', 'charge', 'refund', 'reserve']) {
      assert.throws(() => keyed[verb]('a', n), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' });
    }
    assert.throws(() => keyed.takeMany(['a', 'b'], n), { code: 'ERR_OUT_OF_RANGE' });
  }
  assert.throws(() => keyed.take('a', '1'), { code: 'ERR_INVALID_ARG_TYPE' });
  assert.equal(keyed.size, 0);
});

test('verbs', () => {
  const keyed = new KeyedLimiter('5/s', at(0));
  assert.equal(keyed.take('a', 5).remaining, 0);
  assert.equal(keyed.take('a').retryAfterMs, 200);
  assert.equal(keyed.take('a', 6).retryAfterMs, null);
  keyed.refund('a', 3);
  assert.equal(keyed.peek('a').remaining, 3);
  assert.equal(keyed.charge('a', 5).retryAfterMs, 400);
  assert.equal(keyed.reset('a'), true);
  assert.equal(keyed.reset('a'), false);
  assert.deepEqual(keyed.takeMany(new Set(['a', 'b'])).map((said) => said.remaining), [4, 4]);
  assert.deepEqual(keyed.takeMany(['a', 'a'], 2).map((said) => said.remaining), [2, 0]);
  keyed.clear();
  assert.deepEqual([keyed.size, keyed.maxKeys, keyed.evictions, keyed.algorithm, String(keyed.quota)], [0, 100, 0, 'gcra', '5/s']);
});

test('a handle of one key', () => {
  const keyed = new KeyedLimiter('5/s', at(0));
  const key = keyed.key('a');
  assert.equal(keyed.size, 0);
  assert.equal(key.tryAcquire(), true);
  assert.equal(key.take(2).remaining, 2);
  assert.equal(keyed.peek('a').remaining, 2);
  assert.equal(key.charge(3).retryAfterMs, 200);
  key.reset();
  assert.equal(keyed.peek('a').remaining, 5);
  keyed.take('a', 2);
  key.refund(1);
  assert.equal(key.peek().remaining, 4);
});

test('bounded', () => {
  const keyed = new KeyedLimiter('1/d', { maxKeys: 1000, clock: () => 0 });
  for (let key = 0; key < 5000; key++) assert.equal(keyed.tryAcquire(`k${key}`), true);
  assert.ok(keyed.size <= 1000 && keyed.evictions >= 4000 && keyed.memory < 1000 * 32 + 10_000);
  const refusing = new KeyedLimiter('1/d', { ...at(0), whenFull: 'refuse' });
  let let_in = 0;
  for (let key = 0; key < 500; key++) let_in += refusing.tryAcquire(`k${key}`);
  assert.ok(let_in <= 100 && let_in > 50);
});

test('what is refused', () => {
  assert.throws(() => new KeyedLimiter('1/s', { maxKeys: 0 }), { code: 'ERR_OUT_OF_RANGE' });
  assert.throws(() => new KeyedLimiter('1/s', { maxKeys: 2 ** 52 }), { code: 'ERR_OUT_OF_RANGE' });
  assert.throws(() => new KeyedLimiter('1/s', { maxKeys: 1.5 }), { code: 'ERR_OUT_OF_RANGE' });
  assert.throws(() => new KeyedLimiter('1/s', { whenFull: 'panic' }), { code: 'ERR_INVALID_ARG_VALUE' });
  assert.throws(() => new KeyedLimiter('1/s', { algorithm: 'sliding-log' }), QuotaError);
  for (const handle of [undefined, null, 5, {}, { tidegateKeyed: 1.5 }, { tidegateKeyed: '1' }]) {
    assert.throws(() => KeyedLimiter.from(handle), { code: 'ERR_INVALID_ARG_TYPE' });
  }
  assert.throws(() => KeyedLimiter.from({ tidegateKeyed: 4_000_000_000 }), { code: 'ERR_GONE' });
});

test('four workers on one table: exact', async () => {
  const keyed = new KeyedLimiter('10000/d', { algorithm: 'fixed-window', maxKeys: 100 });
  const program = `
    const { workerData, parentPort } = require('node:worker_threads');
    const { KeyedLimiter } = require('tidegate');
    const keyed = KeyedLimiter.from(workerData);
    let granted = 0;
    for (let i = 0; i < 5000; i++) granted += keyed.tryAcquire('one');
    parentPort.postMessage(granted);`;
  const work = () =>
    new Promise((resolve, reject) => {
      const worker = new Worker(program, { eval: true, workerData: keyed.share() });
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  const granted = await Promise.all([work(), work(), work(), work()]);
  assert.equal(granted.reduce((sum, one) => sum + one, 0), 10_000);
  assert.equal(keyed.peek('one').remaining, 0);
  assert.deepEqual(keyed.share(), keyed.share());
});

test('a table outlives the worker that made it', async () => {
  const program = `
    const { parentPort } = require('node:worker_threads');
    const { KeyedLimiter } = require('tidegate');
    globalThis.keyed = new KeyedLimiter('2/d', { maxKeys: 10 });
    keyed.tryAcquire('a');
    parentPort.once('message', () => process.exit());
    parentPort.postMessage(keyed.share());`;
  const worker = new Worker(program, { eval: true });
  const handle = await new Promise((resolve) => worker.once('message', resolve));
  const keyed = KeyedLimiter.from(handle);
  const gone = new Promise((resolve) => worker.once('exit', resolve));
  worker.postMessage('go');
  await gone;
  assert.equal(keyed.peek('a').remaining, 1);
  assert.equal(keyed.tryAcquire('a'), true);
});

test('a worker that ends while it waits takes nothing along', async () => {
  const keyed = new KeyedLimiter('2/d', { maxKeys: 10 });
  const program = `
    const { parentPort, workerData } = require('node:worker_threads');
    const { KeyedLimiter } = require('tidegate');
    const keyed = KeyedLimiter.from(workerData);
    keyed.take('a', 2);
    keyed.acquire('a', 1, { ref: true });
    globalThis.kept = [keyed.key('a'), keyed.reserve('a')];
    parentPort.postMessage('waits');`;
  const worker = new Worker(program, { eval: true, workerData: keyed.share() });
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  await worker.terminate();
  assert.equal(keyed.tryAcquire('a'), false);
  assert.equal(keyed.tryAcquire('b', 2), true);
  assert.equal(keyed.size, 2);
  assert.equal(keyed.reset('a'), true);
  assert.equal(keyed.tryAcquire('a', 2), true);
});

test('keys that begin part filled', () => {
  let now = 0;
  const keyed = new KeyedLimiter('10/s', { algorithm: 'token-bucket', initial: 0, maxKeys: 10, clock: () => now });
  assert.equal(keyed.tryAcquire('early'), false);
  now = 100;
  assert.deepEqual([keyed.tryAcquire('early'), keyed.tryAcquire('early')], [true, false]);
  now = 1000;
  assert.equal(keyed.tryAcquire('late', 10), true);
  assert.throws(() => new KeyedLimiter('10/s', { initial: 5 }), QuotaError);
});
