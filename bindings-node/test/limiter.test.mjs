// The verbs as a JavaScript developer meets them: defaults, clocks, decisions.
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import test from 'node:test';

import { Decision, Limiter, Quota } from 'tidegate';

const at = (now) => ({ clock: () => now });

test('one permit unless said', () => {
  const limiter = new Limiter('3/s', at(0n));
  assert.equal(limiter.tryAcquire(), true);
  assert.equal(limiter.tryAcquire(undefined), true);
  assert.equal(limiter.take().remaining, 0);
  assert.equal(limiter.peek().allowed, false);
  assert.equal(limiter.tryAcquire(0), true);
  limiter.refund();
  assert.equal(limiter.peek().remaining, 1);
  limiter.reset();
  assert.equal(limiter.peek().remaining, 3);
  assert.equal(limiter.charge().remaining, 2);
});

test('the same on the default clock', () => {
  const limiter = new Limiter('3/w');
  assert.equal(limiter.tryAcquire(), true);
  assert.equal(limiter.take(1).remaining, 1);
  assert.equal(limiter.take(2n).allowed, false);
  assert.equal(limiter.peek(1).allowed, true);
  assert.equal(limiter.charge().remaining, 0);
  assert.equal(limiter.tryAcquire(1), false);
  assert.equal(limiter.charge(1).allowed, true);
  limiter.reset();
  limiter.take(2);
  limiter.refund(1);
  assert.equal(limiter.peek().remaining, 2);
});

test('the default clock counts from 1970 in UTC', () => {
  const limiter = new Limiter('5/w', { algorithm: 'fixed-window' });
  const week = 604_800_000;
  let left;
  let before;
  let reset;
  do {
    // Once more if a week ended in between.
    before = Date.now();
    left = week - (before % week);
    reset = limiter.take().resetAfterMs;
  } while (Math.floor(before / week) !== Math.floor(Date.now() / week));
  // The monotonic clock is set to the system's when it is first read; the system's may be moved a little while this runs.
  assert.ok(Math.abs(reset - left) < 60_000, `${reset} against ${left}`);
});

test('a decision in milliseconds, and exactly', () => {
  let now = 0n;
  const limiter = new Limiter('7/s burst 3', { algorithm: 'token-bucket', clock: () => now });
  assert.deepEqual(limiter.take(3).toJSON(), { allowed: true, limit: 3, remaining: 0, retryAfterMs: 0, resetAfterMs: 428.571429 });
  now = 5n;
  const denied = limiter.take();
  assert.ok(denied instanceof Decision);
  assert.equal(denied.retryAfterMs, 142.857138);
  assert.equal(denied.retryAfterNs, 142_857_138n);
  assert.equal(denied.resetAfterNs, 428_571_424n);
  assert.equal(JSON.stringify(denied), '{"allowed":false,"limit":3,"remaining":0,"retryAfterMs":142.857138,"resetAfterMs":428.571424}');
  const never = limiter.take(4);
  assert.deepEqual([never.allowed, never.retryAfterMs, never.retryAfterNs], [false, null, null]);
});

test('decisions keep their numbers', () => {
  const limiter = new Limiter('2/s', at(0n));
  const [first, second, third] = [limiter.take(), limiter.take(), limiter.take()];
  assert.deepEqual([first, second, third].map((decision) => [decision.allowed, decision.remaining]), [[true, 1], [true, 0], [false, 0]]);
  assert.deepEqual([first, second, third].map((decision) => decision.retryAfterNs), [0n, 0n, 500_000_000n]);
});

test('beyond 2 ** 53', () => {
  const burst = 2n ** 53n + 1n;
  const limiter = new Limiter(Quota.make(1, 1, burst), at(0n));
  const decision = limiter.take(2n ** 53n);
  assert.deepEqual([decision.limit, decision.limitBigInt], [2 ** 53, burst]);
  assert.deepEqual([decision.remaining, decision.remainingBigInt], [1, 1n]);
  assert.deepEqual([decision.resetAfterNs, decision.resetAfterMs], [2n ** 53n, 2 ** 53 / 1e6]);
  const denied = limiter.take(burst);
  assert.deepEqual([denied.retryAfterNs, denied.retryAfterMs], [2n ** 53n, 2 ** 53 / 1e6]);
  const never = limiter.take(burst + 1n);
  assert.deepEqual([never.allowed, never.retryAfterNs, never.retryAfterMs], [false, null, null]);
  assert.equal(limiter.tryAcquire(2n ** 64n - 1n), false);
});

test('beyond the end of the clock', () => {
  const limiter = new Limiter('1/d', at(2n ** 63n - 1n));
  const decision = limiter.take();
  assert.deepEqual([decision.resetAfterMs, decision.resetAfterNs], [Infinity, 2n ** 64n - 1n]);
  assert.equal(limiter.take().retryAfterMs, null);
});

