// Waiting: timers are mocked and move a clock in the test's hand. Nothing here sleeps.
import assert from 'node:assert/strict';
import test from 'node:test';

import { KeyedLimiter, Limiter, RateLimitExceeded, Reservation, TimeoutError } from 'tidegate';

import { hand, watch } from '../support/time.mjs';

test('first come, first served, one timer each', async (t) => {
  const time = hand(t);
  const timers = t.mock.method(globalThis, 'setTimeout');
  const limiter = new Limiter('10/s burst 1', { clock: time.clock });
  const order = [];
  const all = Array.from({ length: 5 }, (_, who) => limiter.acquire().then((decision) => order.push([who, time.clock(), decision.allowed])));
  await time.pass(0);
  await time.pass(400, 100);
  await Promise.all(all);
  assert.deepEqual(order, [[0, 0, true], [1, 100, true], [2, 200, true], [3, 300, true], [4, 400, true]]);
  assert.equal(timers.mock.callCount(), 4);
});

test('refused at once', async (t) => {
  const { clock } = hand(t);
  const limiter = new Limiter('10/s burst 1', { clock });
  assert.equal((await limiter.acquire(1, { timeoutMs: 0 })).allowed, true);
  const before = limiter.peek().toJSON();
  for (const timeoutMs of [0, 99.9, 99_999_999n]) {
    await assert.rejects(limiter.acquire(1, { timeoutMs }), (error) => {
      assert.ok(error instanceof TimeoutError && error.code === 'ERR_TIMEOUT' && error.name === 'TimeoutError');
      assert.equal(error.decision.retryAfterMs, 100);
      return true;
    });
  }
  await assert.rejects(limiter.acquire(2), { code: 'ERR_NEVER' });
  assert.deepEqual(limiter.peek().toJSON(), before);
});

test('wrong options charge nothing', async (t) => {
  const { clock } = hand(t);
  const limiter = new Limiter('10/s burst 1', { clock });
  for (const timeoutMs of [-1, NaN, -1n]) await assert.rejects(limiter.acquire(1, { timeoutMs }), { code: 'ERR_OUT_OF_RANGE' });
  for (const options of [{ timeoutMs: 'soon' }, { signal: 1 }, 5, null]) await assert.rejects(limiter.acquire(1, options), { code: 'ERR_INVALID_ARG_TYPE' });
  for (const n of [-1, 1.5, NaN, 2 ** 53]) await assert.rejects(limiter.acquire(n), { code: 'ERR_OUT_OF_RANGE' });
  assert.equal(limiter.peek().remaining, 1);
});

test('an aborted wait charges nothing', async (t) => {
  const time = hand(t);
  const limiter = new Limiter('1/h burst 1', { clock: time.clock });
  await limiter.acquire();
  const before = limiter.peek().toJSON();
  const abort = new AbortController();
  const waits = watch(limiter.acquire(1, { signal: abort.signal }));
  await time.pass(0);
  await new Promise(setImmediate);
  assert.equal(waits.state, 'pending');
  assert.notDeepEqual(limiter.peek().toJSON(), before);
  abort.abort();
  await new Promise(setImmediate);
  assert.equal(waits.state, 'rejected');
  assert.equal(waits.error.name, 'AbortError');
  assert.deepEqual(limiter.peek().toJSON(), before);
  await assert.rejects(limiter.acquire(1, { signal: AbortSignal.abort(new Error('gone')) }), { message: 'gone' });
  assert.deepEqual(limiter.peek().toJSON(), before);
});

test('a wait longer than any timer', async (t) => {
  const time = hand(t);
  const limiter = new Limiter('1/30d', { clock: time.clock });
  await limiter.acquire();
  const waits = watch(limiter.acquire());
  const day = 86_400_000;
  await time.pass(29 * day, day);
  assert.equal(waits.state, 'pending');
  await time.pass(day);
  assert.equal(waits.state, 'resolved');
});

test('a clock that lags is asked again', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  const limiter = new Limiter('1/s burst 1', { clock: () => now });
  await limiter.acquire();
  const waits = watch(limiter.acquire());
  await new Promise(setImmediate);
  now = 600;
  t.mock.timers.tick(1000);
  await new Promise(setImmediate);
  assert.equal(waits.state, 'pending');
  now = 1000;
  t.mock.timers.tick(400);
  await new Promise(setImmediate);
  assert.equal(waits.state, 'resolved');
});

