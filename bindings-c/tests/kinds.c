/*
 * The kinds besides the plain limiter: keyed limiters, groups, words, reservations, other quotas, snapshots, concurrency, backoff, retry budgets,
 * headers.
 *
 * Compiles as C99 to C17 and as C++11 to C++20. Time is given by the test; one call waits for a millisecond.
 */
#include <tidegate.h>

#include <stdlib.h>
#include <string.h>

#include "check.h"

#define SECOND UINT64_C(1000000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define OK(call) CHECK((call) == TIDEGATE_OK)

static tidegate_quota quota_of(const char *text) {
  tidegate_quota quota;
  memset(&quota, 0, sizeof quota);
  OK(tidegate_quota_parse(text, &quota, NULL));
  return quota;
}

static void quota_texts(void) {
  const char *const texts[] = {"300/min burst 50", "1/2h", "50/h from first use", "10/h offset 5min", "7/7ns",
                               "1000 per calendar day in Europe/Paris"};
  size_t n;
  for (n = 0; n < sizeof texts / sizeof *texts; n++) {
    tidegate_quota quota = quota_of(texts[n]);
    char text[128];
    size_t length = 0;
    memset(text, 'x', sizeof text);
    OK(tidegate_quota_format(&quota, text, sizeof text, &length));
    CHECK(strcmp(text, texts[n]) == 0 && length == strlen(texts[n]));
    memset(text, 'x', sizeof text);
    length = 0;
    CHECK(tidegate_quota_format(&quota, text, strlen(texts[n]), &length) == TIDEGATE_ERROR_BUFFER_TOO_SMALL);
    CHECK(length == strlen(texts[n]) && text[0] == 'x');
    CHECK(tidegate_quota_format(&quota, NULL, 0, &length) == TIDEGATE_ERROR_BUFFER_TOO_SMALL);
    OK(tidegate_quota_format(&quota, text, strlen(texts[n]) + 1, &length));
    CHECK(text[strlen(texts[n]) + 1] == 'x');
  }
}

