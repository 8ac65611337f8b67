// The same names through `require`.
import tidegate = require('tidegate');

const decision: tidegate.Decision = new tidegate.Limiter('1/s').take();
const remaining: number = decision.remaining;
void remaining;
