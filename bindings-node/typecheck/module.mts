// Compiled, never run: what the types allow and, by @ts-expect-error, what they refuse.
import {
  type Clock, Concurrency, Decision, headers, Limiter, type LimiterOptions, Permit, Policy, Quota, QuotaError, Tracker, Verdict,
  GroupDecision, KeyedLimiter, KeyedLimiterGroup, LimiterGroup, PolicyHandle, Reservation,
} from 'tidegate';
import { rateLimit } from 'tidegate/express';
import { TidegateStore } from 'tidegate/express-rate-limit';
import plugin, { rateLimit as hook } from 'tidegate/fastify';
import { limitedFetch } from 'tidegate/fetch';
import { RateLimiterMemory, RateLimiterRes } from 'tidegate/rate-limiter-flexible';

/** Compiles only if both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>): void => {};

const limiter = new Limiter('300/min burst 50');
const allowed = limiter.tryAcquire();
same<typeof allowed, boolean>(true);
const decision = limiter.take(2);
same<typeof decision, Decision>(true);
same<typeof decision.retryAfterMs, number | null>(true);
same<typeof decision.retryAfterNs, bigint | null>(true);
same<typeof decision.binding, string | undefined>(true);
limiter.peek(2n ** 60n);
limiter.charge(5);
const nothing = limiter.refund(1);
same<typeof nothing, void>(true);
limiter.reset();

const clock: Clock = () => 0n;
const options: LimiterOptions = { algorithm: 'fixed-window', anchor: { offset: 5 }, refill: 'interval', initial: 3n, clock };
new Limiter(Quota.make(10, 1_000_000_000n, 20), options);
new Limiter('1/s', { clock: () => Date.now() });
new Limiter('1/s', { anchor: 'first-use' });
const period = Quota.parse('1/s').periodNs;
same<typeof period, bigint>(true);

declare const error: unknown;
if (error instanceof QuotaError) {
  same<typeof error.position, number | undefined>(true);
  const range: RangeError = error;
  void range;
}

// @ts-expect-error a quota is text or a Quota
new Limiter(300);
// @ts-expect-error no such algorithm
new Limiter('1/s', { algorithm: 'leaky' });
// @ts-expect-error clocks answer with a time
new Limiter('1/s', { clock: () => 'now' });
// @ts-expect-error no such option
new Limiter('1/s', { algorthm: 'gcra' });
// @ts-expect-error costs are numbers
limiter.tryAcquire('1');
// @ts-expect-error decisions are read, not written
decision.allowed = true;
// @ts-expect-error decisions come from limiters
new Decision();
// @ts-expect-error quotas come from `parse` and `make`
new Quota('1/s');
// @ts-expect-error might be never
const wait: number = decision.retryAfterMs;

const limit = new Concurrency(5);
const entered = await limit.enter(1, { timeoutMs: 5, signal: new AbortController().signal });
same<typeof entered, Permit>(true);
const ran = await limit.run(async () => 5, { n: 2 });
same<typeof ran, number>(true);
const nobody = limit.tryEnter();
same<typeof nobody, Permit | null>(true);
const policy = Policy.fromFile('mailiam.toml', { maxKeys: 5n, clock });
const verdict = policy.take({ plan: 'free', endpoint: 'POST /v1/x/send', scopes: { 'api-key': 'k' }, units: { emails: 40 } });
const fields = verdict.headers('x-ratelimit');
same<typeof fields, Record<string, string>>(true);
same<typeof verdict.retryAfterMs, number | null>(true);
headers({ minute: decision }, 'draft-08');
const tracker = new Tracker({ maxWaitMs: 5 });
tracker.observe({ status: 429, headers: { 'retry-after': '5' } }, 'send');
tracker.observe({ status: 200, headers: new Map([['retry-after', '5']]) });
const delay = tracker.nextDelay();
same<typeof delay, number>(true);

// @ts-expect-error no such dialect
verdict.headers('draft-12');
// @ts-expect-error keys are strings
policy.take({ scopes: { ip: 5 } });
// @ts-expect-error verdicts come from policies
new Verdict();

const keyed = new KeyedLimiter('5/s');
const middleware = rateLimit({ limiter: keyed, key: (request: { ip: string; statusCode?: never }) => request.ip, dialect: 'draft-07' });
rateLimit({ policy, request: () => ({ scopes: { ip: 'i' } }), denied: (_request, _response, { code }) => code });
middleware({ ip: 'i' }, { statusCode: 200, setHeader() {}, end() {} }, () => {});
// @ts-expect-error a keyed limiter or a policy
rateLimit({ limiter });
const store: { increment(key: string): { totalHits: number } } = new TidegateStore({ maxKeys: 5 });
store.increment('k');
const polite = limitedFetch({ maxRetries: 1 });
const answered: Promise<Response> = polite('http://a.test', { method: 'GET' });
void answered;
const consumed = await new RateLimiterMemory({ points: 5, duration: 1 }).consume('k', 2);
same<typeof consumed, RateLimiterRes>(true);

const group = new LimiterGroup({ hour: '100/h', day: limiter, other: Quota.parse('1/s') });
const waited = await group.acquire(1, { timeoutMs: 5n, ref: true });
same<typeof waited, GroupDecision>(true);
const binding = group.take().binding;
same<typeof binding, string>(true);
const place = group.reserve(2, { maxWaitMs: 5 });
same<typeof place, Reservation<GroupDecision>>(true);
const settled = limiter.reserve().settle(3n);
same<typeof settled, Decision>(true);
const each = new KeyedLimiterGroup({ hour: '100/h', keyed, all: limiter }, { maxKeys: 10, whenFull: 'refuse' });
const eachTaken = each.take('k', 2);
same<typeof eachTaken, GroupDecision>(true);
const forgotten = each.reset('k');
same<typeof forgotten, boolean>(true);
const data = eachTaken.toJSON();
same<typeof data.retryAfterMs, number | null>(true);
const handle = PolicyHandle.fromFile('a.toml', { carry: 'proportional', clock });
handle.reload('a.toml');
rateLimit({ policy: handle });
void plugin({}, { limiter: keyed, hook: 'preHandler', key: (request: { headers: { 'x-key': string } }) => request.headers['x-key'] });
const route: (request: { ip: string }, reply: any) => Promise<unknown> = hook({ limiter: keyed, key: ({ ip }: { ip: string }) => ip });
void route;

// @ts-expect-error groups cannot owe
group.charge(1);
// @ts-expect-error a group of single limits has no keys
new LimiterGroup({ hour: keyed });
// @ts-expect-error handles are loaded
new PolicyHandle();
// @ts-expect-error no such hook
void plugin({}, { limiter: keyed, hook: 'onSend' });
