// The same work done by this package and by others, in one run. Ratios hold, absolutes do not: every subject runs in turn, many short
// rounds, and the lowest round of each counts, because all that disturbs only adds.
//
//     node bench/peers.mjs [rounds]     installs the others into bench/peers at its first run
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import { KeyedLimiter, Limiter } from 'tidegate';
import { TidegateStore } from 'tidegate/express-rate-limit';
import { RateLimiterMemory } from 'tidegate/rate-limiter-flexible';

const folder = fileURLToPath(new URL('peers', import.meta.url));
if (!existsSync(`${folder}/node_modules`)) {
  // Without scripts: what is built comes along.
  const given = ['install', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts'];
  const done = spawnSync('npm', given, { cwd: folder, stdio: 'inherit', shell: process.platform === 'win32' });
  if (done.status !== 0) process.exit(done.status ?? 1);
}
const require = createRequire(new URL('peers/', import.meta.url));
const version = (name) => require(`${name}/package.json`).version;

const ROUNDS = Number(process.argv[2] ?? 15);
const CALLS = 20_000;
const { addon } = createRequire(import.meta.url)('../lib/native.js');

const NAMES = Array.from({ length: 1000 }, (_, at) => `organization_${at}`);
const key = () => NAMES[(turn = (turn + 1) % 1000)];
let turn = 0;
const MANY = 1_000_000_000;

const subjects = [];
const sync = (group, name, call) => subjects.push({ group, name, call, calls: CALLS, run: loop(call) });
const waits = (group, name, call, calls = CALLS) => subjects.push({ group, name, call, calls, run: awaiting(call, calls) });

/** A loop of its own for each subject, or V8 would mix what it learned of them. */
const loop = (call) => new Function('call', 'calls', 'let kept; for (let i = 0; i < calls; i++) kept = call(); return kept;').bind(null, call, CALLS);
const AsyncFunction = (async () => {}).constructor;
const awaiting = (call, calls) => new AsyncFunction('call', 'calls', 'let kept; for (let i = 0; i < calls; i++) kept = await call(); return kept;').bind(null, call, calls);

const open = new Limiter(`${MANY}/s`);
const keyed = new KeyedLimiter('1000000/s', { maxKeys: 10_000 });
const handle = keyed.key('organization_1');
const shut = new KeyedLimiter('1/d', { maxKeys: 10_000 });
for (const name of NAMES) shut.tryAcquire(name);

const ONE = 'one limit, granted';
const KEYED = 'a thousand string keys, granted';
const SHUT = 'a thousand string keys, denied';

sync(ONE, 'an empty Node-API function', addon.emptyVerb());
sync(ONE, 'tidegate tryAcquire()', () => open.tryAcquire());
sync(ONE, 'tidegate take()', () => open.take());
sync(KEYED, 'tidegate tryAcquire(key)', () => keyed.tryAcquire(key()));
sync(KEYED, 'tidegate take(key)', () => keyed.take(key()));
sync(KEYED, 'tidegate key handle', () => handle.tryAcquire());
sync(SHUT, 'tidegate tryAcquire(key)', () => shut.tryAcquire(key()));
sync(SHUT, 'tidegate take(key)', () => shut.take(key()));

const ours = new TidegateStore();
ours.init({ windowMs: 3_600_000 });
sync(KEYED, 'tidegate/express-rate-limit increment', () => ours.increment(key()));
const compatible = new RateLimiterMemory({ points: 10_000_000, duration: 3600 });
waits(KEYED, 'tidegate/rate-limiter-flexible consume', () => compatible.consume(key()));
const compatibleShut = new RateLimiterMemory({ points: 0, duration: 3600 });
waits(SHUT, 'tidegate/rate-limiter-flexible consume', () => compatibleShut.consume(key()).catch(() => false));

const flexible = require('rate-limiter-flexible');
const memory = new flexible.RateLimiterMemory({ points: MANY, duration: 3600 });
waits(KEYED, `rate-limiter-flexible ${version('rate-limiter-flexible')} consume`, () => memory.consume(key()));
const memoryShut = new flexible.RateLimiterMemory({ points: 0, duration: 3600 });
waits(SHUT, `rate-limiter-flexible ${version('rate-limiter-flexible')} consume`, () => memoryShut.consume(key()).catch(() => false));

const { RateLimiter } = await import(require.resolve('limiter')).catch(() => require('limiter'));
const bucket = new RateLimiter({ tokensPerInterval: MANY, interval: 'second' });
sync(ONE, `limiter tryRemoveTokens`, () => bucket.tryRemoveTokens(1));

const { MemoryStore } = require('express-rate-limit');
const store = new MemoryStore();
store.init({ windowMs: 3_600_000 });
waits(KEYED, 'express-rate-limit MemoryStore increment', () => store.increment(key()));

const { default: Bottleneck = require('bottleneck') } = require('bottleneck');
const queue = new Bottleneck({ maxConcurrent: null, minTime: 0 });
const nothing = async () => {};
waits(ONE, `bottleneck ${version('bottleneck')} schedule`, () => queue.schedule(nothing), 200); // a timer for each

const { HyperLimit } = require('@hyperlimit/core');
const hyper = new HyperLimit({ bucketCount: 16_384 });
hyper.createLimiter('open', 100_000_000, 1000, false, 0, 0, 0);
sync(KEYED, `@hyperlimit/core ${version('@hyperlimit/core')} tryRequest`, () => hyper.tryRequest('open'));

for (const subject of subjects) subject.best = Infinity;
for (let round = 0; round < ROUNDS; round++) {
  for (const subject of subjects) {
    const start = process.hrtime.bigint();
    await subject.run();
    subject.best = Math.min(subject.best, Number(process.hrtime.bigint() - start) / subject.calls);
  }
}
console.log(`node ${process.version}, ns a call (the lowest of ${ROUNDS} rounds), times the first of its group`);
for (const group of [ONE, KEYED, SHUT]) {
  const members = subjects.filter((subject) => subject.group === group);
  console.log(`\n${group}`);
  for (const { name, best } of members) console.log(`  ${name.padEnd(48)}${best.toFixed(1).padStart(9)}${(best / members[0].best).toFixed(2).padStart(8)}x`);
}

const large = new KeyedLimiter('100/min', { maxKeys: 1_000_000 });
console.log(`\na million keys: ${(large.memory / 1e6).toFixed(1)} bytes a key`);
store.shutdown();
await memory.delete(NAMES[0]);
process.exit(0);
