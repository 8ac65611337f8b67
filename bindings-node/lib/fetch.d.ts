import type { KeyedLimiter, Limiter, TrackerOptions } from '../index.js';

/** Whatever `fetch` is called with: that of Node, of a browser's types, or one's own. */
type Fetch = (input: any, init?: any) => Promise<any>;

export interface LimitedFetchOptions<F extends Fetch> {
  /** The global one, if not said. */
  fetch?: F;
  /** A limit of one's own beside the server's; a keyed one counts each origin. */
  limiter?: Limiter | KeyedLimiter;
  /** What the server counts apart: the name of a request's route. One for each origin, if not said. */
  route?: (url: URL, init?: any) => string;
  /** How often a refused request (429 or 503) is sent again (2), if its body can be. */
  maxRetries?: number;
  /** How many origins are remembered (100). */
  maxOrigins?: number;
  tracker?: TrackerOptions;
  /** In place of a timer. */
  sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** A `fetch` that waits as the responses of each origin say. */
export function limitedFetch<F extends Fetch = typeof globalThis extends { fetch: infer G extends Fetch } ? G : Fetch>(options?: LimitedFetchOptions<F>): F;
