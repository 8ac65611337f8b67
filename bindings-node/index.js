'use strict';

const { Backoff, BackoffSession, retry } = require('./lib/backoff.js');
const { Decision } = require('./lib/decision.js');
const { RateLimitExceeded, TimeoutError } = require('./lib/errors.js');
const { LimiterGroup } = require('./lib/group.js');
const { KeyedLimiter } = require('./lib/keyed.js');
const { Limiter } = require('./lib/limiter.js');
const { Quota, QuotaError } = require('./lib/quota.js');
const { Reservation } = require('./lib/waiting.js');

// One by one, so that `import { Limiter } from 'tidegate'` finds the names.
exports.Backoff = Backoff;
exports.BackoffSession = BackoffSession;
exports.Decision = Decision;
exports.KeyedLimiter = KeyedLimiter;
exports.Limiter = Limiter;
exports.LimiterGroup = LimiterGroup;
exports.Quota = Quota;
exports.QuotaError = QuotaError;
exports.RateLimitExceeded = RateLimitExceeded;
exports.Reservation = Reservation;
exports.TimeoutError = TimeoutError;
exports.retry = retry;