static void calendars(void) {
  /* Summer time began in Paris on 2026-03-29: a day of 23 hours, from 2026-03-28T23:00Z on. */
  const uint64_t midnight = UINT64_C(1774738800) * SECOND;
  tidegate_quota quota, read = quota_of("2 per calendar day in europe/paris"), wrong;
  tidegate_limiter *l = NULL;
  tidegate_decision d;
  OK(tidegate_quota_make_calendar(2, TIDEGATE_CALENDAR_DAY, "Europe/Paris", &quota));
  CHECK(memcmp(&quota, &read, sizeof quota) == 0 && quota.anchor == TIDEGATE_ANCHOR_CALENDAR && quota.calendar != 0);
  OK(tidegate_limiter_new(TIDEGATE_FIXED_WINDOW, &quota, &l));
  CHECK(tidegate_limiter_try_acquire_at(l, midnight - 1, 2) && !tidegate_limiter_try_acquire_at(l, midnight - 1, 1));
  OK(tidegate_limiter_take_at(l, midnight, 2, &d));
  CHECK(d.allowed && d.reset_after_ns == 23 * HOUR);
  OK(tidegate_limiter_quota(l, &read));
  CHECK(memcmp(&quota, &read, sizeof quota) == 0);
  OK(tidegate_limiter_free(l));

  l = NULL;
  CHECK(tidegate_limiter_new(TIDEGATE_GCRA, &quota, &l) == TIDEGATE_ERROR_CALENDAR_NEEDS_WINDOW);
  wrong = quota;
  wrong.calendar = 12345;
  CHECK(tidegate_limiter_new(TIDEGATE_FIXED_WINDOW, &wrong, &l) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  wrong.calendar = 0;
  CHECK(tidegate_limiter_new(TIDEGATE_FIXED_WINDOW, &wrong, &l) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  wrong = quota;
  wrong.offset_ns = 1;
  CHECK(tidegate_limiter_new(TIDEGATE_FIXED_WINDOW, &wrong, &l) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  wrong = quota;
  wrong.anchor = TIDEGATE_ANCHOR_CLOCK;
  CHECK(tidegate_limiter_new(TIDEGATE_FIXED_WINDOW, &wrong, &l) == TIDEGATE_ERROR_UNKNOWN_VALUE && l == NULL);
  wrong = quota;
  CHECK(tidegate_quota_make_calendar(2, TIDEGATE_CALENDAR_DAY, "Europe/Pariss", &wrong) == TIDEGATE_ERROR_UNKNOWN_ZONE);
  CHECK(tidegate_quota_make_calendar(2, TIDEGATE_CALENDAR_DAY, NULL, &wrong) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_quota_make_calendar(2, TIDEGATE_CALENDAR_DAY, "\xff", &wrong) == TIDEGATE_ERROR_NOT_UTF8);
  CHECK(tidegate_quota_make_calendar(2, (tidegate_calendar_unit)5, "UTC", &wrong) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  CHECK(tidegate_quota_make_calendar(0, TIDEGATE_CALENDAR_YEAR, "UTC", &wrong) == TIDEGATE_ERROR_ZERO_LIMIT);
  CHECK(memcmp(&wrong, &quota, sizeof quota) == 0);
}

static void keyed(void) {
  tidegate_quota quota = quota_of("3/min");
  tidegate_keyed *k = NULL;
  tidegate_decision d;
  tidegate_reservation r, kept;
  bool known = false;
  size_t len = 0, bytes = 0;
  uint64_t evictions = 1;
  char *large = (char *)malloc(1 << 20);
  CHECK(large != NULL);
  if (large == NULL) return;
  memset(large, 'k', 1 << 20);
  OK(tidegate_keyed_new(TIDEGATE_GCRA, &quota, 1000, &k));

  OK(tidegate_keyed_take_at(k, "a", 1, 0, 3, &d));
  CHECK(d.allowed && d.limit == 3 && d.remaining == 0 && d.reset_after_ns == MINUTE);
  OK(tidegate_keyed_take_at(k, "a", 1, 0, 1, &d));
  CHECK(!d.allowed && d.retry_after_ns == 20 * SECOND);
  OK(tidegate_keyed_take_at(k, "a", 1, 0, 4, &d));
  CHECK(!d.allowed && d.retry_after_ns == TIDEGATE_NEVER);
  /* Another length, another key; a NUL is a byte as any other. */
  CHECK(tidegate_keyed_try_acquire_at(k, "ab", 2, 0, 3) && tidegate_keyed_try_acquire_at(k, "a\0", 2, 0, 3));
  CHECK(!tidegate_keyed_try_acquire_at(k, "a\0b", 2, 0, 1));
  /* No bytes at all, by either pointer; and a megabyte. */
  CHECK(tidegate_keyed_try_acquire_at(k, NULL, 0, 0, 3) && !tidegate_keyed_try_acquire_at(k, "", 0, 0, 1));
  CHECK(tidegate_keyed_try_acquire_at(k, large, 1 << 20, 0, 3) && !tidegate_keyed_try_acquire_at(k, large, 1 << 20, 0, 1));
  large[(1 << 20) - 1] = 'l';
  CHECK(tidegate_keyed_try_acquire_at(k, large, 1 << 20, 0, 3));
  OK(tidegate_keyed_len(k, &len));
  CHECK(len == 6);

  OK(tidegate_keyed_refund_at(k, "a", 1, 0, 2));
  OK(tidegate_keyed_peek_at(k, "a", 1, 0, 2, &d));
  CHECK(d.allowed && d.remaining == 2);
  OK(tidegate_keyed_charge_at(k, "a", 1, 0, 4, &d));
  CHECK(d.allowed && d.retry_after_ns == 40 * SECOND);
  OK(tidegate_keyed_reset(k, "a", 1, &known));
  CHECK(known);
  OK(tidegate_keyed_reset(k, "never seen", 10, &known));
  CHECK(!known);
  OK(tidegate_keyed_reset(k, "a", 1, NULL));
  OK(tidegate_keyed_peek_at(k, "a", 1, 0, 3, &d));
  CHECK(d.allowed && d.remaining == 3);

  OK(tidegate_keyed_reserve_at(k, "r", 1, 0, 3, 0, &r));
  CHECK(r.outcome == TIDEGATE_BOOKED && r.at_ns == 0 && r.delay_ns == 0 && r.cost == 3);
  OK(tidegate_keyed_reserve_at(k, "r", 1, 0, 1, 20 * SECOND - 1, &r));
  CHECK(r.outcome == TIDEGATE_REFUSED_WAIT_TOO_LONG && r.decision.retry_after_ns == 20 * SECOND);
  CHECK(tidegate_keyed_cancel_at(k, "r", 1, 0, &r) == TIDEGATE_ERROR_NOT_BOOKED);
  OK(tidegate_keyed_reserve_at(k, "r", 1, 0, 1, 20 * SECOND, &r));
  CHECK(r.outcome == TIDEGATE_BOOKED && r.delay_ns == 20 * SECOND);
  kept = r;
  OK(tidegate_keyed_cancel_at(k, "r", 1, 0, &r));
  CHECK(r.outcome == TIDEGATE_CANCELLED);
  CHECK(tidegate_keyed_cancel_at(k, "r", 1, 0, &r) == TIDEGATE_ERROR_NOT_BOOKED);
  OK(tidegate_keyed_reserve_at(k, "r", 1, 0, 1, UINT64_MAX, &r));
  CHECK(r.at_ns == kept.at_ns);

  OK(tidegate_keyed_memory(k, &bytes));
  OK(tidegate_keyed_evictions(k, &evictions));
  CHECK(bytes >= 16 * 1000 && bytes <= 22 * 1000 + 8192 && evictions == 0);
  OK(tidegate_keyed_clear(k));
  OK(tidegate_keyed_len(k, &len));
  CHECK(len == 0);
  OK(tidegate_keyed_free(k));
  free(large);
}

static uint64_t seven(void *context) {
  (void)context;
  return 7 * SECOND;
}

static void keyed_options(void) {
  tidegate_quota quota = quota_of("1/h");
  tidegate_keyed_options options;
  tidegate_keyed *k = NULL, *again = NULL;
  tidegate_decision d;
  unsigned n, granted = 0;
  size_t length = 0, len = 0;
  char *text;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.when_full = TIDEGATE_REFUSE;
  options.clock = seven;
  OK(tidegate_keyed_new_with(TIDEGATE_FIXED_WINDOW, &quota, 64, &options, &k));
  for (n = 0; n < 1000; n++) granted += tidegate_keyed_try_acquire(k, &n, sizeof n, 1);
  CHECK(granted <= 64 && granted >= 48);
  OK(tidegate_keyed_take(k, "newcomer", 8, 1, &d));
  CHECK(!d.allowed && d.retry_after_ns == HOUR - 7 * SECOND);

  CHECK(tidegate_keyed_snapshot(k, NULL, 0, &length) == TIDEGATE_ERROR_BUFFER_TOO_SMALL && length > 0);
  CHECK(length <= 512 + 43 * (size_t)granted);
  text = (char *)malloc(length + 1);
  CHECK(text != NULL);
  if (text == NULL) return;
  OK(tidegate_keyed_snapshot(k, text, length + 1, &length));
  OK(tidegate_keyed_from_snapshot(text, &again));
  OK(tidegate_keyed_len(again, &len));
  CHECK(len == granted);
  for (n = 0; n < 1000; n++) {
    OK(tidegate_keyed_peek_at(again, &n, sizeof n, 7 * SECOND, 1, &d));
    granted -= !d.allowed && d.limit == 1;
  }
  CHECK(granted == 0);
  OK(tidegate_keyed_free(again));
  again = NULL;
  text[length / 2] = '\0';
  CHECK(tidegate_keyed_from_snapshot(text, &again) == TIDEGATE_ERROR_SNAPSHOT && again == NULL);
  free(text);
  OK(tidegate_keyed_free(k));

  options.when_full = TIDEGATE_EVICT_NEAREST_IDLE;
  OK(tidegate_keyed_new_with(TIDEGATE_GCRA, &quota, 64, &options, &k));
  for (n = 0; n < 1000; n++) CHECK(tidegate_keyed_try_acquire(k, &n, sizeof n, 1));
  OK(tidegate_keyed_free(k));
  CHECK(tidegate_keyed_new(TIDEGATE_SLIDING_LOG, &quota, 64, &again) == TIDEGATE_ERROR_NEEDS_MEMORY);
  CHECK(tidegate_keyed_new(TIDEGATE_GCRA, &quota, 0, &again) == TIDEGATE_ERROR_RANGE);
  CHECK(tidegate_keyed_new(TIDEGATE_GCRA, &quota, SIZE_MAX, &again) == TIDEGATE_ERROR_MEMORY);
  CHECK(tidegate_keyed_new(TIDEGATE_GCRA, &quota, SIZE_MAX / 64, &again) == TIDEGATE_ERROR_MEMORY);
  CHECK(again == NULL);
}

static void words(void) {
  tidegate_quota quota = quota_of("10/s burst 2");
  tidegate_gcra g = TIDEGATE_GCRA_INIT;
  tidegate_rule rule, copy;
  tidegate_word w = TIDEGATE_WORD_INIT, many[100];
  tidegate_limiter_options options;
  tidegate_decision d;
  size_t n, granted = 0;

  CHECK(sizeof g == 8 && sizeof w == 8 && sizeof rule == 256 && sizeof(tidegate_backoff) == 256);
  OK(tidegate_gcra_take_at(&g, &quota, 0, 2, &d));
  CHECK(d.allowed && d.limit == 2 && d.remaining == 0);
  OK(tidegate_gcra_take_at(&g, &quota, SECOND / 10 - 1, 1, &d));
  CHECK(!d.allowed && d.retry_after_ns == 1);
  CHECK(tidegate_gcra_try_acquire_at(&g, &quota, SECOND / 10, 1));
  OK(tidegate_gcra_reset(&g));
  CHECK(g.tat == 0);

  OK(tidegate_rule_init(TIDEGATE_GCRA, &quota, NULL, &rule, NULL));
  copy = rule;
  memset(&rule, 0, sizeof rule);
  memset(many, 0, sizeof many);
  for (n = 0; n < 300; n++) granted += tidegate_word_try_acquire_at(&many[n % 100], &copy, 5, 1);
  CHECK(granted == 200);

  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.flags = TIDEGATE_SET_INITIAL | TIDEGATE_SET_ORIGIN;
  options.initial = 1;
  options.origin_ns = SECOND;
  options.refill = TIDEGATE_REFILL_INTERVAL;
  OK(tidegate_rule_init(TIDEGATE_TOKEN_BUCKET, &quota, &options, &rule, &w));
  CHECK(tidegate_word_try_acquire_at(&w, &rule, SECOND, 1) && !tidegate_word_try_acquire_at(&w, &rule, SECOND, 1));
  CHECK(tidegate_word_try_acquire_at(&w, &rule, 2 * SECOND, 2));
  options.clock = seven;
  memset(&copy, 0, sizeof copy);
  w.value = 7;
  CHECK(tidegate_rule_init(TIDEGATE_GCRA, &quota, &options, &copy, &w) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  CHECK(copy.mark == 0 && w.value == 7);

  /* A word that no rule made. */
  w.value = UINT64_MAX;
  memset(&d, 0x55, sizeof d);
  CHECK(tidegate_word_take_at(&w, &rule, 0, 1, &d) == TIDEGATE_ERROR_FOREIGN_WORD && d.limit != 2);
  CHECK(!tidegate_word_try_acquire_at(&w, &rule, 0, 1) && w.value == UINT64_MAX);
  OK(tidegate_word_reset(&w));
  CHECK(tidegate_word_try_acquire_at(&w, &rule, 0, 1));
  /* A rule that nobody made. */
  memset(&rule, 0x5a, sizeof rule);
  CHECK(tidegate_word_take_at(&w, &rule, 0, 1, &d) == TIDEGATE_ERROR_NOT_INITIALIZED);
  memset(&rule, 0, sizeof rule);
  CHECK(!tidegate_word_try_acquire_at(&w, &rule, 0, 0));
}

static void other_quotas(void) {
  tidegate_quota sixty = quota_of("60/min"), more = quota_of("120/min"), seen;
  tidegate_limiter *l = NULL;
  tidegate_reservation r;
  tidegate_decision d;
  uint64_t horizon = 0, now = 0;
  OK(tidegate_limiter_new(TIDEGATE_GCRA, &sixty, &l));
  OK(tidegate_limiter_reserve_at(l, 0, 30, 0, &r));
  OK(tidegate_limiter_reconfigure_at(l, 0, &more, TIDEGATE_CARRY_PERMITS));
  OK(tidegate_limiter_peek_at(l, 0, 1, &d));
  CHECK(d.limit == 120 && d.remaining == 90);
  OK(tidegate_limiter_quota(l, &seen));
  CHECK(memcmp(&seen, &more, sizeof seen) == 0);
  /* Booked under the quota of before: nothing comes back, and only once. */
  OK(tidegate_limiter_cancel_at(l, 0, &r));
  CHECK(tidegate_limiter_cancel_at(l, 0, &r) == TIDEGATE_ERROR_NOT_BOOKED);
  OK(tidegate_limiter_peek_at(l, 0, 1, &d));
  CHECK(d.remaining == 90);
  OK(tidegate_limiter_reconfigure(l, &sixty, TIDEGATE_CARRY_RESET));
  OK(tidegate_limiter_peek_at(l, 0, 1, &d));
  CHECK(d.limit == 60);

  CHECK(tidegate_limiter_reconfigure_at(l, 0, &more, (tidegate_carry)9) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  more = quota_of("2/ns");
  CHECK(tidegate_limiter_reconfigure_at(l, 0, &more, TIDEGATE_CARRY_TIME) == TIDEGATE_ERROR_RATE_TOO_HIGH);
  OK(tidegate_limiter_quota(l, &seen));
  CHECK(seen.limit == 60);
  OK(tidegate_limiter_horizon(l, &horizon));
  OK(tidegate_limiter_now(l, &now));
  CHECK(horizon == INT64_MAX && now > UINT64_C(1700000000) * SECOND && now < horizon);
  OK(tidegate_limiter_free(l));
}

static void snapshots(void) {
  tidegate_quota quota = quota_of("5/h"), other = quota_of("6/h");
  tidegate_limiter *l = NULL, *again = NULL;
  tidegate_decision d;
  char text[1024];
  size_t length = 0;
  OK(tidegate_limiter_new(TIDEGATE_SLIDING_LOG, &quota, &l));
  CHECK(tidegate_limiter_try_acquire_at(l, 0, 5));
  OK(tidegate_limiter_snapshot(l, text, sizeof text, &length));
  CHECK(length == strlen(text));
  OK(tidegate_limiter_from_snapshot(text, &again));
  CHECK(!tidegate_limiter_try_acquire_at(again, HOUR - 1, 1) && tidegate_limiter_try_acquire_at(again, HOUR, 5));
  OK(tidegate_limiter_restore(again, text));
  CHECK(!tidegate_limiter_try_acquire_at(again, HOUR - 1, 1));
  OK(tidegate_limiter_free(again));

  again = NULL;
  OK(tidegate_limiter_new(TIDEGATE_SLIDING_LOG, &other, &again));
  CHECK(tidegate_limiter_restore(again, text) == TIDEGATE_ERROR_SNAPSHOT_MISMATCH);
  CHECK(tidegate_limiter_restore(again, "") == TIDEGATE_ERROR_SNAPSHOT);
  CHECK(tidegate_limiter_restore(again, "{\"config\":\xff}") == TIDEGATE_ERROR_SNAPSHOT);
  CHECK(tidegate_limiter_restore(again, NULL) == TIDEGATE_ERROR_NULL);
  OK(tidegate_limiter_peek_at(again, 0, 6, &d));
  CHECK(d.allowed && d.limit == 6);
  OK(tidegate_limiter_free(again));
  OK(tidegate_limiter_free(l));
}

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

static void groups(void) {
  tidegate_quota ten = quota_of("10/s"), hour = quota_of("100/h"), three = quota_of("3/h");
  tidegate_limiter *second = NULL, *day = NULL;
  tidegate_keyed *users = NULL;
  tidegate_member members[TIDEGATE_MAX_MEMBERS + 1];
  tidegate_decision d;
  size_t binding = 99;
  OK(tidegate_limiter_new(TIDEGATE_GCRA, &ten, &second));
  OK(tidegate_limiter_new(TIDEGATE_FIXED_WINDOW, &hour, &day));
  OK(tidegate_keyed_new(TIDEGATE_GCRA, &three, 100, &users));
  memset(members, 0, sizeof members);
  members[0].limiter = second;
  members[0].cost = 1;
  members[1].limiter = day;
  members[1].cost = 10;
  members[2].keyed = users;
  members[2].key = "alice";
  members[2].key_len = 5;
  members[2].cost = 1;

  OK(tidegate_group_take_at(members, 3, 0, &d, &binding));
  CHECK(d.allowed && binding == 2 && d.limit == 3 && d.remaining == 2);
  CHECK(tidegate_group_try_acquire_at(members, 3, 0) && tidegate_group_try_acquire_at(members, 3, 0));
  OK(tidegate_group_peek_at(members, 3, 0, &d, NULL));
  CHECK(!d.allowed && d.retry_after_ns == HOUR / 3);
  OK(tidegate_group_take_at(members, 3, 0, &d, &binding));
  CHECK(!d.allowed && binding == 2 && d.retry_after_ns == HOUR / 3);
  CHECK(!tidegate_group_try_acquire_at(members, 3, 0));
  /* What was denied has cost nobody anything. */
  OK(tidegate_limiter_peek_at(second, 0, 1, &d));
  CHECK(d.remaining == 7);
  OK(tidegate_limiter_peek_at(day, 0, 1, &d));
  CHECK(d.remaining == 70);
  /* Another user is another key; one cost above the capacity is never. */
  members[2].key = "bob";
  members[2].key_len = 3;
  CHECK(tidegate_group_try_acquire_at(members, 3, 0));
  members[0].cost = 11;
  OK(tidegate_group_take_at(members, 3, 0, &d, &binding));
  CHECK(!d.allowed && binding == 0 && d.retry_after_ns == TIDEGATE_NEVER);
  /* At the clock of the first. */
  members[0].cost = 0;
  OK(tidegate_group_take(members, 1, &d, NULL));
  OK(tidegate_group_peek(members, 1, &d, NULL));
  CHECK(d.allowed && tidegate_group_try_acquire(members, 1));

  memset(&d, 0x55, sizeof d);
  binding = 99;
  CHECK(tidegate_group_take_at(members, 0, 0, &d, &binding) == TIDEGATE_ERROR_RANGE);
  CHECK(tidegate_group_take_at(members, TIDEGATE_MAX_MEMBERS + 1, 0, &d, &binding) == TIDEGATE_ERROR_RANGE);
  CHECK(tidegate_group_take_at(NULL, 3, 0, &d, &binding) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_group_take_at(members, 4, 0, &d, &binding) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_group_take_at(members, 3, 0, NULL, &binding) == TIDEGATE_ERROR_NULL);
  members[3] = members[2];
  members[3].limiter = day;
  CHECK(tidegate_group_take_at(members, 4, 0, &d, &binding) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  members[3] = members[1];
  members[3].key_len = 1;
  CHECK(tidegate_group_take_at(members, 4, 0, &d, &binding) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  members[3] = members[1];
  members[3].reserved = 1;
  CHECK(tidegate_group_take_at(members, 4, 0, &d, &binding) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  members[3] = members[2];
  members[3].key = NULL;
  CHECK(tidegate_group_take_at(members, 4, 0, &d, &binding) == TIDEGATE_ERROR_NULL);
  members[3].limiter = (const tidegate_limiter *)(const void *)users;
  members[3].keyed = NULL;
  members[3].key_len = 0;
  CHECK(tidegate_group_take_at(members, 4, 0, &d, &binding) == TIDEGATE_ERROR_HANDLE);
  CHECK(!tidegate_group_try_acquire_at(members, 4, 0) && !tidegate_group_try_acquire(NULL, 1) && binding == 99);
  OK(tidegate_limiter_peek_at(day, 0, 1, &d));
  CHECK(d.remaining == 60);
  OK(tidegate_limiter_free(second));
  OK(tidegate_limiter_free(day));
  OK(tidegate_keyed_free(users));
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

/* A clock that each look moves a second on: waiting passes its time. */
static uint64_t hurried(void *context) { return *(uint64_t *)context += SECOND; }

static void waiting(void) {
  tidegate_quota quota = quota_of("1/5s");
  tidegate_limiter_options options;
  tidegate_keyed_options keyed_options;
  tidegate_limiter *l = NULL;
  tidegate_keyed *k = NULL;
  uint64_t now = 0;
  bool acquired = false;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.clock = hurried;
  options.clock_context = &now;
  memset(&keyed_options, 0, sizeof keyed_options);
  keyed_options.struct_size = sizeof keyed_options;
  keyed_options.clock = hurried;
  keyed_options.clock_context = &now;
  OK(tidegate_limiter_new_with(TIDEGATE_GCRA, &quota, &options, &l));
  OK(tidegate_limiter_acquire(l, 1, 0, &acquired));
  CHECK(acquired);
  OK(tidegate_limiter_acquire(l, 1, 0, &acquired));
  CHECK(!acquired);
  CHECK(tidegate_limiter_acquire(l, 2, UINT64_MAX, &acquired) == TIDEGATE_ERROR_NEVER && !acquired);
  CHECK(tidegate_limiter_acquire(NULL, 1, 0, &acquired) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_limiter_acquire(l, 1, 0, NULL) == TIDEGATE_ERROR_NULL);
  OK(tidegate_limiter_free(l));

  OK(tidegate_keyed_new_with(TIDEGATE_GCRA, &quota, 10, &keyed_options, &k));
  OK(tidegate_keyed_acquire(k, "k", 1, 1, 0, &acquired));
  CHECK(acquired);
  OK(tidegate_keyed_acquire(k, "k", 1, 1, SECOND, &acquired));
  CHECK(!acquired);
  CHECK(tidegate_keyed_acquire(k, "k", 1, 2, UINT64_MAX, &acquired) == TIDEGATE_ERROR_NEVER);
  OK(tidegate_keyed_free(k));
  /* For a millisecond or two, by the system's clock. */
  quota = quota_of("1000/s burst 1");
  OK(tidegate_limiter_new(TIDEGATE_GCRA, &quota, &l));
  OK(tidegate_limiter_acquire(l, 1, UINT64_MAX, &acquired));
  OK(tidegate_limiter_acquire(l, 1, UINT64_MAX, &acquired));
  CHECK(acquired);
  OK(tidegate_limiter_free(l));
}

static tidegate_header header_of(const char *name, const char *value) {
  tidegate_header header;
  header.name = name;
  header.name_len = strlen(name);
  header.value = value;
  header.value_len = strlen(value);
  return header;
}

static void headers(void) {
  const uint64_t now = UINT64_C(1705320000) * SECOND;
  tidegate_header_limit limits[2];
  tidegate_header in[3];
  tidegate_observed observed;
  tidegate_observed_limit told[2];
  char text[512];
  size_t length = 0;
  memset(limits, 0, sizeof limits);
  limits[0].name = "minute";
  limits[0].window_ns = MINUTE;
  limits[0].decision.limit = 300;
  limits[0].decision.retry_after_ns = 22 * SECOND + 1;
  limits[0].decision.reset_after_ns = 50 * SECOND;
  limits[1].name = "day";
  limits[1].scope = "api-key";
  limits[1].decision.allowed = true;
  limits[1].decision.limit = 1000;
  limits[1].decision.remaining = 400;
  limits[1].decision.reset_after_ns = HOUR;

  OK(tidegate_headers_format(TIDEGATE_HEADERS_X_RATELIMIT_DELTA, now, limits, 2, text, sizeof text, &length));
  CHECK(strcmp(text, "X-RateLimit-Limit: 300\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 50\r\nRetry-After: 23\r\n") == 0);
  CHECK(length == strlen(text));
  OK(tidegate_headers_format(TIDEGATE_HEADERS_DRAFT_08, now, limits, 2, text, sizeof text, &length));
  CHECK(strstr(text, "\"minute\";r=0;t=23") != NULL && strstr(text, "\"minute\";q=300;w=60") != NULL);
  OK(tidegate_headers_format(TIDEGATE_HEADERS_RETRY_AFTER, now, limits + 1, 1, text, sizeof text, &length));
  CHECK(length == 0 && text[0] == '\0');
  OK(tidegate_headers_format(TIDEGATE_HEADERS_MAILIAM, now, limits + 1, 1, text, sizeof text, &length));
  CHECK(strstr(text, "X-RateLimit-Scope: api-key\r\n") != NULL);
  OK(tidegate_headers_format(TIDEGATE_HEADERS_X_RATELIMIT, now, NULL, 0, text, sizeof text, &length));
  CHECK(length == 0);
  memset(text, 'x', sizeof text);
  CHECK(tidegate_headers_format(TIDEGATE_HEADERS_DRAFT_07, now, limits, 2, text, 5, &length) == TIDEGATE_ERROR_BUFFER_TOO_SMALL);
  CHECK(text[0] == 'x' && length > 5);
  CHECK(tidegate_headers_format((tidegate_dialect)8, now, limits, 2, text, 5, &length) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  limits[0].name = "smuggled\r\nSet-Cookie: x";
  CHECK(tidegate_headers_format(TIDEGATE_HEADERS_DRAFT_08, now, limits, 2, text, sizeof text, &length) == TIDEGATE_ERROR_NAME);
  limits[0].name = "\xff";
  CHECK(tidegate_headers_format(TIDEGATE_HEADERS_DRAFT_08, now, limits, 2, text, sizeof text, &length) == TIDEGATE_ERROR_NOT_UTF8);
  limits[0].reserved = 1;
  CHECK(tidegate_headers_format(TIDEGATE_HEADERS_DRAFT_08, now, limits, 2, text, sizeof text, &length) == TIDEGATE_ERROR_UNKNOWN_VALUE);

  in[0] = header_of("x-ratelimit-limit", "300");
  in[1] = header_of("X-RateLimit-Remaining", "0");
  in[2] = header_of("X-RateLimit-Reset", "1705320023");
  memset(told, 0x55, sizeof told);
  OK(tidegate_headers_parse(in, 3, now, &observed, told, 2));
  CHECK(observed.wait_ns == 23 * SECOND && observed.retry_after_ns == TIDEGATE_NOT_SAID && observed.limits == 1);
  CHECK(observed.binding == 0 && observed.ignored == 0 && !observed.global);
  CHECK(told[0].limit == 300 && told[0].remaining == 0 && told[0].reset_after_ns == 23 * SECOND);
  CHECK(told[0].window_ns == TIDEGATE_NOT_SAID && told[0].name[0] == '\0' && told[1].limit == UINT64_C(0x5555555555555555));
  in[0] = header_of("Retry-After", "Mon, 15 Jan 2024 12:01:00 GMT");
  in[1] = header_of("RateLimit", "\"hour\";r=87;t=2");
  in[2] = header_of("\xff\xfe", "?");
  OK(tidegate_headers_parse(in, 3, now, &observed, told, 1));
  CHECK(observed.retry_after_ns == MINUTE && observed.limits == 1 && strcmp(told[0].name, "hour") == 0);
  in[0] = header_of("Retry-After", "soon");
  OK(tidegate_headers_parse(in, 1, now, &observed, NULL, 0));
  CHECK(observed.ignored == 1 && observed.limits == 0 && observed.binding == TIDEGATE_NO_POSITION && observed.wait_ns == 0);
  OK(tidegate_headers_parse(NULL, 0, now, &observed, NULL, 0));
  CHECK(observed.wait_ns == 0);
  in[0].value = NULL;
  CHECK(tidegate_headers_parse(in, 1, now, &observed, NULL, 0) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_headers_parse(in, 1, now, &observed, NULL, 1) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_headers_parse(in, SIZE_MAX, now, &observed, NULL, 0) == TIDEGATE_ERROR_LENGTH);
}

int main(void) {
  groups();
  concurrency();
  waiting();
  headers();
  quota_texts();
  calendars();
  keyed();
  keyed_options();
  words();
  other_quotas();
  snapshots();
  backoffs();
  budgets();
  return checks_end("kinds");
}
