/*
 * Bad input: NULL, misaligned, foreign and freed handles, lengths beyond memory, costs and times of UINT64_MAX, time that runs backwards,
 * unknown enum values. Each is a negative status (or "no"), nothing changes, nothing ends the program. POSIX.
 *
 * Every function that takes a handle is in the tables below, and every other function that can be called badly; `make exports` compares them with the header.
 */
#define _DEFAULT_SOURCE
#include <tidegate.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"

#define SECOND UINT64_C(1000000000)
#define OK(call) CHECK((call) == TIDEGATE_OK)

/* What out-parameters point at: no call of a table may write it. */
static union {
  uint64_t align;
  unsigned char bytes[4096];
} out;

static void *aligned(void) { return out.bytes; }
static void *misaligned(void) { return out.bytes + 1; }

static bool untouched(void) {
  size_t n;
  for (n = 0; n < sizeof out.bytes; n++) {
    if (out.bytes[n] != 0xa5) return false;
  }
  return true;
}

static tidegate_quota quota_of(const char *text) {
  tidegate_quota quota;
  memset(&quota, 0, sizeof quota);
  OK(tidegate_quota_parse(text, &quota, NULL));
  return quota;
}

/* Each function with `L` as its handle and `O` as its out-parameter; `yes` must be false. */
#define LIMITER_CALLS(L, O)                                                                                 \
  CALL(tidegate_limiter_take(L, 1, (tidegate_decision *)(O)))                                               \
  CALL(tidegate_limiter_take_at(L, 0, 1, (tidegate_decision *)(O)))                                         \
  CALL(tidegate_limiter_peek(L, 1, (tidegate_decision *)(O)))                                               \
  CALL(tidegate_limiter_peek_at(L, 0, 1, (tidegate_decision *)(O)))                                         \
  CALL(tidegate_limiter_charge(L, 1, (tidegate_decision *)(O)))                                             \
  CALL(tidegate_limiter_charge_at(L, 0, 1, (tidegate_decision *)(O)))                                       \
  CALL(tidegate_limiter_reserve(L, 1, 0, (tidegate_reservation *)(O)))                                      \
  CALL(tidegate_limiter_reserve_at(L, 0, 1, 0, (tidegate_reservation *)(O)))                                \
  CALL(tidegate_limiter_cancel(L, (tidegate_reservation *)(O)))                                             \
  CALL(tidegate_limiter_cancel_at(L, 0, (tidegate_reservation *)(O)))                                       \
  CALL(tidegate_limiter_settle(L, (tidegate_reservation *)(O), 1, (tidegate_decision *)(O)))                \
  CALL(tidegate_limiter_settle_at(L, 0, (tidegate_reservation *)(O), 1, (tidegate_decision *)(O)))          \
  CALL(tidegate_limiter_quota(L, (tidegate_quota *)(O)))                                                    \
  CALL(tidegate_limiter_now(L, (uint64_t *)(O)))                                                            \
  CALL(tidegate_limiter_horizon(L, (uint64_t *)(O)))                                                        \
  CALL(tidegate_limiter_snapshot(L, NULL, 0, (size_t *)(O)))

#define LIMITER_CHANGES(L)                                              \
  CALL(tidegate_limiter_refund(L, 1))                                   \
  CALL(tidegate_limiter_refund_at(L, 0, 1))                             \
  CALL(tidegate_limiter_reset(L))                                       \
  CALL(tidegate_limiter_acquire(L, 1, 0, (bool *)aligned()))            \
  CALL(tidegate_limiter_reconfigure(L, &quota, TIDEGATE_CARRY_TIME))    \
  CALL(tidegate_limiter_reconfigure_at(L, 0, &quota, TIDEGATE_CARRY_TIME)) \
  CALL(tidegate_limiter_restore(L, "{}"))                               \
  NO(tidegate_limiter_try_acquire(L, 1))                                \
  NO(tidegate_limiter_try_acquire_at(L, 0, 1))

