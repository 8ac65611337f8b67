// Who is compared, and with what: each is made for a limit, and answers a call with whether it was admitted. So all can be counted.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import { KeyedLimiter, Limiter } from 'tidegate';
import { TidegateStore } from 'tidegate/express-rate-limit';
import { RateLimiterMemory } from 'tidegate/rate-limiter-flexible';

const folder = fileURLToPath(new URL('peers', import.meta.url));
const npm = (given, env = {}) =>
  spawnSync('npm', given, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'], shell: process.platform === 'win32', env: { ...process.env, ...env } });
if (!existsSync(`${folder}/node_modules`)) {
  // Without scripts: what is built comes along.
  const done = npm(['install', '--silent', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts']);
  if (done.status !== 0) process.exit(done.status ?? 1);
}
const require = createRequire(new URL('peers/', import.meta.url));
const named = (name) => `${name} ${JSON.parse(readFileSync(`${folder}/node_modules/${name}/package.json`, 'utf8')).version}`;

/** Comes built for a newer libc than some systems have; then it is built here. */
function hyperlimit() {
  try {
    return require('@hyperlimit/core');
  } catch (error) {
    if (error.code !== 'ERR_DLOPEN_FAILED') throw error;
    npm(['rebuild', '--silent', '@hyperlimit/core'], { npm_config_build_from_source: 'true' });
    return require('@hyperlimit/core');
  }
}

const HOUR = 3_600_000;
export const NAMES = Array.from({ length: 1000 }, (_, at) => `organization_${at}`);
const flexible = require('rate-limiter-flexible');
const { MemoryStore } = require('express-rate-limit');
const { RateLimiter } = await import(require.resolve('limiter')).catch(() => require('limiter'));
const { default: Bottleneck = require('bottleneck') } = require('bottleneck');
const { HyperLimit } = hyperlimit();
const nothing = () => true;

/** A limit of so many an hour: `make(limit)` answers with a call. Those that answer with a promise are awaited. */
export const ONE = [
  { name: 'tidegate tryAcquire()', make: (limit) => ((it) => () => it.tryAcquire())(new Limiter(`${limit}/h`)) },
  { name: 'tidegate take()', make: (limit) => ((it) => () => it.take().allowed)(new Limiter(`${limit}/h`)) },
  { name: `${named('limiter')} tryRemoveTokens`, make: (limit) => ((it) => () => it.tryRemoveTokens(1))(new RateLimiter({ tokensPerInterval: limit, interval: HOUR })) },
  {
    name: `${named('bottleneck')} schedule`,
    awaited: true,
    calls: 20, // It sets a timer for each.
    make(limit) {
      const it = new Bottleneck({ reservoir: limit, highWater: 0, strategy: Bottleneck.strategy.OVERFLOW });
      return () => it.schedule(async () => true).catch(() => false);
    },
  },
];

/** The same for each key: the call is given it. */
export const KEYED = [
  { name: 'tidegate tryAcquire(key)', make: (limit) => ((it) => (key) => it.tryAcquire(key))(new KeyedLimiter(`${limit}/h`, { maxKeys: 10_000 })) },
  { name: 'tidegate take(key)', make: (limit) => ((it) => (key) => it.take(key).allowed)(new KeyedLimiter(`${limit}/h`, { maxKeys: 10_000 })) },
  {
    name: 'tidegate key handles, from a Map',
    make(limit) {
      const it = new KeyedLimiter(`${limit}/h`, { maxKeys: 10_000 });
      const handles = new Map(NAMES.map((name) => [name, it.key(name)]));
      return (key) => handles.get(key).tryAcquire();
    },
  },
  {
    name: 'tidegate/express-rate-limit increment',
    make(limit) {
      const it = new TidegateStore();
      it.init({ windowMs: HOUR });
      return (key) => it.increment(key).totalHits <= limit;
    },
  },
  {
    name: 'tidegate/rate-limiter-flexible consume',
    awaited: true,
    make: (limit) => ((it) => (key) => it.consume(key).then(nothing, () => false))(new RateLimiterMemory({ points: limit, duration: HOUR / 1000 })),
  },
  {
    name: `${named('rate-limiter-flexible')} consume`,
    awaited: true,
    make: (limit) => ((it) => (key) => it.consume(key).then(nothing, () => false))(new flexible.RateLimiterMemory({ points: limit, duration: HOUR / 1000 })),
  },
  {
    name: `${named('express-rate-limit')} MemoryStore increment`,
    awaited: true,
    make(limit) {
      const it = new MemoryStore();
      it.init({ windowMs: HOUR });
      return async (key) => (await it.increment(key)).totalHits <= limit;
    },
  },
  {
    name: `${named('@hyperlimit/core')} tryRequest`,
    make(limit) {
      const it = new HyperLimit({ bucketCount: 16_384 });
      for (const name of NAMES) it.createLimiter(name, limit, HOUR, false, 0, 0, 0);
      return (key) => it.tryRequest(key);
    },
  },
];
