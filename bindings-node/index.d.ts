// Everything that `tidegate` exports, by subject.
export * from './lib/common.js';
export * from './lib/decision.js';
export * from './lib/quota.js';
export * from './lib/errors.js';
export * from './lib/gate.js';
export * from './lib/limiter.js';
export * from './lib/group.js';
export * from './lib/backoff.js';
export * from './lib/concurrency.js';
export * from './lib/policy.js';
export * from './lib/headers.js';
