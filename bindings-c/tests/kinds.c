/*
 * The kinds besides the plain limiter that are no file of their own: words, other quotas, snapshots, waiting, calendars, headers.
 *
 * Compiles as C99 to C17 and as C++11 to C++20. Time is given by the test; one call waits for a millisecond.
 */
#include "common.h"

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

/* An estimate is reserved, and what it has really cost is said afterwards. */
static void settled(void) {
  tidegate_quota quota = quota_of("100/s");
  tidegate_limiter_options options;
  tidegate_limiter *l = NULL;
  tidegate_keyed *k = NULL;
  tidegate_reservation r;
  tidegate_decision d;
  OK(tidegate_limiter_new(TIDEGATE_TOKEN_BUCKET, &quota, &l));
  OK(tidegate_limiter_reserve_at(l, 0, 20, 0, &r));
  OK(tidegate_limiter_settle_at(l, 0, &r, 5, &d));
  CHECK(d.allowed && d.remaining == 95 && r.outcome == TIDEGATE_SETTLED);
  CHECK(tidegate_limiter_settle_at(l, 0, &r, 5, &d) == TIDEGATE_ERROR_NOT_BOOKED);
  CHECK(tidegate_limiter_cancel_at(l, 0, &r) == TIDEGATE_ERROR_NOT_BOOKED && r.outcome == TIDEGATE_SETTLED);
  /* More than was reserved becomes debt; more than a capacity of debt is refused, and what was reserved stays spent. */
  OK(tidegate_limiter_reserve_at(l, 0, 90, 0, &r));
  OK(tidegate_limiter_settle_at(l, 0, &r, 125, &d));
  CHECK(d.allowed && d.remaining == 0 && d.retry_after_ns == 30 * (SECOND / 100));
  OK(tidegate_limiter_reserve_at(l, SECOND, 1, 0, &r));
  OK(tidegate_limiter_settle_at(l, SECOND, &r, UINT64_MAX, &d));
  CHECK(!d.allowed && d.retry_after_ns == TIDEGATE_NEVER && d.remaining == 69 && r.outcome == TIDEGATE_SETTLED);
  OK(tidegate_limiter_free(l));

  /* By a clock that stands still; and a key. */
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.clock = seven;
  OK(tidegate_limiter_new_with(TIDEGATE_GCRA, &quota, &options, &l));
  OK(tidegate_limiter_reserve(l, 50, 0, &r));
  OK(tidegate_limiter_settle(l, &r, 0, &d));
  CHECK(d.allowed && d.remaining == 100);
  OK(tidegate_limiter_free(l));
  OK(tidegate_keyed_new(TIDEGATE_GCRA, &quota, 10, &k));
  OK(tidegate_keyed_reserve_at(k, "k", 1, 0, 50, 0, &r));
  OK(tidegate_keyed_settle_at(k, "k", 1, 0, &r, 60, &d));
  CHECK(d.allowed && d.remaining == 40 && r.outcome == TIDEGATE_SETTLED);
  OK(tidegate_keyed_reserve(k, "k", 1, 0, 0, &r));
  OK(tidegate_keyed_settle(k, "k", 1, &r, 0, &d));
  CHECK(d.allowed);
  OK(tidegate_keyed_free(k));
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
  quota_texts();
  calendars();
  words();
  other_quotas();
  snapshots();
  waiting();
  settled();
  headers();
  return checks_end("kinds");
}
