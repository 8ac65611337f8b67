'use strict';
// `limitedFetch`: a `fetch` that obeys what the responses of each server say of its limits. Each origin has a tracker of its own.

const { Tracker } = require('./headers.js');
const { KeyedLimiter } = require('./keyed.js');
const { Limiter } = require('./limiter.js');
const { kind, options: optional, outOfRange, wrongType } = require('./errors.js');
const { checked, sleep } = require('./waiting.js');

function limitedFetch(options) {
  const {
    fetch: send = globalThis.fetch, limiter, route = () => '', maxRetries = 2, maxOrigins = 100, tracker, sleep: rest = sleep,
  } = optional(options);
  for (const [name, value] of Object.entries({ fetch: send, route, sleep: rest })) {
    if (typeof value !== 'function') throw wrongType(`${name} must be a function; received ${kind(value)}`);
  }
  if (limiter !== undefined && !(limiter instanceof Limiter || limiter instanceof KeyedLimiter)) {
    throw wrongType(`limiter must be a Limiter or a KeyedLimiter; received ${kind(limiter)}`);
  }
  if (!Number.isInteger(maxRetries) || maxRetries < 0) throw outOfRange(`maxRetries must be a whole number from 0; received ${maxRetries}`);
  if (!Number.isInteger(maxOrigins) || maxOrigins < 1) throw outOfRange(`maxOrigins must be a whole number from 1; received ${maxOrigins}`);
  const settings = optional(tracker);
  // What is wrong with them is found now.
  new Tracker(settings);
  const trackers = new Map();
  const trackerOf = (origin) => {
    const known = trackers.get(origin) ?? new Tracker(settings);
    // The origin used longest ago is the first to be forgotten.
    trackers.delete(origin);
    trackers.set(origin, known);
    if (trackers.size > maxOrigins) trackers.delete(trackers.keys().next().value);
    return known;
  };

  return async function fetch(input, init) {
    const request = typeof input === 'object' && input !== null && 'url' in input ? input : undefined;
    const url = request?.url ?? String(input);
    const { origin } = new URL(url);
    const signal = checked(init?.signal ?? request?.signal ?? undefined);
    const told = trackerOf(origin);
    const name = String(route(new URL(url), init));
    // A body that can be read once cannot be sent twice.
    const again = init?.body === undefined || init.body === null ? !request?.body : typeof init.body === 'string';
    for (let retries = 0; ; retries += 1) {
      // Others may have gone first in the meantime.
      for (let wait = told.nextDelay(name); wait > 0; wait = told.nextDelay(name)) await rest(wait, signal);
      // Before anything else can run, or two would count on the same permit.
      told.sent(name);
      if (limiter instanceof KeyedLimiter) await limiter.acquire(origin, 1, { signal, ref: true });
      else if (limiter !== undefined) await limiter.acquire(1, { signal, ref: true });
      const response = await send(input, init);
      told.observe(response, name);
      const refused = response.status === 429 || response.status === 503;
      if (!refused || !again || retries >= maxRetries || told.nextDelay(name) === 0) return response;
      await response.body?.cancel();
    }
  };
}

module.exports = { limitedFetch };