#define KEYED_CALLS(L, O)                                                                    \
  CALL(tidegate_keyed_take(L, "k", 1, 1, (tidegate_decision *)(O)))                          \
  CALL(tidegate_keyed_take_at(L, "k", 1, 0, 1, (tidegate_decision *)(O)))                    \
  CALL(tidegate_keyed_peek(L, "k", 1, 1, (tidegate_decision *)(O)))                          \
  CALL(tidegate_keyed_peek_at(L, "k", 1, 0, 1, (tidegate_decision *)(O)))                    \
  CALL(tidegate_keyed_charge(L, "k", 1, 1, (tidegate_decision *)(O)))                        \
  CALL(tidegate_keyed_charge_at(L, "k", 1, 0, 1, (tidegate_decision *)(O)))                  \
  CALL(tidegate_keyed_reserve(L, "k", 1, 1, 0, (tidegate_reservation *)(O)))                 \
  CALL(tidegate_keyed_reserve_at(L, "k", 1, 0, 1, 0, (tidegate_reservation *)(O)))           \
  CALL(tidegate_keyed_cancel(L, "k", 1, (tidegate_reservation *)(O)))                        \
  CALL(tidegate_keyed_cancel_at(L, "k", 1, 0, (tidegate_reservation *)(O)))                  \
  CALL(tidegate_keyed_settle(L, "k", 1, (tidegate_reservation *)(O), 1, (tidegate_decision *)(O)))             \
  CALL(tidegate_keyed_settle_at(L, "k", 1, 0, (tidegate_reservation *)(O), 1, (tidegate_decision *)(O)))       \
  CALL(tidegate_keyed_len(L, (size_t *)(O)))                                                 \
  CALL(tidegate_keyed_evictions(L, (uint64_t *)(O)))                                         \
  CALL(tidegate_keyed_memory(L, (size_t *)(O)))                                              \
  CALL(tidegate_keyed_now(L, (uint64_t *)(O)))                                               \
  CALL(tidegate_keyed_snapshot(L, NULL, 0, (size_t *)(O)))                                   \
  CALL(tidegate_keyed_snapshot_at(L, 0, NULL, 0, (size_t *)(O)))

#define KEYED_CHANGES(L)                           \
  CALL(tidegate_keyed_refund(L, "k", 1, 1))        \
  CALL(tidegate_keyed_refund_at(L, "k", 1, 0, 1))  \
  CALL(tidegate_keyed_reset(L, "k", 1, NULL))      \
  CALL(tidegate_keyed_clear(L))                    \
  CALL(tidegate_keyed_acquire(L, "k", 1, 1, 0, (bool *)aligned())) \
  NO(tidegate_keyed_try_acquire(L, "k", 1, 1))     \
  NO(tidegate_keyed_try_acquire_at(L, "k", 1, 0, 1))

#define BUDGET_CALLS(L, O)                                                                              \
  CALL(tidegate_retry_budget_try_retry_at(L, 0, TIDEGATE_FAILURE_TIMEOUT, (bool *)(O), (uint64_t *)(O))) \
  CALL(tidegate_retry_budget_tokens_at(L, 0, (uint64_t *)(O)))

#define BUDGET_CHANGES(L)                                \
  CALL(tidegate_retry_budget_request_at(L, 0))           \
  CALL(tidegate_retry_budget_give_up_at(L, 0))           \
  CALL(tidegate_retry_budget_success_at(L, 0, 1))        \
  CALL(tidegate_retry_budget_reset(L))

#define CONCURRENCY_CALLS(L, O)                                                                 \
  CALL(tidegate_concurrency_enter(L, 1, 0, (tidegate_permit *)(O), (bool *)(O)))                \
  CALL(tidegate_concurrency_leave(L, (tidegate_permit *)(O)))                                   \
  CALL(tidegate_concurrency_in_flight(L, (uint64_t *)(O)))                                      \
  CALL(tidegate_concurrency_limit(L, (uint64_t *)(O)))

#define CONCURRENCY_CHANGES(L)                       \
  CALL(tidegate_concurrency_set_limit(L, 1))         \
  NO(tidegate_concurrency_try_enter(L, 1, (tidegate_permit *)aligned()))

#define LEASED_CALLS(L, O)                                                \
  CALL(tidegate_leased_peek(L, 1, (tidegate_decision *)(O)))              \
  CALL(tidegate_leased_peek_at(L, 0, 1, (tidegate_decision *)(O)))        \
  CALL(tidegate_leased_leases(L, (uint64_t *)(O)))                        \
  CALL(tidegate_lease_new(L, (tidegate_lease **)(O)))

