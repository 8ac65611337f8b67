// Compiled, never run: the middleware under the types of the frameworks themselves.
import express from 'express';
import Fastify from 'fastify';
import { KeyedLimiter, PolicyHandle } from 'tidegate';
import { rateLimit } from 'tidegate/express';
import limits, { rateLimit as hook } from 'tidegate/fastify';
import { limitedFetch } from 'tidegate/fetch';

const limiter = new KeyedLimiter('100/min');
const policy = PolicyHandle.fromFile('provider.toml');

const app = express();
app.set('trust proxy', 1);
app.use(rateLimit({ limiter }));
app.use(rateLimit({ limiter, key: (request: express.Request) => request.get('x-key') ?? request.ip ?? '' }));
app.use(rateLimit({ policy, request: (request: express.Request) => ({ plan: 'free', scopes: { 'api-key': request.get('x-key') } }) }));
app.get('/', rateLimit({ limiter, cost: 5 }), (_request, response) => {
  response.json({});
});

const fast = Fastify();
fast.register(limits, { limiter });
fast.register(limits, { policy, hook: 'preHandler', denied: (_request, reply) => reply.send({ sorry: true }) });
fast.get('/', { onRequest: hook({ limiter }) }, async () => 'hello');
fast.get('/two', { preHandler: [hook({ limiter }), hook({ policy })] }, async () => 'hello');

const polite = limitedFetch({ maxRetries: 1 });
export const answer: Promise<Response> = polite('http://a.test', { method: 'POST', body: 'text' });
