// What a call costs against an empty one across the same boundary. Ratios hold, absolutes do not.
//
// Every subject is run in turn, many short rounds; the lowest round of each counts, because all that disturbs only adds.
import './optimized.mjs';

import { createRequire } from 'node:module';

import { Decision, Limiter } from 'tidegate';

const { addon } = createRequire(import.meta.url)('../lib/native.js');
const CALLS = 10_000;
const ROUNDS = 400;

const WIDE = '1000000000/s';
const open = new Limiter(WIDE);
const shut = new Limiter('1/d');
shut.take();
const stopped = new Limiter(WIDE, { clock: () => 1000 });
const empty = addon.emptyFunction();
const nothing = addon.emptyVerb();
let kept;

const subjects = {
  'empty Node-API function': () => empty(),
  'empty verb': () => nothing(),
  'tryAcquire(), granted': () => open.tryAcquire(),
  'tryAcquire(1), granted': () => open.tryAcquire(1),
  'tryAcquire(2), granted': () => open.tryAcquire(2),
  'tryAcquire(1n), granted': () => open.tryAcquire(1n),
  'tryAcquire(), denied': () => shut.tryAcquire(),
  'take(), granted': () => open.take(),
  'take(), denied': () => shut.take(),
  'peek()': () => open.peek(),
  'tryAcquire(), own clock': () => stopped.tryAcquire(),
  'new Decision alone': () => new Decision(true, 10, 5, 0, 1e9),
};

/** Its own loop for each subject, or V8 would not inline one into it. */
const loop = (subject) => new Function('subject', 'calls', 'let kept; for (let i = 0; i < calls; i++) kept = subject(); return kept;').bind(null, subject, CALLS);
const loops = Object.entries(subjects).map(([name, subject]) => ({ name, run: loop(subject), best: Infinity }));

for (let round = 0; round < ROUNDS; round++) {
  for (const entry of loops) {
    const start = process.hrtime.bigint();
    kept = entry.run();
    entry.best = Math.min(entry.best, Number(process.hrtime.bigint() - start) / CALLS);
  }
}
const base = loops[0].best;
console.log(`node ${process.version}, ns a call, times the empty call`);
for (const { name, best } of loops) console.log(`${name.padEnd(28)}${best.toFixed(1).padStart(8)}${(best / base).toFixed(2).padStart(7)}x`);

const made = process.hrtime.bigint();
for (let i = 0; i < 10_000; i++) kept = new Limiter(WIDE);
console.log(`${'new Limiter'.padEnd(28)}${(Number(process.hrtime.bigint() - made) / 10_000).toFixed(1).padStart(8)}`);