#define LEASED_CHANGES(L)                     \
  NO(tidegate_leased_try_acquire(L, 1))       \
  NO(tidegate_leased_try_acquire_at(L, 0, 1))

#define LEASE_CALLS(L, O)                                                 \
  CALL(tidegate_lease_take(L, 1, (tidegate_decision *)(O)))               \
  CALL(tidegate_lease_take_at(L, 0, 1, (tidegate_decision *)(O)))         \
  CALL(tidegate_lease_in_hand(L, (uint64_t *)(O)))

#define LEASE_CHANGES(L)                            \
  CALL(tidegate_lease_return_unused(L, NULL))       \
  NO(tidegate_lease_try_acquire(L, 0))              \
  NO(tidegate_lease_try_acquire_at(L, 0, 0))

static const tidegate_concurrency *as_concurrency(const void *p) { return (const tidegate_concurrency *)p; }
static const tidegate_limiter *as_limiter(const void *p) { return (const tidegate_limiter *)p; }
static const tidegate_keyed *as_keyed(const void *p) { return (const tidegate_keyed *)p; }
static const tidegate_retry_budget *as_budget(const void *p) { return (const tidegate_retry_budget *)p; }
static const tidegate_leased *as_leased(const void *p) { return (const tidegate_leased *)p; }
static tidegate_lease *as_lease(const void *p) { return (tidegate_lease *)(uintptr_t)p; }

static void handles_that_are_none(const tidegate_limiter *l, const tidegate_keyed *k, const tidegate_retry_budget *b) {
  /* Zeros at an address that is aligned for whatever a handle holds. */
  static const unsigned char room[1024];
  const void *const zeros = room + (256 - (uintptr_t)room % 256);
  tidegate_quota quota = quota_of("9/s");
  tidegate_status expected;
  const void *wrong;
#define CALL(call) CHECK((call) == expected);
#define NO(call) CHECK(!(call));
#define ALL                                                                                       \
  LIMITER_CALLS(as_limiter(wrong), aligned()) LIMITER_CHANGES(as_limiter(wrong))                  \
  KEYED_CALLS(as_keyed(wrong), aligned()) KEYED_CHANGES(as_keyed(wrong))                          \
  BUDGET_CALLS(as_budget(wrong), aligned()) BUDGET_CHANGES(as_budget(wrong))                      \
  CONCURRENCY_CALLS(as_concurrency(wrong), aligned()) CONCURRENCY_CHANGES(as_concurrency(wrong))  \
  LEASED_CALLS(as_leased(wrong), aligned()) LEASED_CHANGES(as_leased(wrong))                      \
  LEASE_CALLS(as_lease(wrong), aligned()) LEASE_CHANGES(as_lease(wrong))
  wrong = NULL;
  expected = TIDEGATE_ERROR_NULL;
  ALL
  wrong = (const char *)zeros + 4;
  expected = TIDEGATE_ERROR_MISALIGNED;
  ALL
  wrong = zeros;
  expected = TIDEGATE_ERROR_HANDLE;
  ALL
  /* Of another kind. */
  wrong = k;
  LIMITER_CALLS(as_limiter(wrong), aligned()) LIMITER_CHANGES(as_limiter(wrong))
  BUDGET_CALLS(as_budget(wrong), aligned()) BUDGET_CHANGES(as_budget(wrong))
  CONCURRENCY_CALLS(as_concurrency(wrong), aligned()) CONCURRENCY_CHANGES(as_concurrency(wrong))
  wrong = l;
  KEYED_CALLS(as_keyed(wrong), aligned()) KEYED_CHANGES(as_keyed(wrong))
  wrong = b;
  LIMITER_CALLS(as_limiter(wrong), aligned())
  LEASED_CALLS(as_leased(wrong), aligned()) LEASED_CHANGES(as_leased(wrong))
  /* No out-parameter, or one between two words. */
  expected = TIDEGATE_ERROR_NULL;
  LIMITER_CALLS(l, NULL)
  KEYED_CALLS(k, NULL)
  BUDGET_CALLS(b, NULL)
#undef CALL
#define CALL(call) CHECK((call) == TIDEGATE_ERROR_MISALIGNED);
  LIMITER_CALLS(l, misaligned())
  KEYED_CALLS(k, misaligned())
  CALL(tidegate_retry_budget_tokens_at(b, 0, (uint64_t *)misaligned()))
#undef CALL
#define CALL(call) CHECK((call) == TIDEGATE_ERROR_NULL);
  CALL(tidegate_limiter_acquire(l, 1, 0, NULL))
  CALL(tidegate_keyed_acquire(k, "k", 1, 1, 0, NULL))
#undef CALL
#undef NO
  CHECK(untouched());
}

