// No types of Express or Node are needed: what the middleware uses is said here.
import type { Decision, Dialect, KeyedLimiter, Permits, Policy, PolicyRequest, Verdict } from '../index.js';

export interface Request {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly originalUrl?: string | undefined;
  readonly ip?: string | undefined;
  readonly socket?: { readonly remoteAddress?: string | undefined } | undefined;
}

export interface Response {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(text?: string): unknown;
}

interface Common<Req, Res, Answer> {
  /** How the answer says where its client stands; `draft-08`, or the policy's own. */
  dialect?: Dialect;
  /** Requests that are not limited. */
  skip?: (request: Req) => boolean | Promise<boolean>;
  /** Answers a denied request in place of a plain text; status and header fields are set. */
  denied?: (request: Req, response: Res, answer: Answer) => unknown;
}

export interface LimiterOptions<Req = Request, Res = Response> extends Common<Req, Res, Decision> {
  limiter: KeyedLimiter;
  policy?: undefined;
  /** Who asks: the request's address, if not said. Behind a proxy, tell Express which to trust. */
  key?: (request: Req) => string | Promise<string>;
  cost?: Permits | ((request: Req) => Permits | Promise<Permits>);
  /** Of the limit, in dialects that say it. */
  name?: string;
}

export interface PolicyLimitOptions<Req = Request, Res = Response> extends Common<Req, Res, Verdict> {
  policy: Policy;
  limiter?: undefined;
  /** What the policy is asked, the endpoint apart; `{ scopes: { ip } }` if not said. */
  request?: (request: Req) => PolicyRequest | Promise<PolicyRequest>;
}

/** Middleware for Express, Connect and `node:http`: a request spends, the answer says where its client stands, a denied one is a 429. */
export function rateLimit<Req extends Request = any, Res extends Response = any>(
  options: LimiterOptions<Req, Res> | PolicyLimitOptions<Req, Res>,
): (request: Req, response: Res, next: (error?: unknown) => void) => void;
