/*
 * What the header promises, call by call. Compiles as C99 to C17 and as C++11 to C++20.
 *
 * Time is given by the test or by its own clock; nothing here waits or depends on how fast it runs.
 */
#include <tidegate.h>

#include <stddef.h>
#include <string.h>

#include "check.h"

#define SECOND UINT64_C(1000000000)
#define MINUTE (60 * SECOND)

/* Memory in which a pointer of any type can be made to point between two words. */
static union {
  uint64_t align;
  unsigned char bytes[256];
} room;

static void *misaligned(void) { return room.bytes + 1; }

static tidegate_quota quota_of(const char *text) {
  tidegate_quota quota;
  memset(&quota, 0, sizeof quota);
  CHECK(tidegate_quota_parse(text, &quota, NULL) == TIDEGATE_OK);
  return quota;
}

static tidegate_limiter *limiter_of(tidegate_algorithm algorithm, const char *text) {
  tidegate_quota quota = quota_of(text);
  tidegate_limiter *limiter = NULL;
  CHECK(tidegate_limiter_new(algorithm, &quota, &limiter) == TIDEGATE_OK);
  CHECK(limiter != NULL);
  return limiter;
}

static bool answers(const tidegate_decision *decision, bool allowed, uint64_t limit, uint64_t remaining,
                    uint64_t retry_after_ns, uint64_t reset_after_ns) {
  return decision->allowed == allowed && decision->limit == limit && decision->remaining == remaining &&
         decision->retry_after_ns == retry_after_ns && decision->reset_after_ns == reset_after_ns;
}

static void version_and_status(void) {
  CHECK(strcmp(tidegate_version(), TIDEGATE_VERSION) == 0);
  CHECK(TIDEGATE_OK == 0);
  CHECK(strcmp(tidegate_status_message(TIDEGATE_OK), "done") == 0);
  CHECK(strcmp(tidegate_status_message(TIDEGATE_ERROR_ZERO_LIMIT), "the limit must be at least 1 permit") == 0);
  CHECK(strcmp(tidegate_status_message((tidegate_status)12345), "unknown status") == 0);
}

/* The layout is the interface: a change breaks programs that are already compiled. */
static void layout(void) {
  CHECK(sizeof(tidegate_status) == 4 && sizeof(tidegate_algorithm) == 4);
  CHECK(sizeof(tidegate_anchor) == 4 && sizeof(tidegate_refill) == 4);
  CHECK(sizeof(tidegate_quota) == 64 && offsetof(tidegate_quota, anchor) == 32);
  CHECK(sizeof(tidegate_decision) == 40 && offsetof(tidegate_decision, limit) == 8);
  CHECK(offsetof(tidegate_decision, retry_after_ns) == 24 && offsetof(tidegate_decision, reset_after_ns) == 32);
  CHECK(offsetof(tidegate_limiter_options, struct_size) == 0);
  if (sizeof(void *) == 8) {
    CHECK(sizeof(tidegate_limiter_options) == 64 && offsetof(tidegate_limiter_options, initial) == 32);
    CHECK(offsetof(tidegate_limiter_options, clock) == 48 && offsetof(tidegate_limiter_options, clock_context) == 56);
  }
}