test('a clock of numbers is in milliseconds, to the nearest nanosecond', () => {
  for (const [millis, nanos] of [
    [0, 0n],
    [-0, 0n],
    [0.000001, 1n],
    [0.3, 300_000n],
    [1234.567891, 1_234_567_891n],
    [1_700_000_000_123, 1_700_000_000_123_000_000n],
    [1_700_000_000_123.5, 1_700_000_000_123_500_000n],
    [2 ** 53, 2n ** 53n * 1_000_000n],
    [Number.MAX_VALUE, 2n ** 63n - 1n],
    [2n ** 64n, 2n ** 63n - 1n],
    [2n ** 200n, 2n ** 63n - 1n],
  ]) {
    // The reset of a window tells the time: to the next whole day.
    const day = 86_400_000_000_000n;
    const limiter = new Limiter('9/d', { algorithm: 'fixed-window', clock: () => millis });
    const left = day - (nanos % day);
    const expected = nanos + left > 2n ** 63n - 1n ? 2n ** 64n - 1n : left;
    assert.equal(limiter.take().resetAfterNs, expected, String(millis));
  }
});

test('a clock is read when the limiter is made, once, and once a verb', () => {
  let reads = 0;
  const limiter = new Limiter('5/s', { algorithm: 'token-bucket', initial: 0, clock: () => ((reads += 1), 1_000_000_000n) });
  assert.equal(reads, 1);
  // The bucket began empty at that reading, not at 0: a second has not passed.
  assert.equal(limiter.tryAcquire(), false);
  limiter.take();
  limiter.peek();
  limiter.charge();
  limiter.refund();
  assert.equal(reads, 6);
});

test('what a clock throws reaches the caller, and nothing is spent', () => {
  const broken = new Error('no battery');
  let works = true;
  const clock = () => {
    if (!works) throw broken;
    return 0n;
  };
  const limiter = new Limiter('1/s', { clock });
  works = false;
  for (const verb of ['tryAcquire', 'take', 'peek', 'charge', 'refund']) {
    assert.throws(() => limiter[verb](), (error) => error === broken, verb);
  }
  assert.throws(() => new Limiter('1/s', { clock }), (error) => error === broken);
  works = true;
  assert.equal(limiter.tryAcquire(), true);
});

test('a clock may use the limiter that it times', () => {
  let limiter;
  let inside;
  const clock = () => {
    if (limiter !== undefined && inside === undefined) {
      inside = null;
      inside = limiter.take(2);
    }
    return 0n;
  };
  limiter = new Limiter('5/s', { clock });
  assert.equal(limiter.take().remaining, 2);
  assert.equal(inside.remaining, 3);
});

test('a clock that runs backwards mints nothing', () => {
  let now = 10n ** 12n;
  const limiter = new Limiter('1/min', { clock: () => now });
  assert.equal(limiter.tryAcquire(), true);
  now = 0n;
  assert.equal(limiter.tryAcquire(), false);
});

test('anchors, refills, initial fills', () => {
  const second = 10n ** 9n;
  let now = second / 2n;
  const clock = () => now;
  const resets = (anchor) => new Limiter('1/s', { algorithm: 'fixed-window', anchor, clock }).take().resetAfterMs;
  assert.equal(resets('clock'), 500);
  assert.equal(resets({ offset: 750 }), 250);
  assert.equal(resets({ offset: 750_000_000n }), 250);
  // A tick from first use is some nanoseconds long.
  assert.ok(Math.abs(resets('first-use') - 1000) < 0.001);
  assert.ok(Math.abs(new Limiter('1/s from first use', { algorithm: 'fixed-window', clock }).take().resetAfterMs - 1000) < 0.001);
  assert.equal(new Limiter('1/s offset 750ms', { algorithm: 'fixed-window', clock }).take().resetAfterMs, 250);

  now = 0n;
  const bucket = new Limiter('60/min', { algorithm: 'token-bucket', refill: 'interval', initial: 0, clock });
  now = 60n * second - 1n;
  assert.equal(bucket.tryAcquire(), false);
  now = 60n * second;
  assert.equal(bucket.tryAcquire(60n), true);
});

test('a limiter says what it is', () => {
  const limiter = new Limiter('1 per 2 hours', { algorithm: 'sliding-log' });
  assert.equal(String(limiter.quota), '1/2h');
  assert.equal(limiter.algorithm, 'sliding-log');
  assert.equal(inspect(limiter), "Limiter { quota: '1/2h', algorithm: 'sliding-log' }");
  assert.equal(new Limiter('1/s').algorithm, 'gcra');
  assert.equal(String(new Limiter('1/s', { algorithm: 'fixed-window', anchor: 'first-use' }).quota), '1/s from first use');
});

test('quotas of text and of numbers', () => {
  const quota = Quota.parse('300/min burst 50');
  assert.deepEqual([quota.limit, quota.periodMs, quota.burst], [300, 60_000, 50]);
  assert.deepEqual([quota.limitBigInt, quota.periodNs, quota.burstBigInt], [300n, 60_000_000_000n, 50n]);
  assert.equal(String(Quota.make(300, 60e9, 50)), String(quota));
  assert.equal(String(Quota.make(300n, 60_000_000_000n)), '300/min');
  assert.equal(JSON.stringify({ quota }), '{"quota":"300/min burst 50"}');
  assert.equal(inspect(quota), "Quota '300/min burst 50'");
  assert.equal(Quota.make(2n ** 64n - 1n, 1).limitBigInt, 2n ** 64n - 1n);
});
