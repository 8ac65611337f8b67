'use strict';

const { Decision } = require('./lib/decision.js');
const { Limiter } = require('./lib/limiter.js');
const { Quota, QuotaError } = require('./lib/quota.js');

// One by one, so that `import { Limiter } from 'tidegate'` finds the names.
exports.Decision = Decision;
exports.Limiter = Limiter;
exports.Quota = Quota;
exports.QuotaError = QuotaError;
