'use strict';
// `Policy` and `Verdict`: the limits that a provider publishes, asked about one request. A verdict is a handle of the addon, asked for
// its figures when somebody wants to see them.

const { addon } = require('./native.js');
const { kind, named, options: optional, wrongType } = require('./errors.js');
const { fields } = require('./headers.js');
const { clockOf, reading, text } = require('./settings.js');

/** A policy that means nothing, with its place. */
class PolicyError extends RangeError {
  constructor({ message, file, line, column }) {
    super(message);
    this.code = 'ERR_POLICY';
    this.file = file;
    if (line !== undefined) this.line = line;
    if (column !== undefined) this.column = column;
  }
}
named(PolicyError, 'PolicyError');

const KEY = Symbol('Policy');
const KINDS = 'fromFile(path), .fromToml(text) or .fromJson(text)';

function required(value, name) {
  if (typeof value !== 'string') throw wrongType(`${name} must be a string; received ${kind(value)}`);
  return value;
}

/** What the addon loaded, unless it refused. */
function loaded(answer) {
  if (answer.file !== undefined) throw new PolicyError(answer);
  return answer;
}

/** The pairs of an object or a map; undefined ones are as if not there. */
function pairs(mapping, name) {
  if (mapping === undefined) return [];
  if (typeof mapping !== 'object' || mapping === null) throw wrongType(`${name} must be an object; received ${kind(mapping)}`);
  const entries = mapping instanceof Map ? [...mapping] : Object.entries(mapping);
  return entries.filter(([, value]) => value !== undefined);
}

/** Where a policy comes from, as the addon takes it. JSON if the name of a file ends in .json, TOML otherwise. */
const fromFile = (path) => ({ file: required(path, 'path'), json: false });
const fromText = (given, json, { file }) => ({ text: required(given, 'text'), file: text(file, 'file') ?? `policy.${json ? 'json' : 'toml'}`, json });

function load(Class, source, options) {
  const { maxKeys, enforceExamples, carry } = options;
  if (enforceExamples !== undefined && typeof enforceExamples !== 'boolean') {
    throw wrongType(`enforceExamples must be a boolean; received ${kind(enforceExamples)}`);
  }
  const clock = clockOf(options);
  const asked = { ...source, maxKeys, enforceExamples, carry: text(carry, 'carry') };
  // Last, when nothing else can be wrong.
  if (clock !== undefined) asked.now = reading(clock());
  return new Class(KEY, loaded(addon.loadPolicy(asked)), clock);
}

/** Exchanges what a policy holds; `PolicyHandle` alone may. */
let reload;

class Policy {
  #policy;
  #clock;
  #read;

  constructor(key, policy, clock) {
    if (key !== KEY) throw wrongType(`use ${new.target.name}.${KINDS}`);
    this.#policy = policy;
    this.#clock = clock;
  }

  /** JSON if the name ends in .json, TOML otherwise. */
  static fromFile(path, options) {
    return load(this, fromFile(path), optional(options));
  }

  static fromToml(toml, options) {
    const given = optional(options);
    return load(this, fromText(toml, false, given), given);
  }

  static fromJson(json, options) {
    const given = optional(options);
    return load(this, fromText(json, true, given), given);
  }

  static {
    reload = (policy, source) => {
      const now = policy.#now;
      const refused = addon.reloadPolicy(policy.#policy, now === undefined ? source : { ...source, now });
      if (refused) throw new PolicyError(refused);
      policy.#read = undefined;
    };
  }

  get #parts() {
    return (this.#read ??= addon.policyParts(this.#policy));
  }

  get #now() {
    return this.#clock === undefined ? undefined : reading(this.#clock());
  }

  get provider() {
    return this.#parts.provider;
  }