test('reservations', async (t) => {
  const time = hand(t);
  const limiter = new Limiter('10/s burst 1', { clock: time.clock });
  const line = [limiter.reserve(), limiter.reserve(), limiter.reserve(1, { maxWaitMs: 200 })];
  assert.deepEqual(line.map((place) => place.waitMs), [0, 100, 200]);
  assert.deepEqual([line[2].atNs, line[2].permits, line[2].cancelled], [200_000_000n, 1, false]);
  assert.throws(() => limiter.reserve(1, { maxWaitMs: 299 }), (error) => error instanceof RateLimitExceeded && error.decision.retryAfterMs === 300);
  assert.throws(() => limiter.reserve(2), { code: 'ERR_NEVER' });
  assert.equal(line[2].cancel(), true);
  assert.equal(line[2].cancel(), false);
  const waits = watch(line[1].wait());
  await time.pass(100);
  assert.equal(waits.state, 'resolved');
  const abort = new AbortController();
  const last = limiter.reserve();
  const left = watch(last.wait({ signal: abort.signal }));
  abort.abort();
  await new Promise(setImmediate);
  assert.equal(left.state, 'rejected');
  assert.equal(last.cancelled, true);
  assert.throws(() => new Reservation(), TypeError);
});

test('waiting for one key', async (t) => {
  const time = hand(t);
  const keyed = new KeyedLimiter('10/s burst 1', { maxKeys: 100, clock: time.clock });
  await keyed.acquire('a');
  await keyed.acquire('b');
  const waits = watch(keyed.acquire('a', 1, { timeoutMs: 100 }));
  await new Promise(setImmediate);
  assert.equal(waits.state, 'pending');
  await assert.rejects(keyed.acquire('a', 1, { timeoutMs: 100 }), TimeoutError);
  await time.pass(100);
  assert.equal(waits.state, 'resolved');
  const place = keyed.reserve('b');
  assert.equal(place.cancel(), true);
});

test('a wait keeps no process alive', async () => {
  const { spawnSync } = await import('node:child_process');
  const program = "const { Limiter } = require('tidegate'); const l = new Limiter('1/h burst 1'); l.take(); l.acquire().then(() => console.log('late'));";
  const child = spawnSync(process.execPath, ['-e', program], { cwd: new URL('..', import.meta.url), encoding: 'utf8', timeout: 60_000 });
  assert.deepEqual([child.status, child.stdout], [0, '']);
});

test('a reservation is settled once, at what it has really cost', () => {
  const limiter = new Limiter('100/min', { algorithm: 'token-bucket', clock: () => 0 });
  const place = limiter.reserve(20);
  assert.throws(() => place.settle(-1), { code: 'ERR_OUT_OF_RANGE' });
  assert.throws(() => place.settle(), { code: 'ERR_INVALID_ARG_TYPE' });
  assert.deepEqual([place.settle(5).remaining, limiter.peek().remaining], [95, 95]);
  assert.throws(() => place.settle(5), { code: 'ERR_GONE' });
  assert.equal(place.cancel(), false);
  const dear = limiter.reserve(90);
  const owed = dear.settle(125);
  assert.deepEqual([owed.allowed, owed.retryAfterMs], [true, 18_000]);
  const keyed = new KeyedLimiter('100/min', { clock: () => 0, maxKeys: 10 });
  assert.equal(keyed.reserve('a', 20).settle(5).remaining, 95);
  assert.equal(keyed.key('a').reserve(10).settle(0).remaining, 95);
});

test('a handle of a key waits as its limiter does', async (t) => {
  const time = hand(t);
  const key = new KeyedLimiter('10/s burst 1', { maxKeys: 100, clock: time.clock }).key('a');
  await key.acquire();
  const waits = watch(key.acquire(1, { timeoutMs: 100 }));
  await assert.rejects(key.acquire(1, { timeoutMs: 100 }), TimeoutError);
  await time.pass(100);
  assert.equal(waits.state, 'resolved');
});

test('a wait that is told so keeps the process alive', async () => {
  const { spawnSync } = await import('node:child_process');
  const program = "const { Limiter } = require('tidegate'); const l = new Limiter('100/s burst 1'); l.take(); l.acquire(1, { ref: true }).then(() => console.log('waited'));";
  const child = spawnSync(process.execPath, ['-e', program], { cwd: new URL('..', import.meta.url), encoding: 'utf8', timeout: 60_000 });
  assert.deepEqual([child.status, child.stdout], [0, 'waited\n']);
});
