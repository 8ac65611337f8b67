// The vectors that every language answers: each case whose verbs this package has, through its public API, twice: with bigints
// throughout, and with numbers wherever a number can say it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { Limiter, Quota, QuotaError } from 'tidegate';

const vectors = JSON.parse(readFileSync(new URL('../../conformance/vectors.json', import.meta.url), 'utf8'));
const VERBS = new Set(['take', 'try_acquire', 'peek', 'charge', 'refund', 'reset']);
const ALGORITHMS = ['gcra', 'token-bucket', 'fixed-window', 'sliding-window', 'sliding-log'];

const asBigint = (text) => BigInt(text);
/** A number if it is exact, for the other path through the addon. */
const asNumber = (text) => (Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text));

function limiter(setup, permits, clock) {
  const quota = Quota.make(permits(setup.quota.limit), permits(setup.quota.period), permits(setup.quota.burst));
  return new Limiter(quota, {
    algorithm: setup.algorithm,
    anchor: setup.offset === '0' ? setup.anchor : { offset: BigInt(setup.offset) },
    refill: setup.refill,
    initial: setup.initial === null ? undefined : permits(setup.initial),
    clock,
  });
}

/** All that a decision says, checked against its rounded twins. */
function facts(decision) {
  assert.equal(decision.limit, Number(decision.limitBigInt));
  assert.equal(decision.remaining, Number(decision.remainingBigInt));
  assert.equal(decision.retryAfterMs, decision.retryAfterNs === null ? null : Number(decision.retryAfterNs) / 1e6);
  const beyond = decision.resetAfterNs === 2n ** 64n - 1n;
  assert.equal(decision.resetAfterMs, beyond ? Infinity : Number(decision.resetAfterNs) / 1e6);
  return {
    allowed: decision.allowed,
    limit: String(decision.limitBigInt),
    remaining: String(decision.remainingBigInt),
    retry_after: decision.retryAfterNs === null ? null : String(decision.retryAfterNs),
    reset_after: String(decision.resetAfterNs),
  };
}

function run(vector, permits) {
  let now = BigInt(vector.origin);
  const gate = limiter(vector, permits, () => now);
  vector.steps.forEach((step, index) => {
    now = BigInt(step.now);
    const n = step.n === undefined ? undefined : permits(step.n);
    const where = `${vector.name}, step ${index}`;
    switch (step.op) {
      case 'try_acquire':
        assert.equal(gate.tryAcquire(n), step.expect.allowed, where);
        break;
      case 'refund':
        gate.refund(n);
        assert.deepEqual(facts(gate.peek(0)), step.expect, where);
        break;
      case 'reset':
        gate.reset();
        assert.deepEqual(facts(gate.peek(0)), step.expect, where);
        break;
      default:
        assert.deepEqual(facts(gate[step.op](n)), step.expect, where);
    }
  });
  return vector.steps.length;
}

for (const algorithm of ALGORITHMS) {
  test(`vectors of ${algorithm}`, (t) => {
    const cases = vectors.cases.filter((vector) => vector.algorithm === algorithm);
    const known = cases.filter((vector) => vector.steps.every((step) => VERBS.has(step.op)));
    const basic = cases.filter((vector) => vector.verbs === 'basic');
    assert.ok(basic.length > 0, 'no basic case ran');
    assert.ok(basic.every((vector) => known.includes(vector)), 'a basic case has a verb that this test does not know');
    let steps = 0;
    for (const vector of known) steps += run(vector, asBigint) + run(vector, asNumber);
    t.diagnostic(`${known.length} cases (${basic.length} basic), ${steps} steps`);
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