static void quotas(void) {
  tidegate_quota quota, kept;

  CHECK(tidegate_quota_make(300, MINUTE, 50, &quota) == TIDEGATE_OK);
  CHECK(quota.limit == 300 && quota.period_ns == MINUTE && quota.burst == 50 && quota.offset_ns == 0);
  CHECK(quota.anchor == TIDEGATE_ANCHOR_CLOCK && quota.reserved[0] == 0 && quota.calendar == 0 && quota.reserved[5] == 0);
  kept = quota;
  CHECK(tidegate_quota_make(0, MINUTE, 50, &quota) == TIDEGATE_ERROR_ZERO_LIMIT);
  CHECK(tidegate_quota_make(300, 0, 50, &quota) == TIDEGATE_ERROR_ZERO_PERIOD);
  CHECK(tidegate_quota_make(300, (UINT64_C(1) << 62) + 1, 50, &quota) == TIDEGATE_ERROR_PERIOD_TOO_LONG);
  CHECK(tidegate_quota_make(300, UINT64_MAX, 50, &quota) == TIDEGATE_ERROR_PERIOD_TOO_LONG);
  CHECK(tidegate_quota_make(300, MINUTE, 0, &quota) == TIDEGATE_ERROR_ZERO_BURST);
  CHECK(tidegate_quota_make(300, MINUTE, 50, NULL) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_quota_make(300, MINUTE, 50, (tidegate_quota *)misaligned()) == TIDEGATE_ERROR_MISALIGNED);
  CHECK(memcmp(&quota, &kept, sizeof quota) == 0);
  CHECK(tidegate_quota_make(UINT64_MAX, UINT64_C(1) << 62, UINT64_MAX, &quota) == TIDEGATE_OK);

  quota = quota_of("300/min burst 50");
  CHECK(memcmp(&quota, &kept, sizeof quota) == 0);
  quota = quota_of("1 per 2 hours");
  CHECK(quota.limit == 1 && quota.period_ns == 120 * MINUTE && quota.burst == 1);
  quota = quota_of("50/h from first use");
  CHECK(quota.anchor == TIDEGATE_ANCHOR_FIRST_USE && quota.offset_ns == 0);
  quota = quota_of("10/h offset 5min");
  CHECK(quota.anchor == TIDEGATE_ANCHOR_CLOCK && quota.offset_ns == 5 * MINUTE);
}

static void wrong_texts(void) {
  tidegate_quota quota = quota_of("1/s"), kept = quota;
  tidegate_quota_error error;
  memset(&error, 0x55, sizeof error);

  CHECK(tidegate_quota_parse("300/fortnight", &quota, &error) == TIDEGATE_ERROR_EXPECTED_UNIT);
  CHECK(error.status == TIDEGATE_ERROR_EXPECTED_UNIT && error.position == 4);
  CHECK(strcmp(error.message, tidegate_status_message(TIDEGATE_ERROR_EXPECTED_UNIT)) == 0);
  CHECK(tidegate_quota_parse("", &quota, &error) == TIDEGATE_ERROR_EXPECTED_NUMBER && error.position == 0);
  CHECK(tidegate_quota_parse("-1/s", &quota, &error) == TIDEGATE_ERROR_EXPECTED_NUMBER && error.position == 0);
  CHECK(tidegate_quota_parse("0/s", &quota, &error) == TIDEGATE_ERROR_ZERO_LIMIT && error.position == 0);
  CHECK(tidegate_quota_parse("1/s x", &quota, &error) == TIDEGATE_ERROR_TRAILING_TEXT && error.position == 4);
  CHECK(tidegate_quota_parse("99999999999999999999/s", &quota, &error) == TIDEGATE_ERROR_NUMBER_TOO_LARGE);
  CHECK(tidegate_quota_parse("1/s \xff", &quota, &error) == TIDEGATE_ERROR_NOT_UTF8 && error.position == 4);
  CHECK(tidegate_quota_parse(NULL, &quota, &error) == TIDEGATE_ERROR_NULL);
  CHECK(error.status == TIDEGATE_ERROR_NULL && error.position == TIDEGATE_NO_POSITION);
  CHECK(tidegate_quota_parse("1/s", NULL, &error) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_quota_parse("x", &quota, NULL) == TIDEGATE_ERROR_EXPECTED_NUMBER);
  CHECK(tidegate_quota_parse("x", &quota, (tidegate_quota_error *)misaligned()) == TIDEGATE_ERROR_MISALIGNED);
  CHECK(memcmp(&quota, &kept, sizeof quota) == 0);

  error.position = 77;
  CHECK(tidegate_quota_parse("2/s", &quota, &error) == TIDEGATE_OK && error.position == 77);
}

