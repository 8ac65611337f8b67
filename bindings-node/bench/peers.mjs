// The same work done by this package and by others, in one run. Ratios hold, absolutes do not.
//
//     node bench/peers.mjs [--rounds N] [--json FILE]     installs the others into bench/peers at its first run
//
// First every subject is counted: of a limit it must admit exactly that many, or it does other work and the run ends. Then all run in turn,
// many short rounds; a ratio is the median, over the rounds, of a subject's time by that of the first of its group in the same round.
import './optimized.mjs';

import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';

import { KeyedLimiter } from 'tidegate';

import { KEYED, NAMES, ONE } from './subjects.mjs';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '100' }, json: { type: 'string' } } });
const ROUNDS = Number(values.rounds);
const CALLS = 4000;
const LIMIT = 50;
const PLENTY = 1_000_000_000;
const { addon } = createRequire(import.meta.url)('../lib/native.js');

let turn = 0;
const next = () => NAMES[(turn = (turn + 1) % NAMES.length)];
const AsyncFunction = (async () => {}).constructor;

/** A loop of its own for each subject, or V8 would mix what it learned of them. Answers how many calls were admitted. */
function loop({ awaited, calls = CALLS }, call) {
  const text = `let admitted = 0; for (let i = 0; i < calls; i++) if (${awaited ? 'await ' : ''}call()) admitted += 1; return admitted;`;
  return (awaited ? new AsyncFunction('call', 'calls', text) : new Function('call', 'calls', text)).bind(null, call, calls);
}

/** Ends the run if a subject admits more or less than it was told. */
async function counted(subject, keys) {
  const call = subject.make(LIMIT);
  for (const key of keys) {
    let admitted = 0;
    for (let i = 0; i < 2 * LIMIT; i++) if (await call(key)) admitted += 1;
    if (admitted !== LIMIT) throw new Error(`${subject.name} admits ${admitted} of a limit of ${LIMIT}: other work`);
  }
}

const runs = [];
const expected = { granted: (calls) => calls, denied: () => 0 };
function add(group, outcome, subject, call) {
  runs.push({ group, outcome, name: subject.name, calls: subject.calls ?? CALLS, run: loop(subject, call), times: [] });
}

const groups = ['one limit, granted', 'a thousand string keys, granted', 'a thousand string keys, denied'];
add(groups[0], 'granted', { name: 'an empty Node-API function' }, ((empty) => () => (empty(), true))(addon.emptyFunction()));
add(groups[0], 'granted', { name: 'an empty verb: reads its call, answers true' }, addon.emptyVerb());
for (const subject of ONE) {
  await counted(subject, ['']);
  add(groups[0], 'granted', subject, subject.make(PLENTY));
}
for (const subject of KEYED) {
  await counted(subject, NAMES.slice(0, 3));
  const open = subject.make(PLENTY);
  add(groups[1], 'granted', subject, () => open(next()));
  const shut = subject.make(1);
  for (const name of NAMES) await shut(name);
  add(groups[2], 'denied', subject, () => shut(next()));
}

async function round(subject, counts) {
  const start = process.hrtime.bigint();
  const admitted = await subject.run();
  const took = Number(process.hrtime.bigint() - start) / subject.calls;
  if (admitted !== expected[subject.outcome](subject.calls)) throw new Error(`${subject.name}, ${subject.group}: ${admitted} admitted`);
  if (counts) subject.times.push(took);
}

// Some rounds to warm up. Whoever waits for timers runs afterwards: the others would begin each round with cold caches.
const waits = (subject) => subject.calls < CALLS;
for (let turns = -10; turns < ROUNDS; turns++) {
  for (const subject of runs) if (!waits(subject)) await round(subject, turns >= 0);
}
for (const subject of runs.filter(waits)) {
  for (let turns = 0; turns < 10; turns++) await round(subject, true);
}

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
const sorted = (numbers) => [...numbers].sort((a, b) => a - b);
const rounded = (number, digits) => Number(number.toFixed(digits));
const rows = groups.flatMap((group) => {
  const members = runs.filter((subject) => subject.group === group);
  return members.map(({ name, times }) => {
    const inOrder = sorted(times);
    const ratios = sorted(times.map((time, at) => time / members[0].times[at]));
    return {
      group, name, median_ns: rounded(quantile(inOrder, 0.5), 1), ratio: rounded(quantile(ratios, 0.5), 2),
      low: rounded(quantile(inOrder, 0.1), 1), high: rounded(quantile(inOrder, 0.9), 1),
    };
  });
});

console.log(`node ${process.version}, ns a call: median of ${ROUNDS} rounds (a tenth is below, a tenth above), times the first of its group`);
for (const group of groups) {
  console.log(`\n${group}`);
  for (const { name, median_ns, ratio, low, high } of rows.filter((row) => row.group === group)) {
    console.log(`  ${name.padEnd(46)}${median_ns.toFixed(1).padStart(10)}  (${low.toFixed(1)}-${high.toFixed(1)})`.padEnd(84) + `${ratio.toFixed(2).padStart(8)}x`);
  }
}

// A table that holds a million keys, all of them in use.
const large = new KeyedLimiter('1/d', { maxKeys: 1_000_000 });
for (let key = 0; key < 1_000_000; key++) large.tryAcquire(`organization_${key}`);
const bytes = large.memory / large.size;
rows.push({ group: 'a million string keys', name: 'tidegate, bytes a key', median_ns: null, ratio: null, low: null, high: null, bytes: rounded(bytes, 1) });
console.log(`\na million string keys: ${bytes.toFixed(1)} bytes each, of ${large.size} remembered`);

if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ node: process.version, rounds: ROUNDS, rows }, null, 2)}\n`);
// Some of the others hold timers.
process.exit(0);
