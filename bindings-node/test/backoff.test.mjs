// Schedules against the vectors that all languages read; retries with a sleep in the test's hand.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { Backoff, Limiter, RateLimitExceeded, retry } from 'tidegate';

const vectors = JSON.parse(readFileSync(new URL('../../conformance/backoff.json', import.meta.url), 'utf8'));
const big = (text) => (text === null ? undefined : BigInt(text));

function made(vector) {
  const common = {
    maxMs: big(vector.max_delay),
    jitter: vector.jitter === 'additive' ? big(vector.jitter_width) : vector.jitter,
    maxRetries: vector.max_retries === null ? undefined : Number(vector.max_retries),
    maxElapsedMs: big(vector.max_elapsed),
    seed: big(vector.seed),
  };
  const baseMs = big(vector.base);
  switch (vector.schedule) {
    case 'constant':
      return Backoff.constant({ ...common, delayMs: baseMs });
    case 'linear':
      return Backoff.linear({ ...common, baseMs, stepMs: big(vector.step) });
    case 'fibonacci':
      return Backoff.fibonacci({ ...common, baseMs });
    default:
      return Backoff.exponential({ ...common, baseMs, factor: vector.factor === null ? undefined : Number(vector.factor) });
  }
}

test('vectors', (t) => {
  // Sessions here know no time but the sum of their delays, and a factor is a number.
  const sayable = vectors.cases.filter(
    (vector) => vector.nows === null && vector.start === null && (vector.factor === null || String(Number(vector.factor)) === vector.factor.replace(/\.0+$/, '')),
  );
  assert.ok(sayable.length > 50);
  for (const vector of sayable) {
    const session = made(vector).start();
    vector.delays.forEach((expected, index) => {
      const delay = session.nextDelay(big(vector.hints[index]));
      assert.equal(delay, expected === null ? null : Number(expected) / 1e6, `${vector.name}, delay ${index}`);
    });
  }
  t.diagnostic(`${sayable.length} of ${vectors.cases.length} cases`);
});

test('iteration, seeds, hints', () => {
  const backoff = Backoff.exponential({ baseMs: 500, factor: 2, maxMs: 3000, maxRetries: 4 });
  assert.deepEqual([...backoff], [500, 1000, 2000, 3000]);
  assert.deepEqual([...backoff], [...backoff.start()]);
  assert.deepEqual([...Backoff.fibonacci({ baseMs: 1, maxRetries: 6 })], [1, 1, 2, 3, 5, 8]);
  assert.deepEqual([...Backoff.linear({ baseMs: 1, stepMs: 0.5, maxRetries: 3 })], [1, 1.5, 2]);
  const seeded = Backoff.exponential({ baseMs: 1000, jitter: 'full', maxRetries: 5, seed: 1 });
  assert.deepEqual([...seeded], [...seeded]);
  const session = Backoff.exponential({ baseMs: 1000, jitter: 'full', seed: 7n }).start();
  assert.ok(session.nextDelay(30_000) >= 30_000);
  assert.deepEqual([session.retries, session.seed], [1, 7n]);
});

test('what means nothing', () => {
  for (const factor of [0, 0.5, -2, NaN, Infinity]) assert.throws(() => Backoff.exponential({ baseMs: 1, factor }), { code: 'ERR_OUT_OF_RANGE' });
  for (const baseMs of [-1, NaN, Infinity, -1n]) assert.throws(() => Backoff.exponential({ baseMs }), { code: 'ERR_OUT_OF_RANGE' });
  for (const baseMs of ['1', null, {}]) assert.throws(() => Backoff.exponential({ baseMs }), { code: 'ERR_INVALID_ARG_TYPE' });
  assert.throws(() => Backoff.constant({ delayMs: 1, jitter: 'much' }), { code: 'ERR_INVALID_ARG_VALUE' });
  assert.throws(() => Backoff.constant({ delayMs: 1, maxRetries: -1 }), { code: 'ERR_OUT_OF_RANGE' });
  assert.throws(() => new Backoff(), TypeError);
});

test('retry', async () => {
  const slept = [];
  const sleep = async (ms) => void slept.push(ms);
  let calls = 0;
  const work = async ({ attempt }) => {
    calls += 1;
    assert.equal(attempt, calls);
    if (calls < 4) throw new Error('again');
    return 'done';
  };
  assert.equal(await retry(work, { backoff: Backoff.exponential({ baseMs: 500 }), sleep }), 'done');
  assert.deepEqual(slept, [500, 1000, 2000]);
});

test('retry gives up', async () => {
  const sleep = async () => {};
  const failure = new Error('always');
  const fail = () => {
    throw failure;
  };
  await assert.rejects(retry(fail, { backoff: Backoff.constant({ delayMs: 1, maxRetries: 2 }), sleep }), failure);
  await assert.rejects(retry(fail, { backoff: Backoff.constant({ delayMs: 1 }), shouldRetry: () => false, sleep }), failure);
  await assert.rejects(retry(fail, { backoff: Backoff.constant({ delayMs: 1 }), signal: AbortSignal.abort(new Error('gone')), sleep }), { message: 'gone' });
  for (const options of [undefined, {}, { backoff: 5 }, { backoff: Backoff.constant({ delayMs: 1 }), shouldRetry: 5 }]) {
    await assert.rejects(retry(fail, options), { code: 'ERR_INVALID_ARG_TYPE' });
  }
});

test('what a limiter says is a floor, and never is never', async () => {
  let now = 0;
  const limiter = new Limiter('1/s', { clock: () => now });
  const slept = [];
  const sleep = async (ms) => {
    slept.push(ms);
    now += ms;
  };
  const send = (n) => () => {
    const decision = limiter.take(n);
    if (!decision.allowed) throw new RateLimitExceeded(decision);
    return now;
  };
  const backoff = Backoff.constant({ delayMs: 100, maxRetries: 3 });
  assert.equal(await retry(send(1), { backoff, sleep }), 0);
  assert.equal(await retry(send(1), { backoff, sleep }), 1000);
  await assert.rejects(retry(send(2), { backoff, sleep }), RateLimitExceeded);
  assert.deepEqual(slept, [1000]);
});