static void limiters_that_cannot_be(void) {
  tidegate_quota quota = quota_of("300/min burst 50"), wrong;
  tidegate_limiter *limiter = NULL;

  CHECK(tidegate_limiter_new(TIDEGATE_GCRA, NULL, &limiter) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_limiter_new(TIDEGATE_GCRA, &quota, NULL) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_limiter_new(TIDEGATE_GCRA, (const tidegate_quota *)misaligned(), &limiter) ==
        TIDEGATE_ERROR_MISALIGNED);
  CHECK(tidegate_limiter_new((tidegate_algorithm)5, &quota, &limiter) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  CHECK(tidegate_limiter_new((tidegate_algorithm)-1, &quota, &limiter) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  CHECK(tidegate_limiter_new(TIDEGATE_FIXED_WINDOW, &quota, &limiter) == TIDEGATE_ERROR_BURST_UNSUPPORTED);

  memset(&wrong, 0, sizeof wrong);
  CHECK(tidegate_limiter_new(TIDEGATE_GCRA, &wrong, &limiter) == TIDEGATE_ERROR_ZERO_LIMIT);
  memset(&wrong, 0xff, sizeof wrong);
  CHECK(tidegate_limiter_new(TIDEGATE_GCRA, &wrong, &limiter) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  wrong = quota;
  wrong.reserved[5] = 1;
  CHECK(tidegate_limiter_new(TIDEGATE_GCRA, &wrong, &limiter) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  wrong = quota;
  wrong.anchor = (tidegate_anchor)3;
  CHECK(tidegate_limiter_new(TIDEGATE_GCRA, &wrong, &limiter) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  wrong.anchor = TIDEGATE_ANCHOR_FIRST_USE;
  wrong.offset_ns = 1;
  CHECK(tidegate_limiter_new(TIDEGATE_GCRA, &wrong, &limiter) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  wrong.offset_ns = 0;
  CHECK(tidegate_limiter_new(TIDEGATE_GCRA, &wrong, &limiter) == TIDEGATE_ERROR_ANCHOR_UNSUPPORTED);
  CHECK(limiter == NULL);

  /* Zeros in what follows limit, period and burst mean the clock. */
  wrong = quota;
  wrong.anchor = TIDEGATE_ANCHOR_DEFAULT;
  CHECK(tidegate_limiter_new(TIDEGATE_GCRA, &wrong, &limiter) == TIDEGATE_OK);
  tidegate_limiter_free(limiter);
  tidegate_limiter_free(NULL);
}

static void verbs(void) {
  tidegate_limiter *l = limiter_of(TIDEGATE_GCRA, "300/min burst 50");
  const uint64_t gap = SECOND / 5;
  tidegate_decision d;

  CHECK(tidegate_limiter_take_at(l, 0, 1, &d) == TIDEGATE_OK && answers(&d, true, 50, 49, 0, gap));
  CHECK(tidegate_limiter_peek_at(l, 0, 50, &d) == TIDEGATE_OK && answers(&d, false, 50, 49, gap, gap));
  CHECK(tidegate_limiter_try_acquire_at(l, 0, 49));
  CHECK(!tidegate_limiter_try_acquire_at(l, 0, 1));
  CHECK(tidegate_limiter_try_acquire_at(l, 0, 0));
  CHECK(tidegate_limiter_take_at(l, gap - 1, 1, &d) == TIDEGATE_OK && !d.allowed && d.retry_after_ns == 1);
  CHECK(tidegate_limiter_take_at(l, gap, 1, &d) == TIDEGATE_OK && answers(&d, true, 50, 0, 0, 50 * gap));
  /* Backwards: nothing is minted. */
  CHECK(tidegate_limiter_take_at(l, 0, 1, &d) == TIDEGATE_OK && answers(&d, false, 50, 0, 2 * gap, 51 * gap));
  /* More than ever fits. */
  CHECK(tidegate_limiter_take_at(l, 0, 51, &d) == TIDEGATE_OK && !d.allowed && d.retry_after_ns == TIDEGATE_NEVER);
  CHECK(tidegate_limiter_take_at(l, 0, UINT64_MAX, &d) == TIDEGATE_OK && d.retry_after_ns == TIDEGATE_NEVER);
  CHECK(!tidegate_limiter_try_acquire_at(l, UINT64_MAX, UINT64_MAX));

  CHECK(tidegate_limiter_refund_at(l, gap, 2) == TIDEGATE_OK);
  CHECK(tidegate_limiter_peek_at(l, gap, 2, &d) == TIDEGATE_OK && answers(&d, true, 50, 2, 0, 48 * gap));
  CHECK(tidegate_limiter_refund_at(l, gap, UINT64_MAX) == TIDEGATE_OK);
  CHECK(tidegate_limiter_peek_at(l, gap, 50, &d) == TIDEGATE_OK && answers(&d, true, 50, 50, 0, 0));
  CHECK(tidegate_limiter_charge_at(l, gap, 60, &d) == TIDEGATE_OK && answers(&d, true, 50, 0, 10 * gap, 60 * gap));
  CHECK(tidegate_limiter_charge_at(l, gap, UINT64_MAX, &d) == TIDEGATE_OK && !d.allowed);
  CHECK(tidegate_limiter_reset(l) == TIDEGATE_OK);
  CHECK(tidegate_limiter_peek_at(l, gap, 1, &d) == TIDEGATE_OK && d.remaining == 50);
  tidegate_limiter_free(l);
}

static void wrong_calls_spend_nothing(void) {
  tidegate_limiter *l = limiter_of(TIDEGATE_GCRA, "1/h");
  tidegate_decision d, kept;
  memset(&d, 0x55, sizeof d);
  kept = d;

  CHECK(tidegate_limiter_take_at(l, 0, 1, NULL) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_limiter_take(l, 1, NULL) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_limiter_charge_at(l, 0, 1, NULL) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_limiter_charge(l, 1, NULL) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_limiter_peek_at(l, 0, 1, NULL) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_limiter_peek(l, 1, NULL) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_limiter_take_at(l, 0, 1, (tidegate_decision *)misaligned()) == TIDEGATE_ERROR_MISALIGNED);

  CHECK(tidegate_limiter_take_at(NULL, 0, 1, &d) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_limiter_take(NULL, 1, &d) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_limiter_peek_at(NULL, 0, 1, &d) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_limiter_peek(NULL, 1, &d) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_limiter_charge_at(NULL, 0, 1, &d) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_limiter_charge(NULL, 1, &d) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_limiter_take_at((const tidegate_limiter *)misaligned(), 0, 1, &d) == TIDEGATE_ERROR_MISALIGNED);
  CHECK(memcmp(&d, &kept, sizeof d) == 0);

  CHECK(!tidegate_limiter_try_acquire(NULL, 1) && !tidegate_limiter_try_acquire_at(NULL, 0, 0));
  CHECK(!tidegate_limiter_try_acquire((const tidegate_limiter *)misaligned(), 1));
  CHECK(tidegate_limiter_refund(NULL, 1) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_limiter_refund_at(NULL, 0, 1) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_limiter_reset(NULL) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_limiter_free((tidegate_limiter *)misaligned()) == TIDEGATE_ERROR_HANDLE);

  CHECK(tidegate_limiter_take_at(l, 0, 1, &d) == TIDEGATE_OK && answers(&d, true, 1, 0, 0, 60 * MINUTE));
  tidegate_limiter_free(l);
}

/* A clock that the test moves; it counts how often it is asked. */
typedef struct {
  uint64_t now;
  unsigned asked;
} test_clock;

#ifdef __cplusplus
extern "C" {
#endif
static uint64_t test_clock_now(void *context) {
  test_clock *clock = (test_clock *)context;
  clock->asked++;
  return clock->now;
}
#ifdef __cplusplus
}
#endif

static tidegate_limiter_options options_none(void) {
  tidegate_limiter_options options;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  return options;
}

static void own_clock(void) {
  test_clock clock = {7 * SECOND, 0};
  tidegate_quota quota = quota_of("2/s");
  tidegate_limiter_options options = options_none();
  tidegate_limiter *l = NULL;
  tidegate_decision d;
  options.clock = test_clock_now;
  options.clock_context = &clock;

  CHECK(tidegate_limiter_new_with(TIDEGATE_GCRA, &quota, &options, &l) == TIDEGATE_OK);
  CHECK(clock.asked == 1);
  CHECK(tidegate_limiter_take(l, 1, &d) == TIDEGATE_OK && answers(&d, true, 2, 1, 0, SECOND / 2));
  CHECK(tidegate_limiter_try_acquire(l, 1) && !tidegate_limiter_try_acquire(l, 1));
  clock.now += SECOND / 2;
  CHECK(tidegate_limiter_peek(l, 1, &d) == TIDEGATE_OK && answers(&d, true, 2, 1, 0, SECOND / 2));
  CHECK(tidegate_limiter_charge(l, 2, &d) == TIDEGATE_OK && answers(&d, true, 2, 0, SECOND / 2, 3 * SECOND / 2));
  clock.now += SECOND / 2;
  CHECK(tidegate_limiter_refund(l, 1) == TIDEGATE_OK);
  CHECK(tidegate_limiter_peek(l, 1, &d) == TIDEGATE_OK && d.remaining == 1);
  clock.now = 0;
  CHECK(!tidegate_limiter_try_acquire(l, 2));
  clock.now = UINT64_MAX;
  CHECK(tidegate_limiter_try_acquire(l, 2));
  CHECK(clock.asked == 10);
  /* A wrong call does not even ask the clock. */
  CHECK(tidegate_limiter_take(l, 1, NULL) == TIDEGATE_ERROR_NULL && clock.asked == 10);
  tidegate_limiter_free(l);
}

static void options_of_the_bucket(void) {
  tidegate_quota quota = quota_of("10/s");
  tidegate_limiter_options options = options_none();
  tidegate_limiter *l = NULL;
  options.refill = TIDEGATE_REFILL_INTERVAL;
  options.anchor = TIDEGATE_ANCHOR_CLOCK;
  options.offset_ns = SECOND / 4;
  options.flags = TIDEGATE_SET_INITIAL | TIDEGATE_SET_ORIGIN;
  options.initial = 3;
  options.origin_ns = SECOND;

  CHECK(tidegate_limiter_new_with(TIDEGATE_TOKEN_BUCKET, &quota, &options, &l) == TIDEGATE_OK);
  CHECK(tidegate_limiter_try_acquire_at(l, SECOND, 3) && !tidegate_limiter_try_acquire_at(l, SECOND, 1));
  CHECK(!tidegate_limiter_try_acquire_at(l, SECOND + SECOND / 4 - 1, 1));
  CHECK(tidegate_limiter_try_acquire_at(l, SECOND + SECOND / 4, 10));
  tidegate_limiter_free(l);

  l = NULL;
  options.initial = 11;
  CHECK(tidegate_limiter_new_with(TIDEGATE_TOKEN_BUCKET, &quota, &options, &l) == TIDEGATE_ERROR_INITIAL_UNSUPPORTED);
  options.flags = TIDEGATE_SET_ORIGIN; /* what is not said to be set is not read */
  CHECK(tidegate_limiter_new_with(TIDEGATE_GCRA, &quota, &options, &l) == TIDEGATE_ERROR_REFILL_UNSUPPORTED);
  CHECK(l == NULL);
  CHECK(tidegate_limiter_new_with(TIDEGATE_TOKEN_BUCKET, &quota, &options, &l) == TIDEGATE_OK);
  CHECK(tidegate_limiter_try_acquire_at(l, SECOND, 10));
  tidegate_limiter_free(l);

  /* The options go before the quota's own anchor; the default leaves it. */
  quota = quota_of("1/s from first use");
  options = options_none();
  CHECK(tidegate_limiter_new_with(TIDEGATE_FIXED_WINDOW, &quota, &options, &l) == TIDEGATE_OK);
  CHECK(tidegate_limiter_try_acquire_at(l, SECOND - 1, 1) && !tidegate_limiter_try_acquire_at(l, SECOND, 1));
  tidegate_limiter_free(l);
  options.anchor = TIDEGATE_ANCHOR_CLOCK;
  CHECK(tidegate_limiter_new_with(TIDEGATE_FIXED_WINDOW, &quota, &options, &l) == TIDEGATE_OK);
  CHECK(tidegate_limiter_try_acquire_at(l, SECOND - 1, 1) && tidegate_limiter_try_acquire_at(l, SECOND, 1));
  tidegate_limiter_free(l);
}

static void sizes_and_values_of_options(void) {
  /* A program compiled when the struct ended after the anchor, and one of a time when it goes on. */
  struct {
    size_t struct_size;
    uint32_t flags;
    tidegate_anchor anchor;
  } older;
  struct {
    tidegate_limiter_options known;
    uint64_t more[2];
  } newer;
  tidegate_quota quota = quota_of("1/s");
  tidegate_limiter_options options = options_none();
  tidegate_limiter *l = NULL;
  size_t size;

  older.struct_size = sizeof older;
  older.flags = 0;
  older.anchor = TIDEGATE_ANCHOR_FIRST_USE;
  CHECK(tidegate_limiter_new_with(TIDEGATE_FIXED_WINDOW, &quota, (const tidegate_limiter_options *)(void *)&older,
                                  &l) == TIDEGATE_OK);
  CHECK(tidegate_limiter_try_acquire_at(l, SECOND - 1, 1) && !tidegate_limiter_try_acquire_at(l, SECOND, 1));
  tidegate_limiter_free(l);

  memset(&newer, 0, sizeof newer);
  newer.known.struct_size = sizeof newer;
  CHECK(tidegate_limiter_new_with(TIDEGATE_GCRA, &quota, &newer.known, &l) == TIDEGATE_OK);
  tidegate_limiter_free(l);
  l = NULL;
  newer.more[1] = 1;
  CHECK(tidegate_limiter_new_with(TIDEGATE_GCRA, &quota, &newer.known, &l) == TIDEGATE_ERROR_STRUCT_SIZE);

  for (size = 0; size < sizeof(size_t); size++) {
    options.struct_size = size;
    CHECK(tidegate_limiter_new_with(TIDEGATE_GCRA, &quota, &options, &l) == TIDEGATE_ERROR_STRUCT_SIZE);
  }
  options.struct_size = sizeof options - 1;
  CHECK(tidegate_limiter_new_with(TIDEGATE_GCRA, &quota, &options, &l) == TIDEGATE_ERROR_STRUCT_SIZE);
  options.struct_size = SIZE_MAX;
  CHECK(tidegate_limiter_new_with(TIDEGATE_GCRA, &quota, &options, &l) == TIDEGATE_ERROR_STRUCT_SIZE);

  options = options_none();
  options.flags = 4;
  CHECK(tidegate_limiter_new_with(TIDEGATE_GCRA, &quota, &options, &l) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  options = options_none();
  options.reserved = 1;
  CHECK(tidegate_limiter_new_with(TIDEGATE_GCRA, &quota, &options, &l) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  options = options_none();
  options.refill = (tidegate_refill)2;
  CHECK(tidegate_limiter_new_with(TIDEGATE_GCRA, &quota, &options, &l) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  options = options_none();
  options.anchor = (tidegate_anchor)-1;
  CHECK(tidegate_limiter_new_with(TIDEGATE_GCRA, &quota, &options, &l) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  options = options_none();
  options.offset_ns = 1; /* of no anchor */
  CHECK(tidegate_limiter_new_with(TIDEGATE_FIXED_WINDOW, &quota, &options, &l) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  CHECK(tidegate_limiter_new_with(TIDEGATE_GCRA, &quota, NULL, &l) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_limiter_new_with(TIDEGATE_GCRA, &quota, (const tidegate_limiter_options *)misaligned(), &l) ==
        TIDEGATE_ERROR_MISALIGNED);
  CHECK(l == NULL);
}

/* Three permits in a hundred years: however long this takes, the fourth does not fit. */
static void default_clock(void) {
  tidegate_limiter *l = limiter_of(TIDEGATE_SLIDING_LOG, "3/5200w");
  tidegate_decision d;
  CHECK(tidegate_limiter_try_acquire(l, 2));
  CHECK(tidegate_limiter_take(l, 1, &d) == TIDEGATE_OK && d.allowed && d.remaining == 0 && d.limit == 3);
  CHECK(!tidegate_limiter_try_acquire(l, 1));
  CHECK(tidegate_limiter_peek(l, 1, &d) == TIDEGATE_OK && !d.allowed && d.retry_after_ns != TIDEGATE_NEVER);
  CHECK(tidegate_limiter_refund(l, 1) == TIDEGATE_OK && tidegate_limiter_try_acquire(l, 1));
  CHECK(tidegate_limiter_reset(l) == TIDEGATE_OK && tidegate_limiter_try_acquire(l, 3));
  tidegate_limiter_free(l);
}

int main(void) {
  version_and_status();
  layout();
  quotas();
  wrong_texts();
  limiters_that_cannot_be();
  verbs();
  wrong_calls_spend_nothing();
  own_clock();
  options_of_the_bucket();
  sizes_and_values_of_options();
  default_clock();
  return checks_end("basic");
}
