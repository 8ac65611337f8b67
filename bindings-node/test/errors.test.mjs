// Meaningless input: a RangeError or a TypeError with a code, and nothing spent. The process survives all of it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

import { Backoff, Concurrency, Decision, KeyedLimiter, KeyedLimiterGroup, Limiter, LimiterGroup, Policy, Quota, QuotaError, Tracker } from 'tidegate';
import { rateLimit } from 'tidegate/express';

const range = (code = 'ERR_OUT_OF_RANGE') => (error) => error instanceof RangeError && error.code === code;
const type = (error) => error instanceof TypeError && error.code === 'ERR_INVALID_ARG_TYPE';

const OUT_OF_RANGE = [NaN, -1, 1.9, -0.5, Infinity, -Infinity, 2 ** 53, 1e300, Number.MIN_VALUE, -1n, 2n ** 64n, -(2n ** 200n)];
const NO_NUMBERS = [null, '1', '', true, {}, [], [1], () => 1, Symbol('1'), new Date(0), Object(1), Object(1n)];

test('costs', () => {
  for (const options of [{}, { clock: () => 0n }]) {
    const limiter = new Limiter('5/w', options);
    for (const verb of ['tryAcquire', 'take', 'peek', 'charge', 'refund']) {
      for (const cost of OUT_OF_RANGE) assert.throws(() => limiter[verb](cost), range(), `${verb} ${String(cost)}`);
      for (const cost of NO_NUMBERS) assert.throws(() => limiter[verb](cost), type, `${verb} ${String(cost)}`);
    }
    assert.equal(limiter.peek().remaining, 5);
  }
});

test('what was received stands in the message', () => {
  const limiter = new Limiter('5/w');
  assert.throws(() => limiter.take(1.9), { message: /whole number from 0 .*; received 1\.9$/ });
  assert.throws(() => limiter.take(NaN), { message: /received NaN$/ });
  assert.throws(() => limiter.take(-Infinity), { message: /received -Infinity$/ });
  assert.throws(() => limiter.take('1'), { message: /received string$/ });
  assert.throws(() => limiter.take(null), { message: /received null$/ });
});

test('clocks', () => {
  for (const clock of [null, 5, 'now', {}]) assert.throws(() => new Limiter('1/s', { clock }), type);
  let now = 0;
  const limiter = new Limiter('5/s', { clock: () => now });
  for (now of [NaN, -1, -1e-9, Infinity, -Infinity, -1n]) {
    assert.throws(() => limiter.take(), range(), String(now));
    assert.throws(() => new Limiter('1/s', { clock: () => now }), range(), String(now));
  }
  for (now of [undefined, null, '0', {}, new Date(0)]) {
    assert.throws(() => limiter.take(), type, String(now));
    assert.throws(() => new Limiter('1/s', { clock: () => now }), type, String(now));
  }
  now = 0;
  assert.equal(limiter.peek().remaining, 5);
});

test('quotas of text', () => {
  for (const [text, kind, position] of [
    ['', 'expected-number', 0],
    ['300', 'expected-per', 3],
    ['300/fortnight', 'expected-unit', 4],
    ['-5/s', 'expected-number', 0],
    ['1/s; 2/s', 'trailing-text', 3],
    ['0/s', 'zero-limit', 0],
    ['1/s burst 0', 'zero-burst', 10],
    ['99999999999999999999/s', 'number-too-large', 0],
    ['\ud800/s', 'expected-number', 0],
    ['1/s\0', 'trailing-text', 3],
    // Two bytes, one UTF-16 unit.
    ['1/\u00b5s burst x', 'expected-number', 11],
  ]) {
    for (const make of [() => new Limiter(text), () => Quota.parse(text)]) {
      assert.throws(
        make,
        (error) => {
          assert.ok(error instanceof QuotaError && error instanceof RangeError, String(error));
          assert.deepEqual([error.name, error.code, error.kind, error.position], ['QuotaError', 'ERR_QUOTA', kind, position]);
          assert.ok(error.message.startsWith(`at position ${position}: `), error.message);
          return true;
        },
        text,
      );
    }
  }
  for (const quota of [undefined, null, 5, {}, ['1/s'], Symbol('1/s')]) {
    assert.throws(() => new Limiter(quota), type);
    assert.throws(() => Quota.parse(quota), type);
  }
});