static void keys(const tidegate_keyed *k) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  /* Keys that end where memory does: one byte read beyond, and the program is gone. */
  unsigned char *memory = (unsigned char *)mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  size_t len;
  CHECK(memory != MAP_FAILED);
  if (memory == MAP_FAILED) return;
  CHECK(mprotect(memory + page, page, PROT_NONE) == 0);
  for (len = 0; len <= 100; len++) {
    /* The last byte tells two keys apart: it is read. */
    memory[page - 1] = 1;
    CHECK(tidegate_keyed_try_acquire_at(k, memory + page - len, len, 0, 1));
    memory[page - 1] = 2;
    CHECK(tidegate_keyed_try_acquire_at(k, memory + page - len, len, 0, 1));
  }
  CHECK(tidegate_keyed_take_at(k, NULL, 1, 0, 1, (tidegate_decision *)aligned()) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_keyed_take_at(k, memory, SIZE_MAX, 0, 1, (tidegate_decision *)aligned()) == TIDEGATE_ERROR_LENGTH);
  CHECK(tidegate_keyed_take_at(k, memory, (SIZE_MAX >> 1) + 1, 0, 1, (tidegate_decision *)aligned()) == TIDEGATE_ERROR_LENGTH);
  CHECK(!tidegate_keyed_try_acquire(k, NULL, 5, 0) && !tidegate_keyed_try_acquire(k, memory, SIZE_MAX, 0));
  CHECK(tidegate_keyed_reset(k, NULL, SIZE_MAX, NULL) == TIDEGATE_ERROR_NULL);
  CHECK(untouched());
  munmap(memory, 2 * page);
}

