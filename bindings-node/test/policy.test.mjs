// A provider's published limits, their headers both ways, and quotas of the calendar.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'node:test';

import { Limiter, LimitDecision, Policy, PolicyError, PolicyHandle, Quota, Verdict, headers } from 'tidegate';

const file = (name) => fileURLToPath(new URL(`../../policies/${name}`, import.meta.url));
const noon = 1_705_320_000_000; // 2024-01-15T12:00:00Z
const request = { plan: 'free', endpoint: 'POST /v1/example.com/send', scopes: { 'api-key': 'k', ip: '192.0.2.1', account: 'a' } };

const small = (lines) => `format = 1\n[provider]\nname = "A"\n[[limit]]\nid = "l"\nscope = "ip"\nendpoints = ["all"]\n${lines}\n`;
const windowed = small('quota = "2/min"\nwindow = "w"').replace('[[limit]]', '[window.w]\nalgorithm = "fixed-window"\nanchor = "clock"\nreading = "A count for each minute."\n[[limit]]');

test('every published policy loads', () => {
  for (const name of ['mailiam', 'mailpipe', 'mailtrap', 'migosmtp', 'telnxo', 'unosend']) {
    const policy = Policy.fromFile(file(`${name}.toml`));
    assert.ok(policy.limits.length > 0, name);
    assert.equal(policy.provider.toLowerCase(), name);
  }
});

test('a request is counted by every limit that it meets, or by none', () => {
  const policy = Policy.fromFile(file('mailiam.toml'), { clock: () => noon });
  const first = policy.take(request);
  assert.ok(first instanceof Verdict);
  assert.deepEqual([first.allowed, first.status, first.code, first.never, first.retryAfterMs], [true, 200, null, false, 0]);
  assert.ok(first.limits.length > 1);
  assert.ok(first.decision instanceof LimitDecision);
  assert.equal(first.decision.id, first.binding);
  const before = policy.peek(request).limits.map(({ remaining }) => remaining);
  let denied;
  let granted = 1;
  for (; granted < 1000; granted += 1) {
    denied = policy.take(request);
    if (!denied.allowed) break;
  }
  assert.deepEqual([denied.allowed, denied.status], [false, 429]);
  assert.ok(denied.retryAfterMs > 0);
  assert.equal(denied.retryAfterMs, Number(denied.retryAfterNs) / 1e6);
  assert.equal(typeof denied.code, 'string');
  assert.deepEqual(denied.quota(), {
    used: denied.decision.used, remaining: denied.decision.remaining, limit: denied.decision.limit, resetsAt: denied.decision.resetsAt,
  });
  // What was granted is what each counted; the refusals cost nothing.
  policy.take(request);
  assert.deepEqual(policy.peek(request).limits.map(({ unit, remaining }, at) => unit && before[at] - remaining), before.map(() => granted - 1));
  assert.equal(policy.anew().take(request).allowed, true);
});

test('the headers of a verdict, in any dialect', () => {
  const policy = Policy.fromToml(windowed, { clock: () => noon });
  const ask = { scopes: { ip: '192.0.2.1' } };
  policy.take(ask);
  policy.take(ask);
  const denied = policy.take(ask);
  assert.deepEqual(denied.headers('x-ratelimit'), {
    'X-RateLimit-Limit': '2', 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': String(noon / 1000 + 60), 'Retry-After': '60',
  });
  assert.deepEqual(denied.headers('draft-08'), { RateLimit: '"l";r=0;t=60', 'RateLimit-Policy': '"l";q=2;w=60', 'Retry-After': '60' });
  assert.deepEqual(denied.headers('retry-after'), { 'Retry-After': '60' });
  assert.deepEqual(denied.headers(), {});
  assert.throws(() => denied.headers('draft-12'), { code: 'ERR_INVALID_ARG_VALUE' });
  assert.equal(Policy.fromFile(file('mailiam.toml')).dialect, 'mailiam');
});

test('places of requests at the same time are held until they are released', () => {
  const policy = Policy.fromToml(small('concurrency = 1').replace('id = "l"', 'id = "c"'));
  const ask = { scopes: { ip: '192.0.2.1' } };
  const first = policy.take(ask);
  assert.equal(first.allowed, true);
  const second = policy.take(ask);
  assert.deepEqual([second.allowed, second.retryAfterMs, second.never], [false, null, false]);
  assert.deepEqual([first.release(), first.release()], [true, false]);
  assert.equal(policy.take(ask).allowed, true);
});

test('files and requests that mean nothing', () => {
  assert.throws(() => Policy.fromFile('/nowhere.toml'), PolicyError);
  assert.throws(() => Policy.fromToml(small('quota = "2/moon"'), { file: 'a.toml' }), (error) => {
    assert.ok(error instanceof PolicyError && error instanceof RangeError);
    assert.deepEqual([error.code, error.file, error.line, error.name], ['ERR_POLICY', 'a.toml', 8, 'PolicyError']);
    return true;
  });
  assert.throws(() => Policy.fromJson('{'), PolicyError);
  for (const wrong of [undefined, 5, null]) assert.throws(() => Policy.fromToml(wrong), TypeError);
  const policy = Policy.fromToml(small('quota = "2/min"'));
  for (const wrong of [{}, { scopes: { moon: 'm' } }, { scopes: { ip: 'i' }, units: { moons: 1 } }]) {
    assert.throws(() => policy.take(wrong), { code: 'ERR_REQUEST' });
  }
  for (const wrong of [{ scopes: 5 }, { scopes: { ip: 5 } }, { plan: 5 }, null]) assert.throws(() => policy.take(wrong), TypeError);
  assert.throws(() => policy.take({ scopes: { ip: 'i' }, cost: -1 }), RangeError);
  assert.equal(policy.take({ scopes: new Map([['ip', 'i']]), cost: 2n }).decision.remaining, 0);
  assert.throws(() => new Policy(), TypeError);
  assert.throws(() => new Verdict(), TypeError);
});

