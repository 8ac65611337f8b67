/*
 * Keyed limiters, and groups of limiters and keys. Compiles as C99 to C17 and as C++11 to C++20.
 */
#include "common.h"

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

static void initial_fill_and_restore(void) {
  tidegate_quota quota = quota_of("10/s"), other = quota_of("11/s");
  tidegate_keyed_options options;
  tidegate_keyed *k = NULL, *again = NULL;
  tidegate_decision d;
  char text[2048];
  size_t length = 0, keys = 9;
  uint64_t now = 0;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.flags = TIDEGATE_SET_INITIAL | TIDEGATE_SET_ORIGIN;
  options.initial = 3;
  options.clock = seven;
  OK(tidegate_keyed_new_with(TIDEGATE_TOKEN_BUCKET, &quota, 8, &options, &k));
  OK(tidegate_keyed_now(k, &now));
  CHECK(now == 7 * SECOND);
  OK(tidegate_keyed_take_at(k, "a", 1, 0, 3, &d));
  CHECK(d.allowed && d.remaining == 0 && d.limit == 10);
  CHECK(!tidegate_keyed_try_acquire_at(k, "b", 1, 0, 4) && tidegate_keyed_try_acquire_at(k, "b", 1, 0, 1));

  /* By its clock both have long been idle. */
  OK(tidegate_keyed_snapshot(k, text, sizeof text, &length));
  OK(tidegate_keyed_restore(TIDEGATE_TOKEN_BUCKET, &quota, 0, &options, text, &again));
  OK(tidegate_keyed_len(again, &keys));
  CHECK(keys == 0);
  OK(tidegate_keyed_free(again));
  again = NULL;
  OK(tidegate_keyed_snapshot_at(k, 0, text, sizeof text, &length));
  OK(tidegate_keyed_restore(TIDEGATE_TOKEN_BUCKET, &quota, 20, &options, text, &again));
  OK(tidegate_keyed_now(again, &now));
  CHECK(now == 7 * SECOND && !tidegate_keyed_try_acquire_at(again, "a", 1, 0, 1));
  CHECK(tidegate_keyed_try_acquire_at(again, "b", 1, 0, 2) && !tidegate_keyed_try_acquire_at(again, "b", 1, 0, 1));
  OK(tidegate_keyed_free(again));
  again = NULL;
  /* Under another quota, algorithm or fill it is another limiter; one key has no room for two. */
  CHECK(tidegate_keyed_restore(TIDEGATE_TOKEN_BUCKET, &other, 0, &options, text, &again) == TIDEGATE_ERROR_SNAPSHOT_MISMATCH);
  CHECK(tidegate_keyed_restore(TIDEGATE_GCRA, &quota, 0, NULL, text, &again) == TIDEGATE_ERROR_SNAPSHOT_MISMATCH);
  CHECK(tidegate_keyed_restore(TIDEGATE_TOKEN_BUCKET, &quota, 0, NULL, text, &again) == TIDEGATE_ERROR_SNAPSHOT_MISMATCH);
  CHECK(tidegate_keyed_restore(TIDEGATE_TOKEN_BUCKET, &quota, 1, &options, text, &again) == TIDEGATE_ERROR_SNAPSHOT);
  CHECK(tidegate_keyed_restore(TIDEGATE_TOKEN_BUCKET, &quota, 0, &options, "{}", &again) == TIDEGATE_ERROR_SNAPSHOT);
  options.initial = 11;
  CHECK(tidegate_keyed_new_with(TIDEGATE_TOKEN_BUCKET, &quota, 8, &options, &again) == TIDEGATE_ERROR_INITIAL_UNSUPPORTED);
  CHECK(again == NULL);
  OK(tidegate_keyed_free(k));
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

int main(void) {
  keyed();
  keyed_options();
  initial_fill_and_restore();
  groups();
  return checks_end("keyed");
}
