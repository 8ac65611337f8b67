/*
 * What comes after a denial, and what is in flight: backoff, retry budgets, concurrency. Compiles as C99 to C17 and as C++11 to C++20.
 */
#include "common.h"

static void backoffs(void) {
  tidegate_backoff_options options;
  tidegate_backoff b, kept;
  uint64_t delay = 0, seed = 0, other_seed = 0;
  uint32_t retries = 9;
  unsigned n;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.base_ns = SECOND;
  options.max_delay_ns = 5 * SECOND;
  options.max_retries = 4;
  options.flags = TIDEGATE_SET_MAX_DELAY | TIDEGATE_SET_MAX_RETRIES;
  OK(tidegate_backoff_start(&options, &b));
  for (n = 0; n < 3; n++) {
    OK(tidegate_backoff_next(&b, 0, &delay));
    CHECK(delay == (SECOND << n));
  }
  OK(tidegate_backoff_next(&b, 90 * SECOND, &delay));
  CHECK(delay == 90 * SECOND);
  OK(tidegate_backoff_next(&b, 0, &delay));
  CHECK(delay == TIDEGATE_NEVER);
  OK(tidegate_backoff_retries(&b, &retries));
  CHECK(retries == 4);
  OK(tidegate_backoff_reset(&b));
  OK(tidegate_backoff_next(&b, 0, &delay));
  CHECK(delay == SECOND);

  /* No cap of its own, and no cap is not a cap of 0. */
  options.flags = 0;
  OK(tidegate_backoff_start(&options, &b));
  for (n = 0; n < 100; n++) OK(tidegate_backoff_next(&b, 0, &delay));
  CHECK(delay == UINT64_MAX);
  options.flags = TIDEGATE_SET_MAX_DELAY;
  options.max_delay_ns = 0;
  OK(tidegate_backoff_start(&options, &b));
  OK(tidegate_backoff_next(&b, 0, &delay));
  CHECK(delay == 0);

  /* Time that the attempts took counts. */
  options.flags = TIDEGATE_SET_MAX_ELAPSED;
  options.max_elapsed_ns = 10 * SECOND;
  OK(tidegate_backoff_start_at(&options, 0, &b));
  OK(tidegate_backoff_next_at(&b, 9 * SECOND, 0, &delay));
  CHECK(delay == SECOND);
  OK(tidegate_backoff_next_at(&b, 10 * SECOND + 1, 0, &delay));
  CHECK(delay == TIDEGATE_NEVER);
  OK(tidegate_backoff_reset_at(&b, 100 * SECOND));
  OK(tidegate_backoff_next_at(&b, 100 * SECOND, 0, &delay));
  CHECK(delay == SECOND);

  /* Two of a process do not share a sequence, unless they are told to. */
  options.flags = 0;
  options.jitter = TIDEGATE_JITTER_FULL;
  tidegate_backoff_add_entropy(42);
  OK(tidegate_backoff_start(&options, &b));
  OK(tidegate_backoff_start(&options, &kept));
  OK(tidegate_backoff_seed(&b, &seed));
  OK(tidegate_backoff_seed(&kept, &other_seed));
  CHECK(seed != other_seed);
  options.flags = TIDEGATE_SET_SEED;
  options.seed = seed;
  OK(tidegate_backoff_start(&options, &kept));
  OK(tidegate_backoff_next(&b, 0, &delay));
  OK(tidegate_backoff_next(&kept, 0, &other_seed));
  CHECK(delay == other_seed);

  /* What would be ignored is refused, and nothing is written. */
  memset(&b, 0, sizeof b);
  options.step_ns = 1;
  CHECK(tidegate_backoff_start(&options, &b) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  options.step_ns = 0;
  options.jitter_ns = 1;
  CHECK(tidegate_backoff_start(&options, &b) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  options.jitter_ns = 0;
  options.factor_numerator = 1;
  CHECK(tidegate_backoff_start(&options, &b) == TIDEGATE_ERROR_RANGE);
  options.factor_denominator = 2;
  CHECK(tidegate_backoff_start(&options, &b) == TIDEGATE_ERROR_RANGE);
  options.schedule = TIDEGATE_CONSTANT;
  CHECK(tidegate_backoff_start(&options, &b) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  options.factor_numerator = options.factor_denominator = 0;
  options.schedule = (tidegate_schedule)77;
  CHECK(tidegate_backoff_start(&options, &b) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  options.schedule = TIDEGATE_CONSTANT;
  options.jitter = (tidegate_jitter)-1;
  CHECK(tidegate_backoff_start(&options, &b) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  options.jitter = TIDEGATE_JITTER_NONE;
  options.flags = 1;
  CHECK(tidegate_backoff_start(&options, &b) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  options.flags = 0;
  options.struct_size = 1;
  CHECK(tidegate_backoff_start(&options, &b) == TIDEGATE_ERROR_STRUCT_SIZE);
  CHECK(b.mark == 0);
  delay = 1;
  CHECK(tidegate_backoff_next(&b, 0, &delay) == TIDEGATE_ERROR_NOT_INITIALIZED && delay == 1);
  CHECK(tidegate_backoff_reset(&b) == TIDEGATE_ERROR_NOT_INITIALIZED);
  /* Whatever is written over one, it answers or refuses. */
  options.struct_size = sizeof options;
  OK(tidegate_backoff_start(&options, &kept));
  for (n = 8; n < sizeof kept; n++) {
    b = kept;
    memset((unsigned char *)&b + n, 0xff, sizeof b - n);
    CHECK(tidegate_backoff_next_at(&b, UINT64_MAX, UINT64_MAX, &delay) <= TIDEGATE_OK);
  }
}

static void budgets(void) {
  tidegate_retry_budget *b = NULL;
  bool allowed = false;
  uint64_t cost = 0, tokens = 0;
  unsigned n, granted = 0;
  OK(tidegate_retry_budget_new(TIDEGATE_RETRY_AWS_2_1, &b));
  OK(tidegate_retry_budget_request_at(b, 0));
  OK(tidegate_retry_budget_try_retry_at(b, 0, TIDEGATE_FAILURE_TRANSIENT, &allowed, &cost));
  CHECK(allowed && cost == 14);
  OK(tidegate_retry_budget_tokens_at(b, 0, &tokens));
  CHECK(tokens == 486);
  OK(tidegate_retry_budget_success_at(b, 0, cost));
  OK(tidegate_retry_budget_success_at(b, 0, TIDEGATE_NO_RETRY));
  OK(tidegate_retry_budget_tokens_at(b, 0, &tokens));
  CHECK(tokens == 500);
  for (n = 0; n < 1000; n++) {
    OK(tidegate_retry_budget_try_retry_at(b, 0, TIDEGATE_FAILURE_THROTTLED, &allowed, NULL));
    granted += allowed;
  }
  CHECK(granted == 100);
  OK(tidegate_retry_budget_success_at(b, 0, UINT64_MAX - 1));
  OK(tidegate_retry_budget_tokens_at(b, 0, &tokens));
  CHECK(tokens == 500);
  CHECK(tidegate_retry_budget_try_retry_at(b, 0, (tidegate_failure)3, &allowed, NULL) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  OK(tidegate_retry_budget_reset(b));
  OK(tidegate_retry_budget_free(b));

  OK(tidegate_retry_budget_new_throttle(10, 100, &b));
  OK(tidegate_retry_budget_give_up_at(b, 0));
  OK(tidegate_retry_budget_tokens_at(b, 0, &tokens));
  CHECK(tokens == 9000);
  OK(tidegate_retry_budget_free(b));
  OK(tidegate_retry_budget_new_share(10 * SECOND, 10, 20, 100, &b));
  OK(tidegate_retry_budget_tokens_at(b, 0, &tokens));
  CHECK(tokens == 100);
  OK(tidegate_retry_budget_free(b));
  OK(tidegate_retry_budget_new_tokens(3, 1, 2, 3, 1, &b));
  OK(tidegate_retry_budget_free(b));
  b = NULL;
  CHECK(tidegate_retry_budget_new_tokens(0, 1, 2, 3, 1, &b) == TIDEGATE_ERROR_RANGE);
  CHECK(tidegate_retry_budget_new_throttle(1001, 100, &b) == TIDEGATE_ERROR_RANGE);
  CHECK(tidegate_retry_budget_new_share(0, 10, 20, 100, &b) == TIDEGATE_ERROR_RANGE);
  CHECK(tidegate_retry_budget_new_share(SECOND, 10, 20, 0, &b) == TIDEGATE_ERROR_RANGE);
  CHECK(tidegate_retry_budget_new((tidegate_retry_preset)4, &b) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  CHECK(b == NULL);
}

static void concurrency(void) {
  tidegate_concurrency *c = NULL;
  tidegate_permit one, two;
  uint64_t n = 9;
  bool entered = true;
  memset(&one, 0, sizeof one);
  memset(&two, 0, sizeof two);
  OK(tidegate_concurrency_new(3, &c));
  CHECK(tidegate_concurrency_try_enter(c, 2, &one) && one.permits == 2);
  CHECK(!tidegate_concurrency_try_enter(c, 2, &two) && two.mark == 0);
  OK(tidegate_concurrency_in_flight(c, &n));
  CHECK(n == 2);
  OK(tidegate_concurrency_enter(c, 2, 0, &two, &entered));
  CHECK(!entered && two.mark == 0);
  CHECK(tidegate_concurrency_enter(c, 4, UINT64_MAX, &two, &entered) == TIDEGATE_ERROR_NEVER);
  OK(tidegate_concurrency_enter(c, 1, UINT64_MAX, &two, &entered));
  CHECK(entered && two.permits == 1);
  OK(tidegate_concurrency_set_limit(c, 1));
  OK(tidegate_concurrency_limit(c, &n));
  CHECK(n == 1);
  OK(tidegate_concurrency_leave(c, &one));
  /* Once. */
  CHECK(tidegate_concurrency_leave(c, &one) == TIDEGATE_ERROR_NOT_BOOKED);
  OK(tidegate_concurrency_in_flight(c, &n));
  CHECK(n == 1 && !tidegate_concurrency_try_enter(c, 1, &one));
  OK(tidegate_concurrency_leave(c, &two));
  CHECK(tidegate_concurrency_try_enter(c, 0, &two) && tidegate_concurrency_try_enter(c, 1, &one));
  OK(tidegate_concurrency_leave(c, &two));
  OK(tidegate_concurrency_leave(c, &one));
  CHECK(tidegate_concurrency_set_limit(c, 0) == TIDEGATE_ERROR_RANGE);
  CHECK(tidegate_concurrency_set_limit(c, UINT64_C(1) << 31) == TIDEGATE_ERROR_RANGE);
  OK(tidegate_concurrency_free(c));
  c = NULL;
  CHECK(tidegate_concurrency_new(0, &c) == TIDEGATE_ERROR_RANGE && c == NULL);
}

int main(void) {
  backoffs();
  budgets();
  concurrency();
  return checks_end("retries");
}
