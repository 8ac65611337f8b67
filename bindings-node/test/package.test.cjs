'use strict';
// The package as a whole: both module systems, one version, workers, what is packed, the README's example.
const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const test = require('node:test');
const { Worker } = require('node:worker_threads');

const tidegate = require('tidegate');

const here = join(__dirname, '..');
const read = (name) => readFileSync(join(here, name), 'utf8');

test('require and import give the same names', async () => {
  const imported = await import('tidegate');
  const names = Object.keys(tidegate).sort();
  assert.deepEqual(names, [
    'Backoff', 'BackoffSession', 'Concurrency', 'Decision', 'GroupDecision', 'KeyedLimiter', 'KeyedLimiterGroup', 'LimitDecision', 'Limiter',
    'LimiterGroup', 'Permit', 'Policy', 'PolicyError', 'PolicyHandle', 'Quota', 'QuotaError', 'RateLimitExceeded', 'Reservation', 'TimeoutError', 'Tracker', 'Verdict', 'headers', 'retry',
  ]);
  assert.deepEqual(Object.keys(imported).filter((name) => name !== 'default' && name !== 'module.exports').sort(), names);
  for (const name of names) assert.equal(imported[name], tidegate[name]);
  assert.equal(imported.default, tidegate);
});

test('the declarations name what there is', () => {
  const files = [...read('index.d.ts').matchAll(/^export \* from '\.\/(.*)\.js';/gm)].map(([, name]) => `${name}.d.ts`);
  const declared = files.flatMap((file) => [...read(file).matchAll(/^export (?:class|function) (\w+)/gm)].map(([, name]) => name));
  assert.deepEqual(declared.sort(), Object.keys(tidegate).sort());
});

test('one version', () => {
  const { version } = JSON.parse(read('package.json'));
  assert.equal(require('../lib/native.js').addon.version(), version);
  assert.equal(JSON.parse(read('package-lock.json')).version, version);
});

test('no install script, no dependency, no registry in the lock file', () => {
  const { scripts, dependencies } = JSON.parse(read('package.json'));
  assert.deepEqual(Object.keys(scripts).sort(), ['bench', 'build', 'test', 'test:runtimes']);
  assert.equal(dependencies, undefined);
  assert.doesNotMatch(read('package-lock.json'), /resolved|https?:/);
});

test('workers have limiters of their own, and end in peace', async () => {
  const code = `
    const { Limiter } = require(${JSON.stringify(here)});
    const limiters = Array.from({ length: 50 }, () => new Limiter('2/w'));
    const { parentPort } = require('node:worker_threads');
    parentPort.postMessage(limiters.map((limiter) => [limiter.tryAcquire(), limiter.take().remaining, limiter.tryAcquire()]));`;
  for (let round = 0; round < 3; round++) {
    const worker = new Worker(code, { eval: true });
    const answers = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
    assert.deepEqual(answers, Array(50).fill([true, 0, false]));
    await worker.terminate();
  }
});

test('limiters are collected', () => {
  const code = `
    const { Limiter } = require(${JSON.stringify(here)});
    const registry = new FinalizationRegistry(() => { collected += 1; });
    let collected = 0;
    for (let i = 0; i < 100; i++) { const limiter = new Limiter('5/s'); limiter.take(); registry.register(limiter, i); }
    globalThis.gc();
    setTimeout(() => { globalThis.gc(); setTimeout(() => console.log(collected > 90), 0); }, 0);`;
  assert.equal(execFileSync(process.execPath, ['--expose-gc', '-e', code], { encoding: 'utf8' }).trim(), 'true');
});

test('the example of the README runs in both module systems', () => {
  const [, example] = /```js\n([^]*?)```/.exec(read('README.md'));
  assert.match(example, /^import \{ Limiter \} from 'tidegate';/);
  const common = example.replace(/^import (\{.*?\}) from ('.*?');/, 'const $1 = require($2);');
  for (const [type, code] of [['module', example], ['commonjs', common]]) {
    const out = execFileSync(process.execPath, [`--input-type=${type}`, '--eval', code], { cwd: here, encoding: 'utf8' });
    assert.match(out, /^come back in \d+(\.\d+)? ms\n$/, type);
  }
});

