// The vectors that every language answers, twice: with bigints throughout, and with numbers wherever a number can say it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { QuotaError } from 'tidegate';

import { ALGORITHMS, asBigint, asNumber, limiter, run } from '../support/vectors.mjs';

const vectors = JSON.parse(readFileSync(new URL('../../conformance/vectors.json', import.meta.url), 'utf8'));

for (const algorithm of ALGORITHMS) {
  test(`vectors of ${algorithm}`, (t) => {
    const cases = vectors.cases.filter((vector) => vector.algorithm === algorithm);
    assert.ok(cases.some((vector) => vector.verbs === 'full') && cases.some((vector) => vector.verbs === 'basic'), 'no case ran');
    let steps = 0;
    for (const vector of cases) steps += run(vector, asBigint) + run(vector, asNumber);
    t.diagnostic(`${cases.length} cases, ${steps} steps`);
  });
}

test('every algorithm of the vectors is one of these', () => {
  assert.deepEqual([...new Set(vectors.cases.map((vector) => vector.algorithm))].sort(), [...ALGORITHMS].sort());
});

test('what cannot be held is refused', () => {
  assert.ok(vectors.quota_errors.length > 0);
  for (const setup of vectors.quota_errors) {
    const make = () => limiter(setup, asBigint, () => BigInt(setup.origin));
    assert.throws(make, (error) => error instanceof QuotaError && error.code === 'ERR_QUOTA', setup.name);
  }
});
