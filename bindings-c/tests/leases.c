/*
 * Leases: workers that draw batches out of one limiter. Compiles as C99 to C17 and as C++11 to C++20.
 */
#include "common.h"

static void batches(void) {
  const tidegate_quota quota = quota_of("100/s burst 50");
  tidegate_leased *leased = NULL;
  tidegate_lease *a = NULL, *b = NULL, *c = NULL;
  tidegate_decision d;
  uint64_t n = 99;
  unsigned spent = 0;
  OK(tidegate_leased_new(TIDEGATE_GCRA, &quota, 2, 10, &leased));
  OK(tidegate_lease_new(leased, &a));
  OK(tidegate_lease_new(leased, &b));
  CHECK(tidegate_lease_new(leased, &c) == TIDEGATE_ERROR_ALL_LEASED && c == NULL);
  OK(tidegate_leased_leases(leased, &n));
  CHECK(n == 2);

  /* One draw of ten, of which one is spent. */
  CHECK(tidegate_lease_try_acquire_at(a, 0, 1));
  OK(tidegate_lease_in_hand(a, &n));
  CHECK(n == 9);
  OK(tidegate_leased_peek_at(leased, 0, 30, &d));
  CHECK(!d.allowed && d.limit == 30 && d.remaining == 20 && d.retry_after_ns == SECOND / 10);
  OK(tidegate_leased_peek_at(leased, 0, 31, &d));
  CHECK(!d.allowed && d.retry_after_ns == TIDEGATE_NEVER);
  OK(tidegate_lease_take_at(a, 0, 9, &d));
  CHECK(d.allowed && d.remaining == 20);
  OK(tidegate_lease_in_hand(a, &n));
  CHECK(n == 0);

  /* What is not used comes back; freeing gives back, too. */
  CHECK(tidegate_lease_try_acquire_at(b, 0, 1));
  OK(tidegate_lease_return_unused(b, &n));
  CHECK(n == 9);
  OK(tidegate_lease_return_unused(b, NULL));
  CHECK(tidegate_lease_try_acquire_at(b, 0, 1));
  OK(tidegate_lease_free(b));
  OK(tidegate_leased_peek_at(leased, 0, 18, &d));
  CHECK(d.allowed && d.remaining == 18);
  OK(tidegate_leased_leases(leased, &n));
  CHECK(n == 1);

  /* All together: what the burst is without what may be in hands. */
  spent = 12;
  while (spent < 1000 && (tidegate_lease_try_acquire_at(a, 0, 1) || tidegate_leased_try_acquire_at(leased, 0, 1))) spent++;
  CHECK(spent == 30);
  OK(tidegate_lease_take_at(a, 0, 1, &d));
  CHECK(!d.allowed && d.retry_after_ns == SECOND / 100);
  CHECK(!tidegate_lease_try_acquire_at(a, SECOND / 100 - 1, 1) && tidegate_lease_try_acquire_at(a, SECOND / 100, 1));
  /* A late time mints nothing, and what can never be is denied. */
  CHECK(!tidegate_lease_try_acquire_at(a, 0, 1) && !tidegate_lease_try_acquire_at(a, UINT64_MAX, UINT64_MAX));

  /* A lease outlives the limiter that it came from. */
  OK(tidegate_leased_free(leased));
  CHECK(tidegate_lease_try_acquire_at(a, SECOND, 1));
  OK(tidegate_lease_free(a));
}

static void clocks_and_options(void) {
  const tidegate_quota quota = quota_of("100/s burst 50");
  tidegate_limiter_options options;
  tidegate_leased *leased = NULL;
  tidegate_lease *lease = NULL;
  tidegate_decision d;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.flags = TIDEGATE_SET_INITIAL | TIDEGATE_SET_ORIGIN;
  options.initial = 5;
  options.origin_ns = SECOND;
  OK(tidegate_leased_new_with(TIDEGATE_TOKEN_BUCKET, &quota, 1, 20, &options, &leased));
  OK(tidegate_lease_new(leased, &lease));
  CHECK(tidegate_lease_try_acquire_at(lease, SECOND, 5) && !tidegate_lease_try_acquire_at(lease, SECOND, 1));
  OK(tidegate_lease_free(lease));
  OK(tidegate_leased_free(leased));
  /* By the system's clock. */
  OK(tidegate_leased_new(TIDEGATE_GCRA, &quota, 1, 20, &leased));
  OK(tidegate_lease_new(leased, &lease));
  CHECK(tidegate_lease_try_acquire(lease, 1) && tidegate_leased_try_acquire(leased, 1));
  OK(tidegate_lease_take(lease, 1, &d));
  CHECK(d.allowed);
  OK(tidegate_leased_peek(leased, 1, &d));
  CHECK(d.allowed && d.limit == 30);
  OK(tidegate_lease_free(lease));
  OK(tidegate_leased_free(leased));
}

static void what_cannot_be_leased(void) {
  const tidegate_quota quota = quota_of("100/s burst 50"), window = quota_of("100/s");
  tidegate_limiter_options options;
  tidegate_leased *leased = NULL;
  CHECK(tidegate_leased_new(TIDEGATE_GCRA, &quota, 0, 10, &leased) == TIDEGATE_ERROR_RANGE);
  CHECK(tidegate_leased_new(TIDEGATE_GCRA, &quota, 2, 0, &leased) == TIDEGATE_ERROR_RANGE);
  CHECK(tidegate_leased_new(TIDEGATE_GCRA, &quota, 5, 10, &leased) == TIDEGATE_ERROR_BATCH_TOO_LARGE);
  CHECK(tidegate_leased_new(TIDEGATE_GCRA, &quota, UINT64_MAX, UINT64_MAX, &leased) == TIDEGATE_ERROR_BATCH_TOO_LARGE);
  CHECK(tidegate_leased_new(TIDEGATE_FIXED_WINDOW, &window, 2, 10, &leased) == TIDEGATE_ERROR_NOT_LEASABLE);
  CHECK(tidegate_leased_new(TIDEGATE_SLIDING_LOG, &window, 2, 10, &leased) == TIDEGATE_ERROR_NOT_LEASABLE);
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.refill = TIDEGATE_REFILL_INTERVAL;
  CHECK(tidegate_leased_new_with(TIDEGATE_TOKEN_BUCKET, &quota, 2, 10, &options, &leased) == TIDEGATE_ERROR_NOT_LEASABLE);
  CHECK(leased == NULL);
}

int main(void) {
  batches();
  clocks_and_options();
  what_cannot_be_leased();
  return checks_end("leases");
}
