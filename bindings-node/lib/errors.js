'use strict';
// Errors that JavaScript itself finds; the addon throws the same for numbers.

function wrongType(message) {
  const error = new TypeError(message);
  error.code = 'ERR_INVALID_ARG_TYPE';
  return error;
}

function outOfRange(message, code = 'ERR_OUT_OF_RANGE') {
  const error = new RangeError(message);
  error.code = code;
  return error;
}

/** A class of error with its name on the prototype, as the built-in ones have it. */
function named(errorClass, name) {
  Object.defineProperty(errorClass.prototype, 'name', { value: name, configurable: true, writable: true });
  return errorClass;
}

/**
 * The wait would be longer than the timeout: refused at once, nothing is charged. `decision` says how long it would be; nobody knows that of a
 * concurrency limit, which times out when the time is over.
 */
const TimeoutError = named(
  class TimeoutError extends Error {
    constructor(decision) {
      super(decision === undefined ? 'the timeout is over' : `the wait of ${decision.retryAfterMs} ms is longer than the timeout`);
      this.code = 'ERR_TIMEOUT';
      this.decision = decision;
    }
  },
  'TimeoutError',
);

/** Denied where an answer cannot be a value: a reservation that would take too long, or that the limiter cannot keep. */
const RateLimitExceeded = named(
  class RateLimitExceeded extends Error {
    constructor(decision, message = 'the rate limit is exceeded') {
      super(decision.retryAfterMs === null ? message : `${message}: retry after ${decision.retryAfterMs} ms`);
      this.code = 'ERR_RATE_LIMIT_EXCEEDED';
      this.decision = decision;
    }
  },
  'RateLimitExceeded',
);

/** What was named is `value`, in words. */
const kind = (value) => (value === null ? 'null' : typeof value);

/** Options, or none. A name that means nothing is a mistake where `names` are all there are: what it was meant to say would be missing. */
function options(given, names) {
  if (given === undefined) return {};
  if (typeof given !== 'object' || given === null) throw wrongType(`options must be an object; received ${kind(given)}`);
  const unknown = names && Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) throw outOfRange(`there is no option '${unknown}', only ${names.join(', ')}`, 'ERR_INVALID_ARG_VALUE');
  return given;
}

module.exports = { RateLimitExceeded, TimeoutError, kind, named, options, outOfRange, wrongType };
