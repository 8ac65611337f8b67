// Groups: all or nothing, the limit that binds, and what is refused.
import assert from 'node:assert/strict';
import test from 'node:test';

import { Decision, GroupDecision, KeyedLimiter, KeyedLimiterGroup, Limiter, LimiterGroup, Quota, QuotaError, RateLimitExceeded, TimeoutError } from 'tidegate';

import { hand, watch } from '../support/time.mjs';

test('all or nothing', () => {
  let now = 0;
  const clock = () => now;
  const group = new LimiterGroup({ second: '2/s', hour: '3/h' }, { clock });
  const taken = group.take();
  assert.deepEqual([taken.allowed, taken.binding, taken.limit, taken.remaining], [true, 'second', 2, 1]);
  assert.equal(group.tryAcquire(), true);
  const denied = group.take();
  assert.deepEqual([denied.allowed, denied.binding, denied.retryAfterMs], [false, 'second', 500]);
  now = 1000;
  assert.equal(group.tryAcquire(), true);
  assert.deepEqual([group.peek().binding, group.peek().retryAfterMs], ['hour', 1_199_000]);
  assert.deepEqual([group.members().second.remaining, group.members().hour.remaining], [1, 0]);
  assert.equal(group.take(4).retryAfterMs, null);
  group.reset();
  assert.equal(group.peek(2).allowed, true);
});

test('the defect of a union: a denial by one limit charges no other', () => {
  const clock = () => 0;
  const small = new Limiter('1/h', { clock });
  const large = new Limiter('100/h', { clock });
  const group = new LimiterGroup(new Map([['small', small], ['large', large]]), { clock });
  for (let i = 0; i < 50; i++) group.tryAcquire();
  assert.equal(large.peek().remaining, 99);
  assert.equal(small.peek().remaining, 0);
});

test('what is refused', () => {
  const clock = () => 0;
  const limiter = new Limiter('1/s', { clock });
  for (const [limits, options] of [
    [{}],
    [{ a: limiter }],
    [{ a: limiter }, { clock: () => 0 }],
    [{ a: limiter, b: limiter }, { clock }],
    [Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`l${n}`, '1/s']))],
  ]) {
    assert.throws(() => new LimiterGroup(limits, options), { name: 'RangeError', code: 'ERR_INVALID_ARG_VALUE' });
  }
  assert.throws(() => new LimiterGroup({ a: 'never' }), QuotaError);
  for (const limits of [undefined, null, '1/s', 5, { a: 5 }, { a: undefined }, new Map([[1, '1/s']])]) {
    assert.throws(() => new LimiterGroup(limits), { code: 'ERR_INVALID_ARG_TYPE' });
  }
  const group = new LimiterGroup({ a: Quota.parse('1/s') }, { clock });
  for (const n of [NaN, -1, 1.5]) assert.throws(() => group.take(n), { code: 'ERR_OUT_OF_RANGE' });
  assert.equal(group.peek().remaining, 1);
});

test('a decision of a group, as data', () => {
  const group = new LimiterGroup({ second: '2/s' }, { clock: () => 0 });
  const taken = group.take();
  assert.ok(taken instanceof GroupDecision && taken instanceof Decision);
  assert.deepEqual(taken.toJSON(), { allowed: true, limit: 2, remaining: 1, retryAfterMs: 0, resetAfterMs: 500, binding: 'second' });
  assert.equal(new Limiter('1/s').take().binding, undefined);
});

test('waiting for all limits: one instant, one timer each, first come first served', async (t) => {
  const time = hand(t);
  const timers = t.mock.method(globalThis, 'setTimeout');
  const fast = new Limiter('10/s burst 1', { clock: time.clock });
  const slow = new Limiter('5/s burst 1', { clock: time.clock });
  const group = new LimiterGroup({ fast, slow }, { clock: time.clock });
  const order = [];
  const all = [0, 1, 2].map((who) => group.acquire().then((said) => order.push([who, time.clock(), said.binding])));
  await time.pass(0);
  await time.pass(400, 100);
  await Promise.all(all);
  assert.deepEqual(order, [[0, 0, 'fast'], [1, 200, 'fast'], [2, 400, 'fast']]);
  assert.equal(timers.mock.callCount(), 2);
  assert.deepEqual([fast.peek().remaining, slow.peek().remaining], [0, 0]);
});

test('a wait that would be too long, or for ever, charges no member', async (t) => {
  const time = hand(t);
  const group = new LimiterGroup({ second: '1/s', day: '10/day' }, { clock: time.clock });
  await group.acquire();
  const before = group.members();
  await assert.rejects(group.acquire(1, { timeoutMs: 999 }), (error) => {
    assert.ok(error instanceof TimeoutError);
    assert.deepEqual([error.decision.binding, error.decision.retryAfterMs], ['second', 1000]);
    return true;
  });
  await assert.rejects(group.acquire(2), { code: 'ERR_NEVER' });
  await assert.rejects(group.acquire(1, { timeoutMs: NaN }), { code: 'ERR_OUT_OF_RANGE' });
  await assert.rejects(group.acquire(1.5), { code: 'ERR_OUT_OF_RANGE' });
  await assert.rejects(group.acquire(1, { signal: 5 }), { code: 'ERR_INVALID_ARG_TYPE' });
  assert.deepEqual(Object.values(group.members()).map((said) => said.remaining), Object.values(before).map((said) => said.remaining));
});

