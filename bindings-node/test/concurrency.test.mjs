// At most so many in flight: the line, those who leave it, what is given back.
import assert from 'node:assert/strict';
import test from 'node:test';

import { Concurrency, Permit, TimeoutError } from 'tidegate';

test('permits are given and given back', () => {
  const limit = new Concurrency(3);
  const two = limit.tryEnter(2);
  assert.ok(two instanceof Permit);
  assert.deepEqual([two.permits, two.released, limit.inFlight, limit.limit], [2, false, 2, 3]);
  assert.equal(limit.tryEnter(2), null);
  const one = limit.tryEnter();
  assert.equal(limit.tryEnter(), null);
  assert.equal(two.release(), true);
  assert.equal(two.release(), false);
  assert.equal(two.released, true);
  // The number of a permit that is gone is used again: the old one must not give it back.
  const again = limit.tryEnter(2);
  assert.equal(two.release(), false);
  assert.equal(limit.inFlight, 3);
  one.release();
  again.release();
  assert.equal(limit.inFlight, 0);
  assert.equal(limit.tryEnter(4), null);
});

test('first come, first served', async () => {
  const limit = new Concurrency(3);
  const held = limit.tryEnter(2);
  const order = [];
  const waits = [2, 3, 1].map((n, at) => limit.enter(n).then((permit) => (order.push(at), permit)));
  await Promise.resolve();
  assert.equal(limit.waiting, 3);
  // One permit is free, but nobody passes those who wait.
  assert.equal(limit.inFlight, 2);
  assert.equal(limit.tryEnter(1), null);
  held.release();
  const first = await waits[0];
  assert.equal(limit.inFlight, 2);
  first.release();
  (await waits[1]).release();
  (await waits[2]).release();
  assert.deepEqual(order, [0, 1, 2]);
  assert.deepEqual([limit.inFlight, limit.waiting], [0, 0]);
});

test('never more at once than the limit', async () => {
  const limit = new Concurrency(4);
  let now = 0;
  let most = 0;
  await Promise.all(Array.from({ length: 200 }, (_, at) => limit.run(async () => {
    most = Math.max(most, (now += 1));
    await new Promise((resolve) => setImmediate(resolve));
    now -= 1;
    if (at % 7 === 0) throw new Error('on purpose');
  }).catch((error) => assert.equal(error.message, 'on purpose'))));
  assert.deepEqual([most, now, limit.inFlight], [4, 0, 0]);
});

test('whoever leaves the line lets the next in', async () => {
  const limit = new Concurrency(2);
  const held = limit.tryEnter();
  const controller = new AbortController();
  const wide = limit.enter(2, { signal: controller.signal });
  const narrow = limit.enter(1);
  await Promise.resolve();
  assert.equal(limit.waiting, 2);
  const reason = new Error('gone');
  controller.abort(reason);
  await assert.rejects(wide, (error) => error === reason);
  assert.equal((await narrow).permits, 1);
  assert.equal(limit.inFlight, 2);
  held.release();
});

test('timeouts', async () => {
  const limit = new Concurrency(1);
  const held = limit.tryEnter();
  await assert.rejects(limit.enter(1, { timeoutMs: 0 }), TimeoutError);
  const keepAlive = setTimeout(() => {}, 60_000);
  await assert.rejects(limit.enter(1, { timeoutMs: 5 }), { code: 'ERR_TIMEOUT' });
  clearTimeout(keepAlive);
  assert.equal(limit.waiting, 0);
  // Beyond what one timer can count.
  const long = limit.enter(1, { timeoutMs: 30 * 86_400_000 });
  held.release();
  (await long).release();
  assert.equal(limit.inFlight, 0);
});

test('a limit that changes', async () => {
  const limit = new Concurrency(3);
  const held = limit.tryEnter(3);
  const wide = limit.enter(3);
  const narrow = limit.enter(1);
  await Promise.resolve();
  limit.setLimit(2);
  await assert.rejects(wide, { code: 'ERR_NEVER' });
  assert.equal(limit.inFlight, 3);
  held.release();
  (await narrow).release();
  await assert.rejects(limit.enter(3), { code: 'ERR_NEVER' });
  limit.setLimit(5);
  assert.equal(limit.tryEnter(5).permits, 5);
});

test('bad input', async () => {
  for (const wrong of [0, -1, NaN, 1.5, 2 ** 31, 2 ** 53, -1n]) assert.throws(() => new Concurrency(wrong), { code: 'ERR_OUT_OF_RANGE' }, String(wrong));
  for (const wrong of ['1', {}, null]) assert.throws(() => new Concurrency(wrong), { code: 'ERR_INVALID_ARG_TYPE' });
  const limit = new Concurrency(1);
  assert.throws(() => limit.tryEnter(-1), RangeError);
  assert.throws(() => limit.setLimit(0), { code: 'ERR_OUT_OF_RANGE' });
  await assert.rejects(limit.enter('1'), TypeError);
  await assert.rejects(limit.enter(1, { timeoutMs: -1 }), RangeError);
  await assert.rejects(limit.enter(1, { signal: 5 }), TypeError);
  await assert.rejects(limit.run(5), TypeError);
  assert.throws(() => new Permit(), TypeError);
  assert.equal(limit.inFlight, 0);
  assert.equal(limit.limit, 1);
});
