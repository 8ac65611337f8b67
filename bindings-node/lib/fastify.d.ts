// No types of Fastify are needed: what the plugin uses is said here.
import type { LimiterOptions as OfLimiter, PolicyLimitOptions as OfPolicy, Request as AnyRequest } from './middleware.js';

/** Every route of the instance that it is registered on: `app.register(plugin, { limiter })`. */
declare function plugin(app: any, options: plugin.PluginOptions): Promise<void>;

declare namespace plugin {
  type Request = AnyRequest;
  type LimiterOptions<Req, Rep> = OfLimiter<Req, Rep>;
  type PolicyLimitOptions<Req, Rep> = OfPolicy<Req, Rep>;

  interface Reply {
    code(status: number): unknown;
    header(name: string, value: string): unknown;
    send(payload?: unknown): unknown;
    type(contentType: string): unknown;
  }

  type PluginOptions<Req extends Request = any, Rep extends Reply = any> = (LimiterOptions<Req, Rep> | PolicyLimitOptions<Req, Rep>) & {
    /** Where in a request's life it is asked (`onRequest`); `preHandler` comes after its body has been read. */
    hook?: 'onRequest' | 'preParsing' | 'preValidation' | 'preHandler';
  };

  /** A hook for one route: `{ onRequest: rateLimit({ limiter }) }`. A denied request is answered here, and goes no further. */
  function rateLimit<Req extends Request = any, Rep extends Reply = any>(
    options: LimiterOptions<Req, Rep> | PolicyLimitOptions<Req, Rep>,
  ): (request: any, reply: any) => Promise<unknown>;
}

export = plugin;
