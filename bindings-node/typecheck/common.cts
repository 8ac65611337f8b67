// The same names through `require`.
import tidegate = require('tidegate');
import plugin = require('tidegate/fastify');

const decision: tidegate.Decision = new tidegate.Limiter('1/s').take();
const remaining: number = decision.remaining;
void remaining;
void plugin({}, { limiter: new tidegate.KeyedLimiter('1/s') });
plugin.rateLimit({ limiter: new tidegate.KeyedLimiter('1/s') });
