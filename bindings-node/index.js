'use strict';

const { Backoff, BackoffSession, retry } = require('./lib/backoff.js');
const { Concurrency, Permit } = require('./lib/concurrency.js');
const { Decision, GroupDecision } = require('./lib/decision.js');
const { RateLimitExceeded, TimeoutError } = require('./lib/errors.js');
const { KeyedLimiterGroup, LimiterGroup } = require('./lib/group.js');
const { Tracker, headers } = require('./lib/headers.js');
const { KeyedLimiter } = require('./lib/keyed.js');
const { Limiter } = require('./lib/limiter.js');
const { LimitDecision, Policy, PolicyError, PolicyHandle, Verdict } = require('./lib/policy.js');
const { Quota, QuotaError } = require('./lib/quota.js');
const { Reservation } = require('./lib/waiting.js');

// One by one, so that `import { Limiter } from 'tidegate'` finds the names.
exports.Backoff = Backoff;
exports.BackoffSession = BackoffSession;
exports.Concurrency = Concurrency;
exports.Decision = Decision;
exports.GroupDecision = GroupDecision;
exports.KeyedLimiter = KeyedLimiter;
exports.KeyedLimiterGroup = KeyedLimiterGroup;
exports.LimitDecision = LimitDecision;
exports.Limiter = Limiter;
exports.LimiterGroup = LimiterGroup;
exports.Permit = Permit;
exports.Policy = Policy;
exports.PolicyError = PolicyError;
exports.PolicyHandle = PolicyHandle;
exports.Quota = Quota;
exports.QuotaError = QuotaError;
exports.RateLimitExceeded = RateLimitExceeded;
exports.Reservation = Reservation;
exports.TimeoutError = TimeoutError;
exports.Tracker = Tracker;
exports.Verdict = Verdict;
exports.headers = headers;
exports.retry = retry;
