// What middleware of all frameworks is told.
import type { Decision, Dialect, KeyedLimiter, Permits, Policy, PolicyRequest, Verdict } from '../index.js';

/** What is read of a request if nothing is said: no framework's types are needed. */
export interface Request {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly originalUrl?: string | undefined;
  readonly ip?: string | undefined;
  readonly socket?: { readonly remoteAddress?: string | undefined } | undefined;
}

interface Common<Req, Reply, Answer> {
  /** How the answer says where its client stands; `draft-08`, or the policy's own. */
  dialect?: Dialect;
  /** Requests that are not limited. */
  skip?: (request: Req) => boolean | Promise<boolean>;
  /** Answers a denied request in place of a plain text; status and header fields are set. */
  denied?: (request: Req, reply: Reply, answer: Answer) => unknown;
}

export interface LimiterOptions<Req, Reply> extends Common<Req, Reply, Decision> {
  limiter: KeyedLimiter;
  policy?: undefined;
  /** Who asks: the request's address, if not said. Behind a proxy, tell the framework which to trust. */
  key?: (request: Req) => string | Promise<string>;
  cost?: Permits | ((request: Req) => Permits | Promise<Permits>);
  /** Of the limit, in dialects that say it. */
  name?: string;
}

export interface PolicyLimitOptions<Req, Reply> extends Common<Req, Reply, Verdict> {
  policy: Policy;
  limiter?: undefined;
  /** What the policy is asked, the endpoint apart; `{ scopes: { ip } }` if not said. */
  request?: (request: Req) => PolicyRequest | Promise<PolicyRequest>;
}

export type RateLimitOptions<Req, Reply> = LimiterOptions<Req, Reply> | PolicyLimitOptions<Req, Reply>;
