// Groups: all or nothing, the limit that binds, and what is refused.
import assert from 'node:assert/strict';
import test from 'node:test';

import { Limiter, LimiterGroup, Quota, QuotaError } from 'tidegate';

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
