'use strict';
// A plugin for Fastify, and the hook that it sets, for single routes.

const { DENIED, limiting } = require('./middleware.js');

const frame = {
  set: (reply, field, value) => reply.header(field, value),
  status: (reply, code) => reply.code(code),
  deny: (request, reply) => reply.type('text/plain; charset=utf-8').send(DENIED),
  response: (reply) => reply.raw,
};

/** A hook for one route: `{ onRequest: rateLimit({ limiter }) }`. A denied request is answered here, and goes no further. */
function rateLimit(options) {
  const limit = limiting(options, frame);
  return async function tidegate(request, reply) {
    if (await limit(request, reply)) return undefined;
    // What is answered later must not be answered by the route.
    return reply;
  };
}

/** Every route of the instance that it is registered on: `app.register(plugin, { limiter })`. */
async function plugin(app, options) {
  // Some are Fastify's own.
  const { hook = 'onRequest', prefix, logLevel, logSerializers, ...given } = options;
  app.addHook(hook, rateLimit(given));
}
// Without a context of its own, so that it holds for the routes beside it; as `fastify-plugin` marks it.
plugin[Symbol.for('skip-override')] = true;
plugin[Symbol.for('fastify.display-name')] = 'tidegate';

module.exports = plugin;
module.exports.rateLimit = rateLimit;
