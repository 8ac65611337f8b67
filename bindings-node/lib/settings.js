'use strict';
// What the constructors are given, as the addon takes it.

const { kind, wrongType } = require('./errors.js');
const { quotaText } = require('./quota.js');

/** The options of a limiter, checked; a clock is asked by whoever calls this, last. */
function settings(quota, options) {
  return {
    quota: quotaText(quota),
    algorithm: text(options.algorithm, 'algorithm'),
    ...anchored(options.anchor),
    refill: text(options.refill, 'refill'),
    initial: options.initial,
  };
}

function clockOf({ clock }) {
  if (clock !== undefined && typeof clock !== 'function') throw wrongType(`clock must be a function; received ${kind(clock)}`);
  return clock;
}

function text(value, name) {
  if (value !== undefined && typeof value !== 'string') throw wrongType(`${name} must be a string; received ${kind(value)}`);
  return value;
}

/** The addon takes an offset apart from the names. */
function anchored(anchor) {
  if (anchor === undefined || typeof anchor === 'string') return { anchor };
  const offset = anchor?.offset;
  if (typeof offset === 'number' || typeof offset === 'bigint') return { offset };
  throw wrongType("anchor must be 'clock', 'first-use' or { offset } in milliseconds (number) or nanoseconds (bigint)");
}

/** To the addon, an origin left out says that there is no clock. */
function reading(now) {
  if (typeof now === 'number' || typeof now === 'bigint') return now;
  throw wrongType(`a clock must return a number of milliseconds or a bigint of nanoseconds; received ${kind(now)}`);
}

module.exports = { clockOf, reading, settings, text };