test('quotas of numbers', () => {
  for (const wrong of OUT_OF_RANGE) {
    assert.throws(() => Quota.make(wrong, 1), range(), String(wrong));
    assert.throws(() => Quota.make(1, wrong), range(), String(wrong));
    assert.throws(() => Quota.make(1, 1, wrong), range(), String(wrong));
  }
  for (const wrong of NO_NUMBERS) {
    assert.throws(() => Quota.make(wrong, 1), type, String(wrong));
    assert.throws(() => Quota.make(1, wrong), type, String(wrong));
    // No burst of one's own, as when it is left out.
    if (wrong !== null) assert.throws(() => Quota.make(1, 1, wrong), type, String(wrong));
  }
  assert.throws(() => Quota.make(1), type);
  const kind = (kind) => (error) => error instanceof QuotaError && error.kind === kind && !('position' in error);
  assert.throws(() => Quota.make(0, 1), kind('zero-limit'));
  assert.throws(() => Quota.make(1, 0), kind('zero-period'));
  assert.throws(() => Quota.make(1, 2n ** 62n + 1n), kind('period-too-long'));
  assert.throws(() => Quota.make(1, 1, 0), kind('zero-burst'));
  assert.throws(() => new Quota('1/s'), type);
});

test('options', () => {
  for (const options of [null, 5, 'gcra', () => {}]) assert.throws(() => new Limiter('1/s', options), type);
  for (const name of ['algorithm', 'refill', 'anchor']) {
    assert.throws(() => new Limiter('1/s', { [name]: 'leaky' }), range('ERR_INVALID_ARG_VALUE'), name);
    assert.throws(() => new Limiter('1/s', { [name]: 5 }), type, name);
    assert.throws(() => new Limiter('1/s', { [name]: null }), type, name);
  }
  for (const offset of [undefined, null, '5', {}]) assert.throws(() => new Limiter('1/s', { anchor: { offset } }), type);
  for (const offset of [NaN, -1, Infinity, -1n]) {
    assert.throws(() => new Limiter('1/s', { algorithm: 'fixed-window', anchor: { offset } }), range());
  }
  for (const initial of OUT_OF_RANGE) assert.throws(() => new Limiter('1/s', { algorithm: 'token-bucket', initial }), range());
  const refused = (kind) => (error) => error instanceof QuotaError && error.kind === kind;
  assert.throws(() => new Limiter('1/s', { algorithm: 'token-bucket', initial: 2 }), refused('initial-unsupported'));
  assert.throws(() => new Limiter('1/s', { refill: 'interval' }), refused('refill-unsupported'));
  assert.throws(() => new Limiter('1/s burst 2', { algorithm: 'fixed-window' }), refused('burst-unsupported'));
  assert.throws(() => new Limiter('1/s', { anchor: 'first-use' }), refused('anchor-unsupported'));
});

test('what an option throws when it is read reaches the caller', () => {
  const own = new Error('own');
  const trap = new Proxy({}, {
    get() {
      throw own;
    },
  });
  assert.throws(() => new Limiter('1/s', trap), (error) => error === own);
});

test('classes are called with new, and verbs on limiters', () => {
  assert.throws(() => Limiter('1/s'), TypeError);
  assert.throws(() => Limiter.prototype.take.call({}), TypeError);
  assert.throws(() => Object.getOwnPropertyDescriptor(Decision.prototype, 'retryAfterNs').get.call({}), TypeError);
});

test('a panic is an Error, and the process goes on', () => {
  // In a process of its own: an abort must fail this test, and the report of the panic is kept out of its output.
  const code = `
    const { addon } = require('./lib/native.js');
    const { Limiter } = require('tidegate');
    const panicking = addon.panickingVerb();
    // As verbs are made, and as the addon's other functions are.
    for (const panics of [panicking, panicking, addon.panickingFunction]) {
      try { panics(); } catch (error) { console.log(error instanceof Error, error.message); }
    }
    console.log(new Limiter('1/s').tryAcquire());`;
  const here = fileURLToPath(new URL('..', import.meta.url));
  const { status, stdout } = spawnSync(process.execPath, ['-e', code], { cwd: here, encoding: 'utf8' });
  assert.equal(status, 0);
  const lines = stdout.trimEnd().split('\n');
  assert.equal(lines.length, 4);
  for (const line of lines.slice(0, 3)) assert.match(line, /^true .*on purpose/);
  assert.equal(lines[3], 'true');
});

