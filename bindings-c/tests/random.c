/*
 * What no caller should do, at random: structs of garbage, costs and times from everywhere, reservations that were tampered with, snapshots with a
 * letter changed. Whatever is answered, it is no defect (TIDEGATE_ERROR_INTERNAL, which a panic becomes), no other than a known status, and nothing that
 * a limiter could not say. Ten thousand rounds; a number as argument makes it so many.
 */
#include "common.h"

static uint64_t state = UINT64_C(88172645463325252);

static uint64_t any(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

static uint64_t one_of(uint64_t n) { return any() % n; }

/* Of every size, and often one at which something ends. */
static uint64_t edge(void) {
  static const uint64_t edges[] = {0, 1, 2, UINT64_MAX, UINT64_MAX - 1, UINT64_C(1) << 63, (UINT64_C(1) << 63) - 1, UINT64_C(1) << 62,
                                   UINT64_C(1) << 61, SECOND};
  return one_of(3) == 0 ? edges[one_of(sizeof edges / sizeof *edges)] : any() >> one_of(64);
}

static void garbage(void *at, size_t size) {
  unsigned char *bytes = (unsigned char *)at;
  size_t n;
  for (n = 0; n < size; n++) bytes[n] = (unsigned char)any();
}

/* What may be answered; whether it was done. */
static bool known(tidegate_status status) {
  CHECK(status <= TIDEGATE_OK && status != TIDEGATE_ERROR_INTERNAL);
  CHECK(strcmp(tidegate_status_message(status), "unknown status") != 0);
  return status == TIDEGATE_OK;
}

static void said(tidegate_status status, const tidegate_decision *d) {
  if (known(status)) CHECK(d->remaining <= d->limit && (!d->allowed || d->retry_after_ns == 0));
}

static tidegate_quota some_quota(void) {
  tidegate_quota quota;
  garbage(&quota, sizeof quota);
  if (one_of(8) == 0) return quota;
  memset(&quota, 0, sizeof quota);
  quota.limit = one_of(2) ? 1 + one_of(1000) : edge();
  quota.period_ns = one_of(2) ? 1 + (any() >> (8 + one_of(50))) : edge();
  quota.burst = one_of(2) ? quota.limit : edge();
  quota.anchor = (tidegate_anchor)one_of(4);
  quota.offset_ns = one_of(4) == 0 ? edge() : 0;
  return quota;
}

static tidegate_limiter_options some_options(void) {
  tidegate_limiter_options options;
  garbage(&options, sizeof options);
  if (one_of(4) != 0) memset(&options, 0, sizeof options);
  options.struct_size = one_of(9) == 0 ? one_of(sizeof options + 1) : sizeof options;
  options.flags = (uint32_t)one_of(5);
  options.refill = (tidegate_refill)one_of(3);
  options.initial = edge();
  options.origin_ns = edge();
  options.clock = NULL;
  return options;
}

static void tamper(tidegate_reservation *r) {
  if (one_of(2) == 0) garbage(r->internal, sizeof r->internal);
  if (one_of(2) == 0) r->outcome = TIDEGATE_BOOKED;
}

static void limiters(tidegate_algorithm algorithm, const tidegate_quota *quota, const tidegate_limiter_options *options) {
  tidegate_limiter *l = NULL, *again = NULL;
  tidegate_reservation r;
  tidegate_decision d;
  char text[256];
  size_t length = 0;
  int n;
  if (!known(tidegate_limiter_new_with(algorithm, quota, options, &l))) return;
  for (n = 0; n < 6; n++) {
    said(tidegate_limiter_take_at(l, edge(), edge(), &d), &d);
    known(tidegate_limiter_refund_at(l, edge(), edge()));
    known(tidegate_limiter_charge_at(l, edge(), edge(), &d));
    if (known(tidegate_limiter_reserve_at(l, edge(), edge(), edge(), &r))) {
      tamper(&r);
      known(one_of(2) ? tidegate_limiter_cancel_at(l, edge(), &r) : tidegate_limiter_settle_at(l, edge(), &r, edge(), &d));
    }
    known(tidegate_limiter_reconfigure_at(l, edge(), quota, (tidegate_carry)one_of(5)));
    said(tidegate_limiter_peek_at(l, edge(), edge(), &d), &d);
  }
  if (known(tidegate_limiter_snapshot(l, text, sizeof text, &length))) {
    text[one_of(length)] = "0123456789{}[],:\"xe-"[one_of(20)];
    if (known(tidegate_limiter_from_snapshot(text, &again))) {
      said(tidegate_limiter_take_at(again, edge(), edge(), &d), &d);
      said(tidegate_limiter_peek_at(again, edge(), edge(), &d), &d);
      known(tidegate_limiter_free(again));
    }
  }
  known(tidegate_limiter_free(l));
}

static void keys(tidegate_algorithm algorithm, const tidegate_quota *quota) {
  tidegate_keyed_options options;
  tidegate_keyed *k = NULL, *again = NULL;
  tidegate_reservation r;
  tidegate_decision d;
  char text[4096];
  size_t length = 0;
  int n;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.flags = (uint32_t)one_of(4);
  options.when_full = (tidegate_when_full)one_of(4);
  options.initial = edge();
  options.origin_ns = edge();
  if (!known(tidegate_keyed_new_with(algorithm, quota, (size_t)one_of(20), &options, &k))) return;
  for (n = 0; n < 40; n++) {
    const uint64_t key = one_of(30);
    said(tidegate_keyed_take_at(k, &key, sizeof key, edge(), edge(), &d), &d);
    known(tidegate_keyed_charge_at(k, &key, sizeof key, edge(), edge(), &d));
    known(tidegate_keyed_refund_at(k, &key, sizeof key, edge(), edge()));
    if (known(tidegate_keyed_reserve_at(k, &key, sizeof key, edge(), edge(), edge(), &r))) {
      tamper(&r);
      known(one_of(2) ? tidegate_keyed_cancel_at(k, &key, sizeof key, edge(), &r)
                      : tidegate_keyed_settle_at(k, &key, sizeof key, edge(), &r, edge(), &d));
    }
  }
  if (known(tidegate_keyed_snapshot_at(k, edge(), text, sizeof text, &length))) {
    text[one_of(length)] = "0123456789{}[],:\"xe-"[one_of(20)];
    if (known(tidegate_keyed_from_snapshot(text, &again))) {
      said(tidegate_keyed_take_at(again, "k", 1, edge(), edge(), &d), &d);
      known(tidegate_keyed_free(again));
    }
  }
  known(tidegate_keyed_free(k));
}

static void words(tidegate_algorithm algorithm, const tidegate_quota *quota, const tidegate_limiter_options *options) {
  tidegate_rule rule;
  tidegate_word word = TIDEGATE_WORD_INIT;
  tidegate_gcra gcra;
  tidegate_reservation r;
  tidegate_decision d;
  int n;
  gcra.tat = edge();
  known(tidegate_gcra_take_at(&gcra, quota, edge(), edge(), &d));
  garbage(&rule, sizeof rule);
  CHECK(tidegate_word_take_at(&word, &rule, 0, 1, &d) == TIDEGATE_ERROR_NOT_INITIALIZED);
  if (!known(tidegate_rule_init(algorithm, quota, options, &rule, &word))) return;
  for (n = 0; n < 6; n++) {
    if (one_of(2) == 0) word.value = edge();
    said(tidegate_word_take_at(&word, &rule, edge(), edge(), &d), &d);
    known(tidegate_word_charge_at(&word, &rule, edge(), edge(), &d));
    known(tidegate_word_refund_at(&word, &rule, edge(), edge()));
    if (known(tidegate_word_reserve_at(&word, &rule, edge(), edge(), edge(), &r))) {
      tamper(&r);
      known(tidegate_word_cancel_at(&word, &rule, edge(), &r));
    }
  }
}

static void others(tidegate_algorithm algorithm, const tidegate_quota *quota) {
  tidegate_backoff_options options;
  tidegate_backoff backoff;
  tidegate_leased *leased = NULL;
  tidegate_lease *lease = NULL;
  tidegate_decision d;
  uint64_t delay;
  int n;
  garbage(&options, sizeof options);
  options.struct_size = sizeof options;
  garbage(&backoff, sizeof backoff);
  CHECK(tidegate_backoff_next(&backoff, 0, &delay) == TIDEGATE_ERROR_NOT_INITIALIZED);
  if (one_of(4) != 0) {
    options.flags = (uint32_t)one_of(64);
    options.schedule = (tidegate_schedule)one_of(5);
    options.jitter = (tidegate_jitter)one_of(6);
  }
  if (known(tidegate_backoff_start_at(&options, edge(), &backoff))) {
    for (n = 0; n < 6; n++) known(tidegate_backoff_next_at(&backoff, edge(), edge(), &delay));
  }
  if (!known(tidegate_leased_new(algorithm, quota, 1 + one_of(3), one_of(2) ? one_of(100) : edge(), &leased))) return;
  if (known(tidegate_lease_new(leased, &lease))) {
    for (n = 0; n < 9; n++) said(tidegate_lease_take_at(lease, edge(), edge(), &d), &d);
    known(tidegate_lease_free(lease));
  }
  known(tidegate_leased_free(leased));
}

int main(int argc, char **argv) {
  const long rounds = argc > 1 ? atol(argv[1]) : 10000;
  long n;
  for (n = 0; n < rounds; n++) {
    const tidegate_quota quota = some_quota();
    const tidegate_limiter_options options = some_options();
    /* A sliding log takes memory for its permits. */
    const tidegate_algorithm algorithm = (tidegate_algorithm)one_of(quota.limit > 5000 ? 4 : 6);
    limiters(algorithm, &quota, &options);
    if (n % 16 == 0) keys(algorithm, &quota);
    words(algorithm, &quota, &options);
    others(algorithm, &quota);
  }
  return checks_end("random");
}
