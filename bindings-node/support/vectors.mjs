// The vectors that every language answers, through the public API.
import assert from 'node:assert/strict';

import { Limiter, Quota, RateLimitExceeded } from 'tidegate';

export const ALGORITHMS = ['gcra', 'token-bucket', 'fixed-window', 'sliding-window', 'sliding-log'];

export const asBigint = (text) => BigInt(text);
/** A number if it is exact, for the other path through the addon. */
export const asNumber = (text) => (Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text));

export function limiter(setup, permits, clock) {
  const quota = Quota.make(permits(setup.quota.limit), permits(setup.quota.period), permits(setup.quota.burst));
  return new Limiter(quota, {
    algorithm: setup.algorithm,
    anchor: setup.offset === '0' ? setup.anchor : { offset: BigInt(setup.offset) },
    refill: setup.refill,
    initial: setup.initial === null ? undefined : permits(setup.initial),
    clock,
  });
}

/** A quota whose windows begin where those of the vector do. */
function anchored(quota, { anchor, offset }) {
  if (anchor === 'first-use') return `${quota} from first use`;
  return offset === '0' ? quota : `${quota} offset ${offset}ns`;
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

/** An answer that is no decision: an error, or the state that a look shows then. */
function changed(gate, change) {
  try {
    change();
  } catch (error) {
    assert.ok(error instanceof RangeError && typeof error.code === 'string', error);
    return { error: true };
  }
  return facts(gate.peek(0));
}

/** Runs one vector; answers how many steps there were. */
export function run(vector, permits) {
  let now = BigInt(vector.origin);
  const booked = new Map();
  let snapshot;
  const gate = limiter(vector, permits, () => now);
  vector.steps.forEach((step, index) => {
    now = BigInt(step.now);
    const n = step.n === undefined ? undefined : permits(step.n);
    const where = `${vector.name}, step ${index}`;
    switch (step.op) {
      case 'try_acquire':
        assert.equal(gate.tryAcquire(n), step.expect.allowed, where);
        break;
      case 'reserve':
        try {
          const reservation = gate.reserve(n, { maxWaitMs: BigInt(step.max_wait) });
          booked.set(index, reservation);
          assert.deepEqual({ at: String(reservation.atNs) }, step.expect, where);
        } catch (error) {
          if (error instanceof RateLimitExceeded) assert.deepEqual(facts(error.decision), step.expect, where);
          else {
            assert.equal(error.code, 'ERR_NEVER', `${where}: ${error}`);
            assert.deepEqual(facts(gate.peek(n)), step.expect, where);
          }
        }
        break;
      case 'cancel':
        assert.equal(booked.get(step.slot).cancel(), true, where);
        assert.equal(booked.get(step.slot).cancel(), false, where);
        assert.deepEqual(facts(gate.peek(0)), step.expect, where);
        break;
      case 'snapshot':
        snapshot = gate.snapshot();
        assert.deepEqual(facts(gate.peek(0)), step.expect, where);
        break;
      case 'restore':
        assert.deepEqual(changed(gate, () => gate.restore(snapshot)), step.expect, where);
        break;
      case 'reconfigure': {
        const { limit, period, burst } = step.quota;
        const quota = () => anchored(Quota.make(permits(limit), permits(period), permits(burst)), vector);
        assert.deepEqual(changed(gate, () => gate.reconfigure(quota(), { carry: step.carry })), step.expect, where);
        break;
      }
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