test('the answers to the common questions', () => {
  const ask = (lines) => execFileSync(process.execPath, ['demo/questions.mjs'], { cwd: here, input: lines, encoding: 'utf8' });
  const asked = [
    '# case\talgorithm\tquota\tnow\tcost',
    '1\tgcra\t300/min burst 50\t0\t50',
    '1\tgcra\t300/min burst 50\t0\t1',
    '1\tgcra\t300/min burst 50\t0\t51',
    '2\tgcra\t300/min burst 50\t200000000\t50',
    '',
  ].join('\n');
  const answered = [
    '# case\talgorithm\tquota\tnow\tcost\tallowed\tremaining\tretry_after\treset_after',
    '1\tgcra\t300/min burst 50\t0\t50\ttrue\t0\t0\t10000000000',
    '1\tgcra\t300/min burst 50\t0\t1\tfalse\t0\t200000000\t10000000000',
    '1\tgcra\t300/min burst 50\t0\t51\tfalse\t0\tnever\t10000000000',
    '2\tgcra\t300/min burst 50\t200000000\t50\ttrue\t0\t0\t10000000000',
    '',
  ].join('\n');
  assert.equal(ask(asked), answered);
});

test('what npm packs installs into an empty project, and runs as .mjs, .cjs and .ts', () => {
  const project = mkdtempSync(join(tmpdir(), 'tidegate-'));
  const run = (command, ...given) => execFileSync(command, given, { cwd: project, encoding: 'utf8', shell: process.platform === 'win32' });
  try {
    const [{ filename, files }] = JSON.parse(execFileSync('npm', ['pack', '--json', '--silent', '--pack-destination', project], { cwd: here, encoding: 'utf8' }));
    const packed = files.map(({ path }) => path);
    for (const name of ['index.js', 'index.d.ts', 'tidegate.node', 'README.md', 'lib/express.js', 'lib/express.d.ts']) assert.ok(packed.includes(name), name);
    assert.deepEqual(packed.filter((name) => /^(src|test|bench|demo|node_modules)\//.test(name)), []);
    writeFileSync(join(project, 'package.json'), '{"name": "empty", "version": "1.0.0", "private": true}');
    run('npm', 'install', '--offline', '--silent', '--no-audit', '--no-fund', `./${filename}`);
    const [, example] = /```js\n([^]*?)```/.exec(read('README.md'));
    writeFileSync(join(project, 'example.mjs'), `${example}\nimport { rateLimit } from 'tidegate/express';\nconsole.log(typeof rateLimit);`);
    const common = example.replace(/^import (\{.*?\}) from ('.*?');/, 'const $1 = require($2);');
    writeFileSync(join(project, 'example.cjs'), `${common}\nconsole.log(typeof require('tidegate/express').rateLimit);`);
    writeFileSync(join(project, 'example.mts'), `${example}\nimport { rateLimit } from 'tidegate/express';\nconsole.log(typeof rateLimit);`);
    run(process.execPath, join(here, 'node_modules/typescript/bin/tsc'), '--strict', '--module', 'nodenext', '--target', 'es2022', '--outDir', 'compiled', 'example.mts');
    // As a project without a type has it: TypeScript makes CommonJS of it.
    writeFileSync(join(project, 'example.ts'), `${example}\nimport { rateLimit } from 'tidegate/express';\nconsole.log(typeof rateLimit);`);
    run(process.execPath, join(here, 'node_modules/typescript/bin/tsc'), '--strict', '--module', 'nodenext', '--target', 'es2022', '--outDir', 'compiled', 'example.ts');
    for (const name of ['example.mjs', 'example.cjs', 'compiled/example.mjs', 'compiled/example.js']) {
      assert.match(run(process.execPath, name), /^come back in \d+(\.\d+)? ms\nfunction\n$/, name);
    }
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
});
