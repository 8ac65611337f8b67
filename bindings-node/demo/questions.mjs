// Answers the questions of `cargo run -p tidegate-policy --bin demo -- questions --ask` on stdin, for comparison with the other languages.
//
// A line is `case algorithm quota now cost` between tabs. The lines of one case are calls of `take(cost)` at `now` on one limiter,
// made at time 0 where the case begins. To each line `allowed remaining retry_after reset_after` is appended.
import { readFileSync } from 'node:fs';

import { Limiter } from 'tidegate';

let now;
let last;
let limiter;

function answered(line) {
  if (line.startsWith('# case\t')) return `${line}\tallowed\tremaining\tretry_after\treset_after`;
  if (line.startsWith('#')) return line;
  const [number, algorithm, quota, time, cost] = line.split('\t');
  if (number !== last) {
    last = number;
    now = 0n;
    limiter = new Limiter(quota, { algorithm, clock: () => now });
  }
  now = BigInt(time);
  const decision = limiter.take(BigInt(cost));
  return [
    line,
    decision.allowed,
    decision.remainingBigInt,
    decision.retryAfterNs ?? 'never',
    decision.resetAfterNs,
  ].join('\t');
}

for (const line of readFileSync(0, 'utf8').split('\n')) {
  if (line !== '') console.log(answered(line));
}