test('the headers of decisions', () => {
  const clock = () => 0n;
  const minute = new Limiter('2/min', { algorithm: 'fixed-window', clock });
  const decision = minute.take(2);
  assert.deepEqual(headers(decision, 'draft-08', { name: 'minute', quota: Quota.parse('2/min') }), { RateLimit: '"minute";r=0;t=60', 'RateLimit-Policy': '"minute";q=2;w=60' });
  assert.deepEqual(headers(minute.take(), 'draft-07'), { RateLimit: 'limit=2, remaining=0, reset=60', 'Retry-After': '60' });
  assert.deepEqual(headers(minute.take(), 'retry-after', { retryAfter: 'http-date', now: 0 }), { 'Retry-After': 'Thu, 01 Jan 1970 00:01:00 GMT' });
  const day = new Limiter('5/d', { clock });
  assert.deepEqual(headers({ minute: decision, day: day.take() }, 'x-ratelimit', { now: 0 }), { 'X-RateLimit-Limit': '2', 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': '60' });
  assert.throws(() => headers(decision, 'moon'), RangeError);
  assert.throws(() => headers(decision, 'draft-08', { name: 'é\n' }), RangeError);
  assert.throws(() => headers(5), TypeError);
  assert.throws(() => headers({ a: 5 }), TypeError);
  assert.throws(() => headers(decision, 'draft-08', { retryAfter: 'moon' }), RangeError);
});

test('quotas of the calendar, in a time zone', () => {
  const spring = Date.UTC(2024, 2, 31, 0, 30); // 01:30 in Paris, half an hour before the clocks go forward
  let now = spring;
  const limiter = new Limiter('10 per calendar day in Europe/Paris', { algorithm: 'fixed-window', clock: () => now });
  assert.match(String(limiter.quota), /Europe\/Paris/);
  assert.equal(limiter.take(10).allowed, true);
  // The day of 23 hours ends at 22:00 UTC.
  const denied = limiter.take();
  assert.equal(denied.retryAfterMs, Date.UTC(2024, 2, 31, 22) - spring);
  now = Date.UTC(2024, 2, 31, 22);
  assert.equal(limiter.tryAcquire(10), true);
  assert.throws(() => new Limiter('10 per calendar day in Europe/Pariss'), { code: 'ERR_QUOTA' });
});

test('a policy is exchanged while it is asked, and its use carried over', () => {
  let now = noon;
  const clock = () => now;
  const ask = (cost) => ({ scopes: { ip: '192.0.2.1' }, cost });
  const handle = PolicyHandle.fromToml(small('quota = "10/day"'), { clock, maxKeys: 100 });
  assert.ok(handle instanceof Policy && handle instanceof PolicyHandle);
  assert.equal(handle.take(ask(10)).allowed, true);
  const held = handle.peek(ask(1));

  // What is refused changes nothing.
  assert.throws(() => handle.reloadToml(small('quota = "10/moon"'), { file: 'b.toml' }), (error) => {
    assert.ok(error instanceof PolicyError);
    assert.deepEqual([error.code, error.file, error.line], ['ERR_POLICY', 'b.toml', 8]);
    return true;
  });
  assert.throws(() => handle.reload('/nowhere.toml'), PolicyError);
  for (const wrong of [undefined, 5, null]) assert.throws(() => handle.reload(wrong), TypeError);
  assert.equal(handle.take(ask(1)).allowed, false);

  // What was used before the change is used after it, at this clock's time.
  handle.reloadToml(small('quota = "30/day"'));
  assert.equal(handle.take(ask(30)).allowed, false);
  now += 86_400_000;
  assert.equal(handle.take(ask(30)).allowed, true);
  assert.equal(held.allowed, false);

  handle.reloadJson(JSON.stringify({ format: 1, provider: { name: 'B' }, limit: [{ id: 'other', scope: 'ip', endpoints: ['all'], quota: '5/s' }] }));
  assert.deepEqual([handle.provider, handle.limits], ['B', ['other']]);
  assert.equal(handle.take(ask(5)).allowed, true);
  assert.equal(handle.anew().take(ask(5)).allowed, true);
});

test('how use goes over to another quota is chosen', () => {
  const ask = (cost) => ({ scopes: { ip: 'i' }, cost });
  const left = (carry) => {
    const handle = PolicyHandle.fromToml(small('quota = "10/day"'), { clock: () => noon, carry });
    handle.take(ask(5));
    handle.reloadToml(small('quota = "100/day"'));
    return handle.peek(ask(1)).decision.remaining;
  };
  // Half a day of the day's permits, five permits, half, none.
  assert.deepEqual(['keep', 'permits', 'proportional', 'reset'].map(left), [50, 95, 50, 100]);
  assert.throws(() => left('moon'), { code: 'ERR_INVALID_ARG_VALUE' });
  assert.throws(() => left(5), { code: 'ERR_INVALID_ARG_TYPE' });
});

test('a file is read again', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-policy-'));
  try {
    const path = join(folder, 'a.toml');
    writeFileSync(path, small('quota = "1/day"'));
    const handle = PolicyHandle.fromFile(path);
    const ask = { scopes: { ip: 'i' } };
    assert.deepEqual([handle.take(ask).allowed, handle.take(ask).allowed], [true, false]);
    handle.reload(path);
    assert.equal(handle.take(ask).allowed, false);
    writeFileSync(path, small('quota = "1/day"').replace('"l"', '"m"'));
    handle.reload(path);
    assert.equal(handle.take(ask).allowed, true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