test('buffers, detached or not, are nothing that is taken', () => {
  const detached = () => {
    const bytes = new Uint8Array(8);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    assert.equal(bytes.byteLength, 0);
    return bytes;
  };
  const limiter = new Limiter('5/w');
  const keyed = new KeyedLimiter('5/w', { maxKeys: 10 });
  const group = new KeyedLimiterGroup({ a: '5/w' }, { maxKeys: 10 });
  for (const buffer of [detached(), detached().buffer, new DataView(new ArrayBuffer(8)), new Uint8Array(8), Buffer.from('a'), new SharedArrayBuffer(8)]) {
    for (const call of [
      () => limiter.take(buffer), () => keyed.take(buffer), () => keyed.take('a', buffer), () => keyed.key(buffer), () => keyed.takeMany([buffer]),
      () => group.take(buffer), () => group.take('a', buffer), () => limiter.restore(buffer), () => limiter.reconfigure(buffer), () => new Limiter(buffer),
      () => new Limiter('1/s', { clock: () => buffer }), () => new Limiter('1/s', { clock: buffer }), () => new Limiter('1/s', { algorithm: buffer }),
      () => new KeyedLimiter('1/s', { maxKeys: buffer }), () => KeyedLimiter.from(buffer), () => new LimiterGroup({ a: buffer }), () => new Concurrency(buffer),
      () => Quota.parse(buffer), () => Quota.make(buffer, 1), () => Backoff.constant({ delayMs: buffer }), () => Policy.fromToml(buffer),
      () => new Tracker({ maxLimits: buffer }), () => new Tracker().observe({ status: 200, headers: 5 }),
    ]) assert.throws(call, type, String(call));
  }
  assert.deepEqual([limiter.peek().remaining, keyed.size], [5, 0]);
});

test('a number in a thousand shapes: thrown with a code, or spent; never anything else', () => {
  // Seeded, log-uniform, over and beyond what a number of permits may be.
  let state = 1n;
  const random = () => Number((state = (state * 6364136223846793005n + 1442695040888963407n) & (2n ** 64n - 1n)) >> 11n) / 2 ** 53;
  const limiter = new Limiter(Quota.make(1000, 1_000_000_000n), { clock: () => 0n });
  let spent = 0;
  let refused = 0;
  for (let i = 0; i < 20_000; i++) {
    const size = 2 ** (random() * 1100 - 30);
    const n = [size, -size, Math.trunc(size), BigInt(Math.trunc(Math.min(size, 1e300))), -BigInt(Math.trunc(Math.min(size, 1e300)))][Math.floor(random() * 5)];
    const legal = typeof n === 'bigint' ? n >= 0n && n < 2n ** 64n : Number.isSafeInteger(n) && n >= 0;
    const before = limiter.peek(0).remaining;
    if (legal) {
      const fits = n <= before;
      assert.equal(limiter.tryAcquire(n), fits);
      if (fits) spent += 1;
      assert.equal(limiter.peek(0).remaining, before - (fits ? Number(n) : 0));
    } else {
      refused += 1;
      assert.throws(() => limiter.tryAcquire(n), range(), String(n));
      assert.equal(limiter.peek(0).remaining, before);
    }
    if (i % 100 === 0) limiter.reset();
  }
  assert.ok(spent > 100 && refused > 1000, `${spent} spent, ${refused} refused`);
});

test('an option that there is not is told, not passed over', () => {
  const unknown = range('ERR_INVALID_ARG_VALUE');
  for (const make of [
    () => new Limiter('1/s', { algoritm: 'gcra' }), () => new Limiter('1/s', { maxKeys: 5 }), () => new KeyedLimiter('1/s', { maxkeys: 5 }),
    () => new LimiterGroup({ a: '1/s' }, { maxKeys: 5 }), () => new KeyedLimiterGroup({ a: '1/s' }, { max: 5 }),
    () => rateLimit({ limiter: new KeyedLimiter('1/s'), keyGenerator: () => 'a' }),
  ]) assert.throws(make, unknown, String(make));
  assert.throws(() => new Limiter('1/s', { algoritm: 'gcra' }), { message: "there is no option 'algoritm', only algorithm, anchor, refill, initial, clock" });
});