  get limits() {
    return [...this.#parts.limits];
  }

  get dialect() {
    return this.#parts.dialect ?? null;
  }

  take(request) {
    return this.#ask(true, request);
  }

  peek(request) {
    return this.#ask(false, request);
  }

  /** The same policy with nothing counted yet. */
  anew() {
    return new this.constructor(KEY, addon.policyAnew(this.#policy), this.#clock);
  }

  #ask(spend, request) {
    const { plan, customer, endpoint, zone, cost, scopes, units } = optional(request);
    const amounts = pairs(units, 'units');
    const asked = {
      spend,
      plan: text(plan, 'plan'),
      customer: text(customer, 'customer'),
      endpoint: text(endpoint, 'endpoint'),
      zone: text(zone, 'zone'),
      cost,
      scopes: pairs(scopes, 'scopes').flatMap(([scope, key]) => [required(scope, 'a scope'), required(key, `the ${scope}`)]),
      units: amounts.map(([unit]) => required(unit, 'a unit')),
      amounts: amounts.map(([, amount]) => amount),
    };
    // Last, when only the request itself can be wrong.
    const now = this.#now;
    if (now !== undefined) asked.now = now;
    return new Verdict(KEY, addon.askPolicy(this.#policy, asked));
  }

  [Symbol.for('nodejs.util.inspect.custom')]() {
    return `${this.constructor.name} { provider: '${this.provider}', limits: ${this.#parts.limits.length} }`;
  }
}

/** A policy that is exchanged for another while it is asked. A file that is refused leaves the last good one in force. */
class PolicyHandle extends Policy {
  reload(path) {
    reload(this, fromFile(path));
  }

  reloadToml(toml, options) {
    reload(this, fromText(toml, false, optional(options)));
  }

  reloadJson(json, options) {
    reload(this, fromText(json, true, optional(options)));
  }
}

const millis = (nanos) => (nanos === undefined || nanos === null ? null : Number(nanos) / 1e6);

/** What one limit said. */
class LimitDecision {
  constructor(key, parts) {
    if (key !== KEY) throw wrongType('the decisions of limits are parts of a Verdict');
    this.id = parts.id;
    this.scope = parts.scope;
    this.unit = parts.unit;
    this.allowed = parts.allowed;
    this.shadow = parts.shadow;
    this.never = parts.never;
    this.cost = Number(parts.cost);
    this.limit = Number(parts.limit);
    this.remaining = Number(parts.remaining);
    this.used = Number(parts.used);
    this.retryAfterMs = millis(parts.retryAfter);
    this.resetAfterMs = millis(parts.resetAfter);
    this.resetsAt = parts.resetsAt ?? null;
  }
}

/** What a policy answered to one request. It holds the request's places in limits of requests at the same time. */
class Verdict {
  #verdict;
  #read;
  #limits;

  constructor(key, verdict) {
    if (key !== KEY) throw wrongType('verdicts are made by policy.take()');
    this.#verdict = verdict;
    this.allowed = addon.verdictAllowed(verdict);
  }

  get #parts() {
    return (this.#read ??= addon.verdictParts(this.#verdict));
  }

  /** Every limit that was met, in the order of the file, those in shadow last. */
  get limits() {
    return [...this.#decisions];
  }

  get #decisions() {
    return (this.#limits ??= this.#parts.limits.map((parts) => new LimitDecision(KEY, parts)));
  }

  get decision() {
    const { binding } = this.#parts;
    return binding === undefined || binding === null ? null : this.#decisions[binding];
  }

  get binding() {
    return this.decision?.id ?? null;
  }

  get scope() {
    return this.decision?.scope ?? null;
  }

  get retryAfterMs() {
    return millis(this.#parts.retryAfter);
  }

  get retryAfterNs() {
    return this.#parts.retryAfter ?? null;
  }

  get never() {
    return this.#parts.never;
  }

  get code() {
    return this.#parts.code ?? null;
  }

  get status() {
    return this.#parts.status;
  }

  /** "Check your current quota", of the limit that binds. */
  quota() {
    const bound = this.decision;
    return bound && { used: bound.used, remaining: bound.remaining, limit: bound.limit, resetsAt: bound.resetsAt };
  }

  headers(dialect) {
    return fields(addon.verdictHeaders(this.#verdict, text(dialect, 'dialect')));
  }

  release() {
    return addon.verdictRelease(this.#verdict);
  }

  [Symbol.for('nodejs.util.inspect.custom')]() {
    return `Verdict { allowed: ${this.allowed}, binding: ${this.binding === null ? null : `'${this.binding}'`} }`;
  }
}
if (Symbol.dispose) {
  Object.defineProperty(Verdict.prototype, Symbol.dispose, {
    value() {
      this.release();
    },
    configurable: true,
    writable: true,
  });
}

module.exports = { LimitDecision, Policy, PolicyError, PolicyHandle, Verdict };
