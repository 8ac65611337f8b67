// What a limiter answers.

/** What a limiter answered. Its figures are read one by one; two decisions are compared by what `toJSON` says. */
export class Decision {
  protected constructor();
  /** Whether the call may go ahead; `take` and `charge` have then spent it. */
  readonly allowed: boolean;
  /** The capacity in permits. Rounded above 2 ** 53 - 1. */
  readonly limit: number;
  /** The largest cost that would be allowed right after this, at the same time. Rounded above 2 ** 53 - 1. */
  readonly remaining: number;
  /** The wait until the same call is allowed, if nobody else calls: 0 if it was, null if it never will be. */
  readonly retryAfterMs: number | null;
  /** The wait until the limiter is as good as new, if nobody else calls; Infinity beyond the end of its clock. */
  readonly resetAfterMs: number;
  /** Of a group of limiters: the name of the one that decided. */
  readonly binding?: string | undefined;
  /** Exact. */
  readonly limitBigInt: bigint;
  /** Exact. */
  readonly remainingBigInt: bigint;
  /** Exact, in nanoseconds. */
  readonly retryAfterNs: bigint | null;
  /** Exact, in nanoseconds; 2n ** 64n - 1n beyond the end of the clock. */
  readonly resetAfterNs: bigint;
  /** As plain data: to be logged, sent, and compared. */
  toJSON(): DecisionFigures;
}

/** What a group answered: `binding` names the limit with the longest wait, or, if allowed, the least share left. */
export class GroupDecision extends Decision {
  private constructor();
  readonly binding: string;
}

/** A decision as plain data. */
export interface DecisionFigures {
  allowed: boolean;
  limit: number;
  remaining: number;
  retryAfterMs: number | null;
  resetAfterMs: number;
  binding?: string;
}
