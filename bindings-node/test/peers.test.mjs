// What other packages get wrong, each as a test; where the package is at hand, beside it.
import assert from 'node:assert/strict';
import test from 'node:test';

import peer from 'rate-limiter-flexible';
import { KeyedLimiter, Limiter, LimiterGroup } from 'tidegate';
import { RateLimiterMemory } from 'tidegate/rate-limiter-flexible';

const DAY = 86_400_000;

test('a window of 30 days lasts 30 days, although no timer does', async () => {
  let now = 0;
  for (const algorithm of ['gcra', 'token-bucket', 'fixed-window', 'sliding-window', 'sliding-log']) {
    now = 0;
    const limiter = new Limiter('5 per 30 days', { algorithm, anchor: algorithm === 'fixed-window' ? 'first-use' : undefined, clock: () => now });
    assert.equal(limiter.tryAcquire(5), true, algorithm);
    now = 20;
    assert.equal(limiter.tryAcquire(), false, algorithm);
    now = 2 ** 31;
    assert.equal(limiter.tryAcquire(5), false, algorithm);
    // A sliding window is at its fullest until then; a first use is told to the nearest tick.
    now = 60 * DAY + 1;
    assert.equal(limiter.tryAcquire(5), true, algorithm);
  }
  now = 0;
  const flexible = new RateLimiterMemory({ points: 5, duration: 30 * 86_400, clock: () => now });
  await flexible.consume('a', 5);
  for (now of [20, 2 ** 31, 30 * DAY - 1]) await assert.rejects(flexible.consume('a'), { consumedPoints: 6 }, String(now));
  now = 30 * DAY + 1;
  assert.equal((await flexible.consume('a')).remainingPoints, 4);
});

test('10 a second are never 19 within 250 ms', () => {
  // The worst case of a window: as many as there are at its end, then as many as there are at the beginning of the next.
  for (const [algorithm, most] of [['gcra', 12], ['token-bucket', 12], ['sliding-log', 10], ['sliding-window', 12]]) {
    let now = 0;
    const limiter = new Limiter('10/s', { algorithm, clock: () => now });
    const passed = [];
    for (now = 0; now < 3000; now += 1) {
      // Idle until just before each window's end.
      if (now % 1000 > 125 && now % 1000 < 875) continue;
      if (limiter.tryAcquire()) passed.push(now);
    }
    const worst = Math.max(...passed.map((start) => passed.filter((at) => at >= start && at < start + 250).length));
    assert.ok(worst <= most, `${algorithm}: ${worst}`);
    assert.ok(passed.length >= 20, `${algorithm}: ${passed.length}`);
  }
});

test('a denial by one limit of several charges none', async () => {
  let now = 0;
  const group = new LimiterGroup({ second: '1/s', day: '10/day' }, { clock: () => now });
  assert.equal(group.take().allowed, true);
  for (let i = 0; i < 20; i++) assert.equal(group.take().binding, 'second');
  assert.equal(group.members().day.remaining, 9);
  now = 1000;
  assert.equal(group.take().allowed, true);

  // Beside it, so that the comparison stays true.
  const second = new peer.RateLimiterMemory({ keyPrefix: 's', points: 1, duration: 1000 });
  const day = new peer.RateLimiterMemory({ keyPrefix: 'd', points: 10, duration: 86_400 });
  const union = new peer.RateLimiterUnion(second, day);
  await union.consume('k');
  for (let i = 0; i < 20; i++) await assert.rejects(union.consume('k'));
  assert.equal((await day.get('k')).remainingPoints, 0);
});

test('denied is a value; the cost that can never fit is told', () => {
  const limiter = new Limiter('5/s');
  const never = limiter.take(6);
  assert.deepEqual([never.allowed, never.retryAfterMs, limiter.peek().remaining], [false, null, 5]);
});

test('other keys never set a limited key free', () => {
  const limiter = new KeyedLimiter('1/day', { maxKeys: 1000, whenFull: 'refuse', clock: () => 0 });
  limiter.take('limited');
  for (let other = 0; other < 5000; other++) limiter.tryAcquire(`other ${other}`);
  assert.equal(limiter.tryAcquire('limited'), false);
  assert.equal(limiter.evictions, 0);
});
