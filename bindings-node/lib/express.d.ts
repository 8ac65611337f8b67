// No types of Express or Node are needed: what the middleware uses is said here.
import type { RateLimitOptions, Request } from './middleware.js';

export type { LimiterOptions, PolicyLimitOptions, RateLimitOptions, Request } from './middleware.js';

export interface Response {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(text?: string): unknown;
}

/** Middleware for Express, Connect and `node:http`: a request spends, the answer says where its client stands, a denied one is a 429. */
export function rateLimit<Req extends Request = any, Res extends Response = any>(
  options: RateLimitOptions<Req, Res>,
): (request: Req, response: Res, next: (error?: unknown) => void) => void;
