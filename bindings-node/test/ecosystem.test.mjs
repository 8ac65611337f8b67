// Middleware, stores and wrappers, with the packages themselves.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import test from 'node:test';

import express from 'express';
import expressRateLimit from 'express-rate-limit';
import peer from 'rate-limiter-flexible';
import { KeyedLimiter, Limiter, Policy, Tracker } from 'tidegate';
import { rateLimit } from 'tidegate/express';
import { TidegateStore } from 'tidegate/express-rate-limit';
import { limitedFetch } from 'tidegate/fetch';
import { RateLimiterMemory, RateLimiterRes } from 'tidegate/rate-limiter-flexible';

/** Calls `use` with the address of a server that answers as `handler` says. */
async function serving(handler, use) {
  const server = createServer(handler);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await use(`http://127.0.0.1:${server.address().port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const stopped = { algorithm: 'fixed-window', clock: () => 0 };

test('Express: headers on every answer, 429 beyond the limit', async () => {
  const app = express();
  const limiter = new KeyedLimiter('2/min', stopped);
  app.use(rateLimit({ limiter, key: (request) => request.get('x-key') ?? 'none', skip: (request) => request.path === '/free', name: 'minute' }));
  app.get(/.*/, (request, response) => response.send('hello'));
  await serving(app, async (url) => {
    const ask = (key, path = '/') => fetch(url + path, { headers: { 'x-key': key } });
    const first = await ask('a');
    assert.deepEqual([first.status, first.headers.get('ratelimit'), first.headers.get('ratelimit-policy')], [200, '"minute";r=1;t=60', '"minute";q=2;w=60']);
    assert.equal((await ask('a')).status, 200);
    const denied = await ask('a');
    assert.deepEqual([denied.status, denied.headers.get('retry-after'), await denied.text()], [429, '60', 'Too Many Requests\n']);
    assert.equal((await ask('b')).status, 200);
    const free = await ask('a', '/free');
    assert.deepEqual([free.status, free.headers.get('ratelimit')], [200, null]);
  });
});

test('node:http: a dialect, a cost, an answer of its own, errors for next', async () => {
  const limiter = new KeyedLimiter('5/min', stopped);
  const limit = rateLimit({
    limiter, dialect: 'x-ratelimit-delta', cost: (request) => Number(request.url.slice(1)),
    denied: (request, response, decision) => response.end(JSON.stringify(decision)),
  });
  const errors = [];
  await serving((request, response) => limit(request, response, (error) => (errors.push(error), response.end('hello'))), async (url) => {
    const first = await fetch(`${url}/3`);
    assert.deepEqual(['limit', 'remaining', 'reset'].map((name) => first.headers.get(`x-ratelimit-${name}`)), ['5', '2', '60']);
    const denied = await fetch(`${url}/3`);
    assert.deepEqual([denied.status, (await denied.json()).remaining], [429, 2]);
    await fetch(`${url}/-1`);
  });
  assert.deepEqual(errors.map((error) => error?.code), [undefined, 'ERR_OUT_OF_RANGE']);
  assert.equal(limiter.peek('127.0.0.1').remaining, 2);
});

test('a policy: all of its limits, its places given back when the response is over', async () => {
  const policy = Policy.fromToml(`
    format = 1
    [provider]
    name = "A"
    [[limit]]
    id = "slots"
    scope = "ip"
    endpoints = ["all"]
    concurrency = 1
    [[limit]]
    id = "send"
    scope = "ip"
    endpoints = ["POST /send"]
    quota = "1/day"
  `);
  let finish;
  const limit = rateLimit({ policy, dialect: 'x-ratelimit', request: () => ({ scopes: { ip: 'i' } }) });
  const handler = (request, response) => limit(request, response, (error) => {
    if (error) throw error;
    if (request.url === '/slow') finish = () => response.end('slow');
    else response.end('hello');
  });
  await serving(handler, async (url) => {
    const slow = fetch(`${url}/slow`);
    while (finish === undefined) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.equal((await fetch(`${url}/other`)).status, 429);
    finish();
    assert.equal((await slow).status, 200);
    // The server hears of its own close a moment later.
    let other;
    do other = (await fetch(`${url}/other`)).status; while (other === 429);
    const send = () => fetch(`${url}/send`, { method: 'POST' });
    let sent;
    do sent = await send(); while (sent.headers.get('x-ratelimit-limit') === '1' && sent.status === 429 && sent.headers.get('retry-after') === null);
    assert.equal(sent.status, 200);
    assert.equal((await send()).status, 429);
  });
});

test('the middleware finds what is wrong when it is made', () => {
  const limiter = new KeyedLimiter('5/min');
  for (const wrong of [undefined, {}, { limiter: 5 }, { limiter, key: 5 }, { limiter, skip: 5 }, { limiter, denied: 5 }, { policy: 5 }]) {
    assert.throws(() => rateLimit(wrong), { code: 'ERR_INVALID_ARG_TYPE' });
  }
  assert.throws(() => rateLimit({ limiter, dialect: 'moon' }), { code: 'ERR_INVALID_ARG_VALUE' });
});

test('express-rate-limit counts in the store', async () => {
  let now = 0;
  const store = new TidegateStore({ clock: () => now, maxKeys: 1000 });
  assert.throws(() => store.increment('a'), { code: 'ERR_NOT_INITIALIZED' });
  const app = express();
  app.use(expressRateLimit({ windowMs: 60_000, limit: 2, store, standardHeaders: 'draft-8', legacyHeaders: false, keyGenerator: (request) => request.get('x-key') }));
  app.get('/', (request, response) => response.send('hello'));
  await serving(app, async (url) => {
    const ask = async (key) => (await fetch(url, { headers: { 'x-key': key } })).status;
    assert.deepEqual([await ask('a'), await ask('a'), await ask('a'), await ask('b')], [200, 200, 429, 200]);
    assert.equal(store.get('a').totalHits, 3);
    assert.ok(Math.abs(store.get('a').resetTime - Date.now() - 60_000) < 10_000);
    store.decrement('a');
    assert.equal(store.get('a').totalHits, 2);
    store.resetKey('a');
    assert.equal(store.get('a'), undefined);
    assert.equal(await ask('a'), 200);
    now = 60_001;
    assert.equal(store.get('b'), undefined);
    assert.deepEqual([await ask('a'), await ask('a'), await ask('a')], [200, 200, 429]);
    store.resetAll();
    assert.equal(await ask('a'), 200);
  });
  for (const windowMs of [1000, 60_000, 30 * 86_400_000]) {
    const other = new TidegateStore({ clock: () => 0 });
    other.init({ windowMs });
    for (let hit = 1; hit <= 300; hit++) assert.equal(other.increment('k').totalHits, hit);
  }
  assert.throws(() => new TidegateStore().init({ windowMs: NaN }), RangeError);
});

test('RateLimiterMemory answers as its namesake does', async () => {
  const settings = { points: 3, duration: 3600 };
  const [ours, theirs] = [new RateLimiterMemory(settings), new peer.RateLimiterMemory(settings)];
  const settled = (promise) => promise.then((value) => ['resolved', value], (value) => ['rejected', value]);
  const shown = ([how, res]) => [how, res && { ...(res.toJSON?.() ?? res), msBeforeNext: Math.ceil(res.msBeforeNext / 60_000) }];
  const both = async (verb, ...given) => {
    const [one, two] = [shown(await settled(ours[verb](...given))), shown(await settled(theirs[verb](...given)))];
    assert.deepEqual(one, two, `${verb} ${given}`);
  };
  await both('consume', 'a');
  await both('consume', 'a', 2);
  await both('get', 'a');
  await both('consume', 'a');
  await both('get', 'nobody');
  await both('consume', 'b', 2);
  await both('reward', 'b', 1);
  await both('penalty', 'b', 1);
  await both('consume', 'b');
  await both('consume', 5);
  assert.equal(await ours.delete('b'), true);
  assert.equal(await ours.delete('b'), false);
  await theirs.delete('b');
  await both('get', 'b');
  await both('consume', 'b');
  assert.deepEqual([ours.points, ours.duration, ours.getKey('a')], [theirs.points, theirs.duration, theirs.getKey('a')]);
  const denied = await settled(ours.consume('b', 3));
  assert.ok(denied[0] === 'rejected' && denied[1] instanceof RateLimiterRes);
  assert.deepEqual(Object.keys(JSON.parse(String(denied[1]))).sort(), Object.keys(theirs.toJSON?.() ?? denied[1].toJSON()).sort());
});

test('RateLimiterMemory: blocks, sets, penalties', async () => {
  let now = 0;
  const limiter = new RateLimiterMemory({ points: 2, duration: 10, blockDuration: 60, clock: () => now });
  await limiter.consume('a', 2);
  await assert.rejects(limiter.consume('a'), { remainingPoints: 0, msBeforeNext: 60_000, consumedPoints: 3 });
  now = 59_999;
  await assert.rejects(limiter.consume('a'), { msBeforeNext: 1 });
  assert.equal((await limiter.get('a')).msBeforeNext, 1);
  now = 60_000;
  assert.equal((await limiter.consume('a')).remainingPoints, 1);
  await limiter.block('b', 5);
  await assert.rejects(limiter.consume('b'), { msBeforeNext: 5000 });
  await limiter.block('c', 0);
  now = 10 ** 12;
  await assert.rejects(limiter.consume('c'), { msBeforeNext: -1 });
  await limiter.delete('c');
  assert.equal((await limiter.set('c', 2)).remainingPoints, 0);
  await assert.rejects(limiter.consume('c', 1));
  await limiter.delete('c');
  // A penalty above all bounds is the most that can be: two windows from now.
  await limiter.penalty('c', 1000);
  now += 10_000;
  await assert.rejects(limiter.consume('c'));
  await limiter.delete('c');
  now += 10_000;
  assert.equal((await limiter.consume('c', 2)).remainingPoints, 0);
  const nothing = new RateLimiterMemory({ points: 0 });
  await assert.rejects(nothing.consume('a'), { remainingPoints: 0 });
  const endless = new RateLimiterMemory({ points: 1, duration: 0 });
  assert.equal((await endless.consume('a')).msBeforeNext, -1);
  await assert.rejects(endless.consume('a'));
  for (const wrong of [{ points: -1 }, { duration: NaN }, { points: 1.5 }]) assert.throws(() => new RateLimiterMemory(wrong), RangeError);
  await assert.rejects(limiter.consume('a', -5), RangeError);
});

test('fetch waits as the server says', async () => {
  const waits = [];
  let now = 0;
  const answers = [
    new Response('', { status: 429, headers: { 'retry-after': '23' } }),
    new Response('one', { headers: { 'x-ratelimit-limit': '5', 'x-ratelimit-remaining': '1', 'x-ratelimit-reset': '10' } }),
    new Response('two'),
    new Response('three'),
    new Response('other'),
  ];
  const sent = [];
  const polite = limitedFetch({
    fetch: async (url) => (sent.push([String(url), now]), answers.shift()),
    sleep: async (ms) => {
      waits.push(ms);
      now += ms;
    },
    tracker: { clock: () => now, unixClock: () => 0 },
  });
  assert.equal(await (await polite('http://a.test/1')).text(), 'one');
  assert.equal(await (await polite(new URL('http://a.test/2'))).text(), 'two');
  assert.equal(await (await polite('http://a.test/3')).text(), 'three');
  assert.equal(await (await polite('http://b.test/')).text(), 'other');
  assert.deepEqual(waits, [23_000, 10_000]);
  assert.deepEqual(sent.map(([, at]) => at), [0, 23_000, 23_000, 33_000, 33_000]);
});

test('fetch gives up, aborts, and sends no stream twice', async () => {
  let calls = 0;
  const refused = async () => ((calls += 1), new Response('', { status: 503, headers: { 'retry-after': '5' } }));
  let now = 0;
  const quick = { fetch: refused, sleep: async (ms) => void (now += ms), tracker: { clock: () => now } };
  assert.equal((await limitedFetch({ ...quick, maxRetries: 3 })('http://a.test')).status, 503);
  assert.equal(calls, 4);
  calls = 0;
  await limitedFetch(quick)('http://a.test', { method: 'POST', body: new Blob(['x']) });
  assert.equal(calls, 1);
  // On the real timers.
  const patient = limitedFetch({ fetch: refused, maxRetries: 0 });
  await patient('http://a.test');
  const reason = new Error('enough');
  await assert.rejects(patient('http://a.test', { signal: AbortSignal.abort(reason) }), (error) => error === reason);
  const controller = new AbortController();
  const waiting = patient('http://a.test', { signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(waiting, (error) => error === reason);
  assert.equal(calls, 2);
  const limiter = new Limiter('1/d');
  limiter.take();
  const limited = limitedFetch({ fetch: refused, limiter });
  await assert.rejects(limited('http://a.test', { signal: AbortSignal.abort(reason) }), (error) => error === reason);
  for (const wrong of [{ fetch: 5 }, { route: 5 }, { limiter: 5 }, { tracker: 5 }]) assert.throws(() => limitedFetch(wrong), TypeError);
  assert.throws(() => limitedFetch({ maxRetries: -1 }), RangeError);
});

test('a script that waits for its fetch is not ended by it', async () => {
  const { spawnSync } = await import('node:child_process');
  const program = `
    const { Limiter } = require('tidegate');
    const { limitedFetch } = require('tidegate/fetch');
    const polite = limitedFetch({ fetch: async () => new Response('x'), limiter: new Limiter('50/s burst 1') });
    polite('http://a.test').then(() => polite('http://a.test')).then(() => console.log('both'));`;
  const child = spawnSync(process.execPath, ['-e', program], { cwd: new URL('..', import.meta.url), encoding: 'utf8', timeout: 60_000 });
  assert.deepEqual([child.status, child.stdout], [0, 'both\n']);
});

test('a tracker waits as the responses say', () => {
  let now = 0;
  const tracker = new Tracker({ clock: () => now, unixClock: () => 0 });
  assert.equal(tracker.nextDelay('send'), 0);
  tracker.observe({ status: 429, headers: new Headers({ 'Retry-After': '23' }) }, 'send');
  assert.deepEqual([tracker.nextDelay('send'), tracker.nextDelay('other')], [23_000, 0]);
  now = 24_000;
  assert.equal(tracker.nextDelay('send'), 0);
  tracker.observe({ status: 200, headers: { 'x-ratelimit-limit': '5', 'x-ratelimit-remaining': ['2'], 'x-ratelimit-reset': '10' } });
  assert.deepEqual(tracker.limits().map(({ limit, remaining }) => [limit, remaining]), [[5, 2]]);
  tracker.sent();
  assert.equal(tracker.nextDelay(), 0);
  tracker.sent();
  assert.equal(tracker.nextDelay(), 10_000);
  assert.throws(() => tracker.observe({ status: NaN, headers: {} }), RangeError);
  assert.throws(() => tracker.observe({ status: 200 }), TypeError);
  assert.throws(() => new Tracker({ clock: 5 }), TypeError);
  assert.throws(() => new Tracker({ maxWaitMs: -1 }), RangeError);
});
