'use strict';
// Errors of arguments that JavaScript itself finds; the addon throws the same for numbers.

function wrongType(message) {
  const error = new TypeError(message);
  error.code = 'ERR_INVALID_ARG_TYPE';
  return error;
}

module.exports = { wrongType };
