// The middleware in the frameworks themselves.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import test from 'node:test';

import connect from 'connect';
import Fastify from 'fastify';
import { KeyedLimiter, Policy, PolicyHandle } from 'tidegate';
import { rateLimit as forConnect } from 'tidegate/express';
import plugin, { rateLimit } from 'tidegate/fastify';

const stopped = { algorithm: 'fixed-window', clock: () => 0 };
const slots = `
  format = 1
  [provider]
  name = "A"
  [[limit]]
  id = "slots"
  scope = "ip"
  endpoints = ["all"]
  concurrency = 1
`;

test('Connect: headers on every answer, 429 beyond the limit', async () => {
  const app = connect();
  app.use(forConnect({ limiter: new KeyedLimiter('2/min', stopped), name: 'minute' }));
  app.use((request, response) => response.end('hello'));
  const server = createServer(app);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const ask = () => fetch(`http://127.0.0.1:${server.address().port}`);
    const first = await ask();
    assert.deepEqual([first.status, first.headers.get('ratelimit')], [200, '"minute";r=1;t=60']);
    assert.equal((await ask()).status, 200);
    const denied = await ask();
    assert.deepEqual([denied.status, denied.headers.get('retry-after'), await denied.text()], [429, '60', 'Too Many Requests\n']);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

test('Fastify: a plugin for all routes', async () => {
  const app = Fastify();
  let reached = 0;
  await app.register(plugin, {
    limiter: new KeyedLimiter('2/min', stopped), key: (request) => request.headers['x-key'] ?? 'none', skip: (request) => request.url === '/free', name: 'minute',
  });
  app.get('/', async () => ((reached += 1), 'hello'));
  app.get('/free', async () => 'free');
  const ask = (key, url = '/') => app.inject({ url, headers: { 'x-key': key } });
  const first = await ask('a');
  assert.deepEqual([first.statusCode, first.body, first.headers.ratelimit, first.headers['ratelimit-policy']], [200, 'hello', '"minute";r=1;t=60', '"minute";q=2;w=60']);
  assert.equal((await ask('a')).statusCode, 200);
  const denied = await ask('a');
  assert.deepEqual([denied.statusCode, denied.headers['retry-after'], denied.body], [429, '60', 'Too Many Requests\n']);
  assert.equal(reached, 2);
  assert.equal((await ask('b')).statusCode, 200);
  const free = await ask('a', '/free');
  assert.deepEqual([free.statusCode, free.headers.ratelimit], [200, undefined]);
  // Routes that do not exist are requests, too.
  assert.equal((await ask('b', '/nowhere')).statusCode, 404);
  assert.equal((await ask('b', '/nowhere')).statusCode, 429);
  await app.close();
});

test('Fastify: a hook for one route, an answer of its own, errors to its handler', async () => {
  const app = Fastify();
  const limiter = new KeyedLimiter('5/min', stopped);
  const onRequest = rateLimit({
    limiter, dialect: 'x-ratelimit-delta', cost: (request) => Number(request.query.cost),
    denied: (request, reply, decision) => reply.send(decision),
  });
  app.get('/limited', { onRequest }, async () => 'hello');
  app.get('/open', async () => 'open');
  const first = await app.inject('/limited?cost=3');
  assert.deepEqual(['limit', 'remaining', 'reset'].map((name) => first.headers[`x-ratelimit-${name}`]), ['5', '2', '60']);
  const denied = await app.inject('/limited?cost=3');
  assert.deepEqual([denied.statusCode, denied.json().remaining], [429, 2]);
  const wrong = await app.inject('/limited?cost=-1');
  assert.deepEqual([wrong.statusCode, wrong.json().code], [500, 'ERR_OUT_OF_RANGE']);
  assert.deepEqual([(await app.inject('/open')).body, limiter.peek('127.0.0.1').remaining], ['open', 2]);
  await app.close();
});

test('Fastify: places of a policy are given back when the response is over', async () => {
  const app = Fastify();
  await app.register(plugin, { policy: PolicyHandle.fromToml(slots), dialect: 'x-ratelimit', request: () => ({ scopes: { ip: 'i' } }) });
  let finish;
  app.get('/slow', () => new Promise((resolve) => (finish = () => resolve('slow'))));
  app.get('/', async () => 'hello');
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  try {
    const slow = fetch(`${url}/slow`);
    while (finish === undefined) await new Promise((resolve) => setImmediate(resolve));
    assert.equal((await fetch(url)).status, 429);
    finish();
    assert.equal(await (await slow).text(), 'slow');
    // The server hears of its own close a moment later.
    let status;
    do status = (await fetch(url)).status; while (status === 429);
    assert.equal(status, 200);
  } finally {
    app.server.closeAllConnections();
    await app.close();
  }
});

test('Fastify: what is wrong is found when the plugin is registered', async () => {
  for (const [wrong, code] of [
    [{}, 'ERR_INVALID_ARG_TYPE'], [{ limiter: 5 }, 'ERR_INVALID_ARG_TYPE'], [{ policy: Policy }, 'ERR_INVALID_ARG_TYPE'],
    [{ limiter: new KeyedLimiter('5/min'), dialect: 'moon' }, 'ERR_INVALID_ARG_VALUE'],
  ]) {
    const app = Fastify();
    app.register(plugin, wrong);
    await assert.rejects(async () => app.ready(), { code });
    await app.close();
  }
});
