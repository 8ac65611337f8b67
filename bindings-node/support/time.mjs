// Time in a test's hand.

/** A clock that moves with mocked timers. */
export function hand(t) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  return {
    clock: () => now,
    // In steps, so that a timer re-armed by a timer is seen.
    async pass(ms, step = ms) {
      for (let passed = 0; passed < ms; passed += step) {
        now += step;
        t.mock.timers.tick(step);
        await new Promise(setImmediate);
      }
      if (ms === 0) await new Promise(setImmediate);
    },
  };
}

/** What a promise has come to. */
export function watch(promise) {
  const seen = { state: 'pending' };
  promise.then(
    (value) => Object.assign(seen, { state: 'resolved', value }),
    (error) => Object.assign(seen, { state: 'rejected', error }),
  );
  return seen;
}
