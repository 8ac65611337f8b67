'use strict';
// What middleware of all frameworks does: a request spends, the answer says where its client stands, a denied one is a 429. A framework's file says how
// its requests are read and its answers written.

const { headers } = require('./headers.js');
const { KeyedLimiter } = require('./keyed.js');
const { Policy } = require('./policy.js');
const { kind, options: optional, wrongType } = require('./errors.js');

const DENIED = 'Too Many Requests\n';
const OPTIONS = ['limiter', 'policy', 'key', 'cost', 'name', 'request', 'dialect', 'skip', 'denied'];

/** The address that the request came from; the framework knows the proxies that it may trust. */
const addressOf = (request) => request.ip ?? request.socket?.remoteAddress ?? '';

function callable(value, name) {
  if (typeof value !== 'function') throw wrongType(`${name} must be a function; received ${kind(value)}`);
  return value;
}

/** Asks about a request, and says what the answer is, its header fields and the status if it is denied. */
function asked(given) {
  const { limiter, policy, dialect, name = 'default' } = given;
  if (policy !== undefined) {
    if (!(policy instanceof Policy)) throw wrongType(`policy must be a Policy; received ${kind(policy)}`);
    const requestOf = callable(given.request ?? ((request) => ({ scopes: { ip: addressOf(request) } })), 'request');
    return async (request) => {
      const line = `${request.method} ${request.originalUrl ?? request.url}`;
      const verdict = policy.take({ endpoint: line, ...(await requestOf(request)) });
      return { answer: verdict, fields: verdict.headers(dialect), status: verdict.status };
    };
  }
  if (!(limiter instanceof KeyedLimiter)) throw wrongType(`limiter must be a KeyedLimiter, or policy a Policy; received ${kind(limiter)}`);
  const keyOf = callable(given.key ?? addressOf, 'key');
  const costOf = typeof given.cost === 'function' ? given.cost : () => given.cost ?? 1;
  const { quota } = limiter;
  const told = { name, quota };
  // An unknown dialect or a name that no header can hold is found now, not at the first request.
  headers(limiter.peek(''), dialect, told);
  return async (request) => {
    const decision = limiter.take(await keyOf(request), await costOf(request));
    return { answer: decision, fields: headers(decision, dialect, told), status: 429 };
  };
}

/**
 * `(request, reply)`: whether the request may go on. `frame` writes for its framework: `set(reply, field, value)`, `status(reply, code)`,
 * `deny(request, reply, answer)` and `response(reply)`, the response of `node:http`.
 */
function limiting(options, frame) {
  const given = optional(options, OPTIONS);
  const skip = callable(given.skip ?? (() => false), 'skip');
  const denied = callable(given.denied ?? frame.deny, 'denied');
  const ask = asked(given);
  return async function limit(request, reply) {
    if (await skip(request)) return true;
    const { answer, fields, status } = await ask(request);
    for (const [field, value] of Object.entries(fields)) frame.set(reply, field, value);
    if (typeof answer.release === 'function') {
      // Places of requests at the same time are held until the response is over, however it ends.
      const response = frame.response(reply);
      if (answer.allowed && !response.destroyed) response.once('close', () => answer.release());
      else answer.release();
    }
    if (answer.allowed) return true;
    frame.status(reply, status);
    await denied(request, reply, answer);
    return false;
  };
}

module.exports = { DENIED, limiting };