test('an aborted wait gives back what every member had booked', async (t) => {
  const time = hand(t);
  const group = new LimiterGroup({ second: '1/s', day: '10/day' }, { clock: time.clock });
  await group.acquire();
  const shown = () => Object.values(group.members()).map((said) => said.toJSON());
  const before = shown();
  const abort = new AbortController();
  const reason = new Error('gone');
  const waits = watch(group.acquire(1, { signal: abort.signal }));
  await time.pass(0);
  assert.equal(waits.state, 'pending');
  assert.notDeepEqual(shown(), before);
  abort.abort(reason);
  await time.pass(0);
  assert.deepEqual([waits.state, waits.error], ['rejected', reason]);
  assert.deepEqual(shown(), before);
});

test('reservations of a group are cancelled once, settled once', () => {
  const clock = () => 0;
  const group = new LimiterGroup({ minute: '10/min', day: '100/day' }, { clock });
  const place = group.reserve(6);
  assert.deepEqual([place.permits, place.waitMs, place.cancelled], [6, 0, false]);
  assert.equal(place.settle(4).remaining, 6);
  assert.throws(() => place.settle(4), { code: 'ERR_GONE' });
  assert.equal(place.cancel(), false);
  assert.deepEqual(Object.values(group.members()).map((said) => said.remaining), [6, 96]);
  const other = group.reserve(6);
  assert.throws(() => group.reserve(6, { maxWaitMs: 1 }), RateLimitExceeded);
  assert.equal(other.cancel(), true);
  assert.equal(other.cancel(), false);
  assert.throws(() => other.settle(1), { code: 'ERR_GONE' });
  assert.deepEqual(Object.values(group.members()).map((said) => said.remaining), [6, 96]);
});

test('several limits for each key, and one that all share', async (t) => {
  const time = hand(t);
  const { clock } = time;
  const all = new Limiter('5/s burst 5', { clock });
  const day = new KeyedLimiter('3/day', { algorithm: 'fixed-window', clock, maxKeys: 100 });
  const group = new KeyedLimiterGroup({ second: '2/s', day, all }, { clock, maxKeys: 100 });
  assert.deepEqual([group.tryAcquire('a'), group.take('a').binding, group.take('a').binding], [true, 'second', 'second']);
  assert.deepEqual([day.peek('a').remaining, all.peek().remaining], [1, 3]);
  assert.equal(group.take('b', 2).allowed, true);
  const waits = watch(group.acquire('a'));
  await time.pass(0);
  assert.equal(waits.state, 'pending');
  await assert.rejects(group.acquire('c', 2, { timeoutMs: 10 }), TimeoutError);
  await time.pass(500);
  assert.deepEqual([waits.state, waits.value.allowed], ['resolved', true]);
  assert.equal(group.take('a').binding, 'day');
  assert.deepEqual(Object.entries(group.members('a')).map(([name, said]) => [name, said.remaining]), [['second', 0], ['day', 0], ['all', 2]]);
  assert.equal(group.reset('a'), true);
  assert.equal(group.reset('a'), false);
  assert.equal(group.peek('a').allowed, true);
  const place = group.reserve('d', 2);
  assert.equal(place.cancel(), true);
  assert.equal(group.peek('d').remaining, 2);
});

test('keyed groups refuse what groups and keyed limiters do', () => {
  const clock = () => 0;
  const group = new KeyedLimiterGroup({ a: '1/s' }, { clock, maxKeys: 10 });
  for (const key of [undefined, null, 5, {}]) {
    for (const verb of ['tryAcquire', 'take', 'peek', 'reserve', 'reset']) {
      assert.throws(() => group[verb](key), { code: 'ERR_INVALID_ARG_TYPE' }, `${verb} ${key}`);
    }
  }
  for (const n of [NaN, -1, 1.5]) assert.throws(() => group.take('a', n), { code: 'ERR_OUT_OF_RANGE' });
  for (const limits of [null, { a: 5 }, new Map([[1, '1/s']])]) assert.throws(() => new KeyedLimiterGroup(limits), { code: 'ERR_INVALID_ARG_TYPE' });
  assert.throws(() => new KeyedLimiterGroup({}), { code: 'ERR_INVALID_ARG_VALUE' });
  assert.throws(() => new KeyedLimiterGroup({ a: new KeyedLimiter('1/s') }, { clock }), { code: 'ERR_INVALID_ARG_VALUE' });
  assert.throws(() => new LimiterGroup({ a: new KeyedLimiter('1/s') }), { code: 'ERR_INVALID_ARG_TYPE' });
  assert.equal(group.peek('a').remaining, 1);
});