/* Leases: what the tables above ask of handles that are none, of one that lives. */
static void leases(void) {
  tidegate_quota quota = quota_of("9/s");
  tidegate_leased *leased = NULL;
  tidegate_lease *lease = NULL;
  uint64_t n = 0;
  OK(tidegate_leased_new(TIDEGATE_GCRA, &quota, 1, 4, &leased));
  OK(tidegate_lease_new(leased, &lease));
#define CALL(call) CHECK((call) == TIDEGATE_ERROR_NULL);
  LEASED_CALLS(leased, NULL)
  LEASE_CALLS(lease, NULL)
  CALL(tidegate_leased_new(TIDEGATE_GCRA, NULL, 1, 4, (tidegate_leased **)aligned()))
  CALL(tidegate_leased_new(TIDEGATE_GCRA, &quota, 1, 4, NULL))
  CALL(tidegate_leased_new_with(TIDEGATE_GCRA, &quota, 1, 4, NULL, (tidegate_leased **)aligned()))
#undef CALL
#define CALL(call) CHECK((call) == TIDEGATE_ERROR_MISALIGNED);
  LEASED_CALLS(leased, misaligned())
  LEASE_CALLS(lease, misaligned())
  CALL(tidegate_lease_return_unused(lease, (uint64_t *)misaligned()))
#undef CALL
  CHECK(tidegate_leased_new((tidegate_algorithm)5, &quota, 1, 4, (tidegate_leased **)aligned()) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  /* None of it has drawn anything. */
  OK(tidegate_lease_in_hand(lease, &n));
  CHECK(n == 0 && tidegate_leased_try_acquire_at(leased, 0, 5));
  CHECK(!tidegate_lease_try_acquire_at(lease, 0, UINT64_MAX) && !tidegate_leased_try_acquire_at(leased, UINT64_MAX, UINT64_MAX));
  CHECK(tidegate_leased_free((tidegate_leased *)(void *)lease) == TIDEGATE_ERROR_HANDLE);
  CHECK(tidegate_lease_free((tidegate_lease *)(void *)leased) == TIDEGATE_ERROR_HANDLE);
  OK(tidegate_lease_free(lease));
  CHECK(tidegate_lease_free(lease) == TIDEGATE_ERROR_HANDLE);
  OK(tidegate_leased_free(leased));
  CHECK(tidegate_leased_free(leased) == TIDEGATE_ERROR_HANDLE);
  OK(tidegate_leased_free(NULL));
  OK(tidegate_lease_free(NULL));
  CHECK(untouched());
}

static void freed_twice(void) {
  tidegate_quota quota = quota_of("9/s");
  tidegate_limiter *l = NULL, *after = NULL;
  tidegate_keyed *k = NULL;
  tidegate_retry_budget *b = NULL;
  static uint64_t room[32];
  OK(tidegate_limiter_new(TIDEGATE_GCRA, &quota, &l));
  OK(tidegate_keyed_new(TIDEGATE_GCRA, &quota, 9, &k));
  OK(tidegate_retry_budget_new(TIDEGATE_RETRY_GRPC, &b));
  /* As another kind: they live on. */
  CHECK(tidegate_limiter_free((tidegate_limiter *)(void *)k) == TIDEGATE_ERROR_HANDLE);
  CHECK(tidegate_concurrency_free((tidegate_concurrency *)(void *)k) == TIDEGATE_ERROR_HANDLE);
  CHECK(tidegate_concurrency_new(1, NULL) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_keyed_free((tidegate_keyed *)(void *)b) == TIDEGATE_ERROR_HANDLE);
  CHECK(tidegate_retry_budget_free((tidegate_retry_budget *)(void *)l) == TIDEGATE_ERROR_HANDLE);
  CHECK(tidegate_limiter_try_acquire_at(l, 0, 1) && tidegate_keyed_try_acquire_at(k, "k", 1, 0, 1));
  /* What the library never made. */
  CHECK(tidegate_limiter_free((tidegate_limiter *)(void *)room) == TIDEGATE_ERROR_HANDLE);
  CHECK(tidegate_limiter_free((tidegate_limiter *)misaligned()) == TIDEGATE_ERROR_HANDLE);
  OK(tidegate_limiter_free(l));
  CHECK(tidegate_limiter_free(l) == TIDEGATE_ERROR_HANDLE);
  OK(tidegate_keyed_free(k));
  CHECK(tidegate_keyed_free(k) == TIDEGATE_ERROR_HANDLE);
  OK(tidegate_retry_budget_free(b));
  CHECK(tidegate_retry_budget_free(b) == TIDEGATE_ERROR_HANDLE);
  OK(tidegate_limiter_free(NULL));
  OK(tidegate_keyed_free(NULL));
  OK(tidegate_retry_budget_free(NULL));
  /* Freeing twice did no harm. */
  OK(tidegate_limiter_new(TIDEGATE_GCRA, &quota, &after));
  CHECK(tidegate_limiter_try_acquire_at(after, 0, 9));
  OK(tidegate_limiter_free(after));
}

/* The largest costs and times, and time that runs backwards, on every algorithm and kind: no more than fits is ever granted. */
static void costs_and_times(void) {
  const tidegate_algorithm algorithms[] = {TIDEGATE_GCRA, TIDEGATE_TOKEN_BUCKET, TIDEGATE_FIXED_WINDOW,
                                           TIDEGATE_SLIDING_WINDOW, TIDEGATE_SLIDING_LOG};
  const uint64_t times[] = {UINT64_MAX, UINT64_MAX - 1, (UINT64_C(1) << 63) - 1, UINT64_C(1) << 63, 0, 1, SECOND, 5, UINT64_MAX, 0};
  tidegate_quota quota = quota_of("5/s");
  size_t a, t;
  for (a = 0; a < sizeof algorithms / sizeof *algorithms; a++) {
    tidegate_limiter *l = NULL;
    tidegate_decision d, before;
    tidegate_reservation r;
    unsigned granted = 0;
    OK(tidegate_limiter_new(algorithms[a], &quota, &l));
    for (t = 0; t < sizeof times / sizeof *times; t++) {
      OK(tidegate_limiter_peek_at(l, times[t], 1, &before));
      OK(tidegate_limiter_take_at(l, times[t], UINT64_MAX, &d));
      CHECK(!d.allowed && d.retry_after_ns == TIDEGATE_NEVER && d.remaining == before.remaining);
      OK(tidegate_limiter_charge_at(l, times[t], UINT64_MAX, &d));
      CHECK(!d.allowed && d.remaining == before.remaining);
      OK(tidegate_limiter_reserve_at(l, times[t], UINT64_MAX, UINT64_MAX, &r));
      CHECK(r.outcome == TIDEGATE_REFUSED_NEVER && !r.decision.allowed);
      CHECK(!tidegate_limiter_try_acquire_at(l, times[t], 6));
      while (granted < 1000 && tidegate_limiter_try_acquire_at(l, times[t], 1)) granted++;
    }
    /* Three distinct instants were met in rising order at most: 0 (late), the end of the clock. */
    CHECK(granted >= 5 && granted <= 10);
    OK(tidegate_limiter_refund_at(l, 0, UINT64_MAX));
    OK(tidegate_limiter_free(l));
  }
  CHECK(tidegate_limiter_new((tidegate_algorithm)5, &quota, (tidegate_limiter **)aligned()) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  CHECK(tidegate_limiter_new((tidegate_algorithm)-1, &quota, (tidegate_limiter **)aligned()) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  CHECK(tidegate_keyed_new((tidegate_algorithm)5, &quota, 5, (tidegate_keyed **)aligned()) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  CHECK(tidegate_rule_init((tidegate_algorithm)99, &quota, NULL, (tidegate_rule *)aligned(), NULL) == TIDEGATE_ERROR_UNKNOWN_VALUE);
  CHECK(tidegate_limiter_new(TIDEGATE_GCRA, NULL, (tidegate_limiter **)aligned()) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_limiter_new(TIDEGATE_GCRA, &quota, NULL) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_keyed_new_with(TIDEGATE_GCRA, &quota, 5, NULL, (tidegate_keyed **)aligned()) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_keyed_from_snapshot(NULL, (tidegate_keyed **)aligned()) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_keyed_from_snapshot("[]", NULL) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_keyed_restore(TIDEGATE_GCRA, &quota, 5, NULL, NULL, (tidegate_keyed **)aligned()) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_keyed_restore(TIDEGATE_GCRA, NULL, 5, NULL, "{}", (tidegate_keyed **)misaligned()) == TIDEGATE_ERROR_MISALIGNED);
  CHECK(tidegate_limiter_new_with(TIDEGATE_GCRA, &quota, NULL, (tidegate_limiter **)aligned()) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_limiter_new_with(TIDEGATE_GCRA, &quota, (const tidegate_limiter_options *)misaligned(), (tidegate_limiter **)aligned()) ==
        TIDEGATE_ERROR_MISALIGNED);
  CHECK(tidegate_quota_make(1, 1, 1, NULL) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_quota_make(0, 1, 1, (tidegate_quota *)aligned()) == TIDEGATE_ERROR_ZERO_LIMIT);
  CHECK(tidegate_quota_make(1, UINT64_MAX, 1, (tidegate_quota *)aligned()) == TIDEGATE_ERROR_PERIOD_TOO_LONG);
  CHECK(strcmp(tidegate_status_message((tidegate_status)-99), "unknown status") == 0);
  CHECK(strcmp(tidegate_status_message((tidegate_status)1), "unknown status") == 0);
  CHECK(tidegate_retry_budget_new_tokens(1, 1, 1, 1, 1, NULL) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_retry_budget_new_throttle(1, 1, (tidegate_retry_budget **)misaligned()) == TIDEGATE_ERROR_MISALIGNED);
  CHECK(tidegate_retry_budget_new_share(UINT64_MAX, UINT32_MAX, 1, 0, (tidegate_retry_budget **)aligned()) == TIDEGATE_ERROR_RANGE);
  CHECK(tidegate_quota_make_calendar(1, TIDEGATE_CALENDAR_DAY, "UTC", NULL) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_group_take(NULL, 1, (tidegate_decision *)aligned(), NULL) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_group_take_at(NULL, SIZE_MAX, 0, (tidegate_decision *)aligned(), NULL) == TIDEGATE_ERROR_RANGE);
  CHECK(tidegate_group_peek(NULL, 1, NULL, NULL) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_group_peek_at((const tidegate_member *)misaligned(), 1, 0, (tidegate_decision *)aligned(), NULL) ==
        TIDEGATE_ERROR_MISALIGNED);
  CHECK(!tidegate_group_try_acquire(NULL, 1) && !tidegate_group_try_acquire_at(NULL, 0, 0));
  CHECK(tidegate_headers_format(TIDEGATE_HEADERS_DRAFT_08, 0, NULL, 1, NULL, 0, (size_t *)aligned()) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_headers_parse(NULL, 1, 0, (tidegate_observed *)aligned(), NULL, 0) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_headers_parse(NULL, 0, 0, NULL, NULL, 0) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_headers_parse(NULL, 0, 0, (tidegate_observed *)aligned(), (tidegate_observed_limit *)misaligned(), 1) ==
        TIDEGATE_ERROR_MISALIGNED);
  CHECK(tidegate_limiter_from_snapshot(NULL, (tidegate_limiter **)aligned()) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_limiter_from_snapshot("null", (tidegate_limiter **)aligned()) == TIDEGATE_ERROR_SNAPSHOT);
  CHECK(untouched());
}

static void words_and_backoffs(void) {
  tidegate_quota quota = quota_of("5/s"), wrong = quota;
  tidegate_gcra g = TIDEGATE_GCRA_INIT;
  tidegate_word w = TIDEGATE_WORD_INIT;
  tidegate_rule rule;
  tidegate_decision *const d = (tidegate_decision *)aligned();
  tidegate_reservation r, kept;
  OK(tidegate_rule_init(TIDEGATE_FIXED_WINDOW, &quota, NULL, &rule, NULL));
  wrong.limit = 0;
  CHECK(tidegate_gcra_take_at(NULL, &quota, 0, 1, d) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_gcra_take_at(&g, NULL, 0, 1, d) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_gcra_take_at(&g, &quota, 0, 1, NULL) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_gcra_take_at((tidegate_gcra *)misaligned(), &quota, 0, 1, d) == TIDEGATE_ERROR_MISALIGNED);
  CHECK(tidegate_gcra_take_at(&g, &wrong, 0, 1, d) == TIDEGATE_ERROR_ZERO_LIMIT);
  CHECK(tidegate_gcra_peek_at(&g, &wrong, 0, 1, d) == TIDEGATE_ERROR_ZERO_LIMIT);
  CHECK(tidegate_gcra_charge_at(&g, NULL, 0, 1, d) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_gcra_refund_at(NULL, &quota, 0, 1) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_gcra_reserve_at(&g, &quota, 0, 1, 0, NULL) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_gcra_cancel_at(&g, &quota, 0, NULL) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_gcra_reset(NULL) == TIDEGATE_ERROR_NULL);
  CHECK(!tidegate_gcra_try_acquire_at(NULL, &quota, 0, 0) && !tidegate_gcra_try_acquire_at(&g, &wrong, 0, 1));
  CHECK(!tidegate_gcra_try_acquire_at(&g, &quota, 0, UINT64_MAX) && g.tat == 0);
  g.tat = UINT64_MAX;
  CHECK(tidegate_gcra_take_at(&g, &quota, 0, 1, d) == TIDEGATE_ERROR_FOREIGN_WORD && g.tat == UINT64_MAX);
  g.tat = UINT64_C(15) << 60;
  CHECK(tidegate_gcra_refund_at(&g, &quota, 0, 1) == TIDEGATE_ERROR_FOREIGN_WORD);

  CHECK(tidegate_word_take_at(NULL, &rule, 0, 1, d) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_word_take_at(&w, NULL, 0, 1, d) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_word_take_at(&w, &rule, 0, 1, NULL) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_word_peek_at((tidegate_word *)misaligned(), &rule, 0, 1, d) == TIDEGATE_ERROR_MISALIGNED);
  CHECK(tidegate_word_charge_at(&w, (const tidegate_rule *)misaligned(), 0, 1, d) == TIDEGATE_ERROR_MISALIGNED);
  CHECK(tidegate_word_refund_at(NULL, &rule, 0, 1) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_word_reserve_at(&w, &rule, 0, 1, 0, NULL) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_word_cancel_at(&w, &rule, 0, NULL) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_word_reset(NULL) == TIDEGATE_ERROR_NULL && !tidegate_word_try_acquire_at(NULL, NULL, 0, 0));
  CHECK(tidegate_rule_init(TIDEGATE_GCRA, NULL, NULL, &rule, NULL) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_rule_init(TIDEGATE_GCRA, &quota, NULL, NULL, NULL) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_rule_init(TIDEGATE_GCRA, &quota, NULL, &rule, (tidegate_word *)misaligned()) == TIDEGATE_ERROR_MISALIGNED);
  CHECK(w.value == 0);

  /* A reservation that was tampered with gives back no more than is there. */
  OK(tidegate_word_reserve_at(&w, &rule, 0, 5, 0, &r));
  kept = r;
  memset(r.internal, 0xff, sizeof r.internal);
  CHECK(tidegate_word_cancel_at(&w, &rule, 0, &r) == TIDEGATE_OK);
  CHECK(tidegate_word_peek_at(&w, &rule, 0, 1, &(tidegate_decision){.limit = 0}) == TIDEGATE_OK);
  OK(tidegate_word_reset(&w));
  OK(tidegate_word_cancel_at(&w, &rule, 0, &kept));
  CHECK(!tidegate_word_try_acquire_at(&w, &rule, 0, 6) && tidegate_word_try_acquire_at(&w, &rule, 0, 5));
  CHECK(!tidegate_word_try_acquire_at(&w, &rule, 0, 1));
  memset(&r, 0x5a, sizeof r);
  CHECK(tidegate_word_cancel_at(&w, &rule, 0, &r) == TIDEGATE_ERROR_NOT_BOOKED);

  CHECK(tidegate_backoff_start(NULL, (tidegate_backoff *)aligned()) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_backoff_start_at(NULL, 0, (tidegate_backoff *)aligned()) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_backoff_next(NULL, 0, (uint64_t *)aligned()) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_backoff_next((tidegate_backoff *)misaligned(), 0, (uint64_t *)aligned()) == TIDEGATE_ERROR_MISALIGNED);
  CHECK(tidegate_backoff_next_at((tidegate_backoff *)aligned(), 0, 0, NULL) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_backoff_retries((const tidegate_backoff *)aligned(), (uint32_t *)misaligned()) == TIDEGATE_ERROR_MISALIGNED);
  CHECK(tidegate_backoff_seed(NULL, (uint64_t *)aligned()) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_backoff_reset(NULL) == TIDEGATE_ERROR_NULL && tidegate_backoff_reset_at(NULL, 0) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_quota_format(NULL, NULL, 0, (size_t *)aligned()) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_quota_format(&quota, NULL, 5, (size_t *)aligned()) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_quota_format(&quota, (char *)aligned(), 99, NULL) == TIDEGATE_ERROR_NULL);
  CHECK(tidegate_quota_format(&quota, (char *)aligned(), SIZE_MAX, (size_t *)aligned()) == TIDEGATE_ERROR_LENGTH);
  CHECK(untouched());
}

int main(void) {
  tidegate_quota quota = quota_of("9/s");
  tidegate_limiter *l = NULL;
  tidegate_keyed *k = NULL;
  tidegate_retry_budget *b = NULL;
  tidegate_decision d;
  uint64_t tokens = 0;
  memset(out.bytes, 0xa5, sizeof out.bytes);
  OK(tidegate_limiter_new(TIDEGATE_GCRA, &quota, &l));
  OK(tidegate_keyed_new(TIDEGATE_GCRA, &quota, 1000, &k));
  OK(tidegate_retry_budget_new(TIDEGATE_RETRY_AWS_2_0, &b));
  handles_that_are_none(l, k, b);
  /* All of it has spent nothing. */
  OK(tidegate_limiter_peek_at(l, 0, 9, &d));
  CHECK(d.allowed && d.remaining == 9);
  OK(tidegate_keyed_peek_at(k, "k", 1, 0, 9, &d));
  CHECK(d.allowed && d.remaining == 9);
  OK(tidegate_retry_budget_tokens_at(b, 0, &tokens));
  CHECK(tokens == 500);
  keys(k);
  leases();
  OK(tidegate_limiter_free(l));
  OK(tidegate_keyed_free(k));
  OK(tidegate_retry_budget_free(b));
  freed_twice();
  costs_and_times();
  words_and_backoffs();
  return checks_end("bad");
}
