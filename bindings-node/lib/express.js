'use strict';
// Middleware for Express, Connect and `node:http`.

const { DENIED, limiting } = require('./middleware.js');

const frame = {
  set: (response, field, value) => response.setHeader(field, value),
  status(response, code) {
    response.statusCode = code;
  },
  deny(request, response) {
    response.setHeader('Content-Type', 'text/plain; charset=utf-8');
    response.end(DENIED);
  },
  response: (response) => response,
};

/** `(request, response, next)`: goes on if the limit allows, answers 429 if it does not. */
function rateLimit(options) {
  const limit = limiting(options, frame);
  return function tidegate(request, response, next) {
    limit(request, response).then((goes) => {
      if (goes) next();
    }, next);
  };
}

module.exports = { rateLimit };
