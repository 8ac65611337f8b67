/* Eight threads on one limiter of each kind: exactly what fits is granted, whatever the order. */
#include <tidegate.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#define THREADS 8
#define CALLS 1000
#define FITS 3000
#define KEYS 10

/* What all threads share. */
static struct {
  tidegate_limiter *limiter;
  tidegate_keyed *keyed;
  tidegate_leased *leased;
  tidegate_rule rule;
  tidegate_word word;
  tidegate_quota quota;
  tidegate_gcra gcra;
  tidegate_retry_budget *budget;
  tidegate_concurrency *concurrency;
  /* Not atomic: whoever is in flight has it alone. */
  unsigned long plain;
} shared;

typedef struct {
  unsigned long granted, errors;
  uint64_t instants[CALLS];
} worker;

typedef void *(*work)(void *);

static void *limiter_work(void *argument) {
  worker *me = (worker *)argument;
  int call;
  for (call = 0; call < CALLS; call++) {
    if (call % 2 != 0) {
      me->granted += tidegate_limiter_try_acquire_at(shared.limiter, 5, 1);
    } else {
      tidegate_decision decision;
      if (tidegate_limiter_take_at(shared.limiter, 5, 1, &decision) != TIDEGATE_OK || decision.limit != FITS) {
        me->errors++;
      } else {
        me->granted += decision.allowed;
      }
    }
  }
  return NULL;
}

/* Each permit for an instant of its own. */
static void *reserving_work(void *argument) {
  worker *me = (worker *)argument;
  int call;
  for (call = 0; call < CALLS; call++) {
    tidegate_reservation r;
    me->errors += tidegate_limiter_reserve_at(shared.limiter, 5, 1, UINT64_MAX, &r) != TIDEGATE_OK;
    me->errors += r.outcome != TIDEGATE_BOOKED;
    me->instants[call] = r.at_ns;
  }
  return NULL;
}

/* Spends and gives back, while the quota changes back and forth: nothing is lost, nothing is minted. */
static void *changing_work(void *argument) {
  worker *me = (worker *)argument;
  int call;
  for (call = 0; call < CALLS / 4; call++) {
    if (call % 25 == 0) {
      me->errors += tidegate_limiter_reconfigure_at(shared.limiter, 5, &shared.quota, TIDEGATE_CARRY_PERMITS) != TIDEGATE_OK;
    }
    me->granted += tidegate_limiter_try_acquire_at(shared.limiter, 5, 1);
  }
  return NULL;
}

static void *keyed_work(void *argument) {
  worker *me = (worker *)argument;
  int call;
  for (call = 0; call < CALLS; call++) {
    const int key = call % KEYS;
    me->granted += tidegate_keyed_try_acquire_at(shared.keyed, &key, sizeof key, 5, 1);
  }
  return NULL;
}

static void *word_work(void *argument) {
  worker *me = (worker *)argument;
  int call;
  for (call = 0; call < CALLS; call++) {
    me->granted += tidegate_word_try_acquire_at(&shared.word, &shared.rule, 5, 1);
  }
  return NULL;
}

static void *gcra_work(void *argument) {
  worker *me = (worker *)argument;
  int call;
  for (call = 0; call < CALLS; call++) {
    me->granted += tidegate_gcra_try_acquire_at(&shared.gcra, &shared.quota, 5, 1);
  }
  return NULL;
}

static void *budget_work(void *argument) {
  worker *me = (worker *)argument;
  int call;
  for (call = 0; call < CALLS; call++) {
    bool allowed = false;
    me->errors += tidegate_retry_budget_try_retry_at(shared.budget, 0, TIDEGATE_FAILURE_TRANSIENT, &allowed, NULL) != TIDEGATE_OK;
    me->granted += allowed;
  }
  return NULL;
}

/* One limiter and one key, charged together or not at all. */
static void *group_work(void *argument) {
  worker *me = (worker *)argument;
  tidegate_member members[2];
  int call;
  memset(members, 0, sizeof members);
  members[0].limiter = shared.limiter;
  members[0].cost = 1;
  members[1].keyed = shared.keyed;
  members[1].key = "k";
  members[1].key_len = 1;
  members[1].cost = 1;
  for (call = 0; call < CALLS; call++) me->granted += tidegate_group_try_acquire_at(members, 2, 5);
  return NULL;
}

/* A limit of one permit is a lock. */
static void *concurrent_work(void *argument) {
  worker *me = (worker *)argument;
  int call;
  for (call = 0; call < CALLS; call++) {
    tidegate_permit permit;
    bool entered = false;
    me->errors += tidegate_concurrency_enter(shared.concurrency, 1, UINT64_MAX, &permit, &entered) != TIDEGATE_OK;
    me->errors += !entered;
    shared.plain++;
    me->errors += tidegate_concurrency_leave(shared.concurrency, &permit) != TIDEGATE_OK;
    me->granted++;
  }
  return NULL;
}

/* Making and ending handles at once. */
/* A lease for each: what is left in hands goes back. */
static void *leased_work(void *argument) {
  worker *me = (worker *)argument;
  tidegate_lease *lease = NULL;
  int call;
  me->errors += tidegate_lease_new(shared.leased, &lease) != TIDEGATE_OK;
  for (call = 0; call < CALLS; call++) me->granted += tidegate_lease_try_acquire_at(lease, 5, 1);
  me->errors += tidegate_lease_free(lease) != TIDEGATE_OK;
  return NULL;
}

static void *living_work(void *argument) {
  worker *me = (worker *)argument;
  int call;
  for (call = 0; call < CALLS; call++) {
    tidegate_limiter *l = NULL;
    me->errors += tidegate_limiter_new(TIDEGATE_GCRA, &shared.quota, &l) != TIDEGATE_OK;
    me->granted += tidegate_limiter_try_acquire_at(l, 5, FITS);
    me->errors += tidegate_limiter_free(l) != TIDEGATE_OK;
  }
  return NULL;
}

static int by_value(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static worker workers[THREADS];

/* How much all threads were granted together; no thread met an error. */
static unsigned long together(work what) {
  pthread_t threads[THREADS];
  unsigned long granted = 0, errors = 0;
  int i;
  memset(workers, 0, sizeof workers);
  for (i = 0; i < THREADS; i++) {
    if (pthread_create(&threads[i], NULL, what, &workers[i]) != 0) {
      fputs("no thread could be started\n", stderr);
      exit(EXIT_FAILURE);
    }
  }
  for (i = 0; i < THREADS; i++) {
    CHECK(pthread_join(threads[i], NULL) == 0);
    granted += workers[i].granted;
    errors += workers[i].errors;
  }
  CHECK(errors == 0);
  return granted;
}

int main(void) {
  const tidegate_algorithm algorithms[] = {TIDEGATE_GCRA, TIDEGATE_TOKEN_BUCKET, TIDEGATE_FIXED_WINDOW,
                                           TIDEGATE_SLIDING_WINDOW, TIDEGATE_SLIDING_LOG};
  tidegate_quota few;
  size_t n;
  CHECK(tidegate_quota_parse("3000/h", &shared.quota, NULL) == TIDEGATE_OK);
  CHECK(tidegate_quota_parse("300/h", &few, NULL) == TIDEGATE_OK);
  for (n = 0; n < sizeof algorithms / sizeof *algorithms; n++) {
    const bool one_word = algorithms[n] != TIDEGATE_SLIDING_LOG;
    CHECK(tidegate_limiter_new(algorithms[n], &shared.quota, &shared.limiter) == TIDEGATE_OK);
    CHECK(together(limiter_work) == FITS);
    CHECK(tidegate_limiter_free(shared.limiter) == TIDEGATE_OK);

    CHECK(tidegate_limiter_new(algorithms[n], &shared.quota, &shared.limiter) == TIDEGATE_OK);
    CHECK(together(changing_work) == THREADS * (CALLS / 4));
    CHECK(!tidegate_limiter_try_acquire_at(shared.limiter, 5, FITS - THREADS * (CALLS / 4) + 1));
    CHECK(tidegate_limiter_try_acquire_at(shared.limiter, 5, FITS - THREADS * (CALLS / 4)));
    CHECK(tidegate_limiter_free(shared.limiter) == TIDEGATE_OK);
    if (!one_word) continue;

    CHECK(tidegate_keyed_new(algorithms[n], &few, 100, &shared.keyed) == TIDEGATE_OK);
    CHECK(together(keyed_work) == 300 * KEYS);
    CHECK(tidegate_keyed_free(shared.keyed) == TIDEGATE_OK);
    CHECK(tidegate_rule_init(algorithms[n], &shared.quota, NULL, &shared.rule, &shared.word) == TIDEGATE_OK);
    CHECK(together(word_work) == FITS);
  }
  CHECK(together(gcra_work) == FITS);
  CHECK(tidegate_retry_budget_new(TIDEGATE_RETRY_AWS_2_0, &shared.budget) == TIDEGATE_OK);
  CHECK(together(budget_work) == 100);
  CHECK(tidegate_retry_budget_free(shared.budget) == TIDEGATE_OK);
  CHECK(together(living_work) == THREADS * CALLS);

  CHECK(tidegate_limiter_new(TIDEGATE_GCRA, &shared.quota, &shared.limiter) == TIDEGATE_OK);
  CHECK(tidegate_keyed_new(TIDEGATE_FIXED_WINDOW, &few, 100, &shared.keyed) == TIDEGATE_OK);
  /* A race may refuse what would have fitted; what is left is granted afterwards, and never more. */
  {
    const unsigned long granted = together(group_work);
    worker rest;
    memset(&rest, 0, sizeof rest);
    group_work(&rest);
    CHECK(granted <= 300 && granted + rest.granted == 300);
    CHECK(tidegate_limiter_try_acquire_at(shared.limiter, 5, FITS - 300));
    CHECK(!tidegate_limiter_try_acquire_at(shared.limiter, 5, 1));
  }
  CHECK(tidegate_limiter_free(shared.limiter) == TIDEGATE_OK);
  CHECK(tidegate_keyed_free(shared.keyed) == TIDEGATE_OK);

  /* What may be in hands is held back; the rest is granted to the last permit, and what was in hand when a worker ended is there again. */
  CHECK(tidegate_leased_new(TIDEGATE_GCRA, &shared.quota, THREADS, 50, &shared.leased) == TIDEGATE_OK);
  {
    unsigned long granted = together(leased_work);
    while (granted <= FITS && tidegate_leased_try_acquire_at(shared.leased, 5, 1)) granted++;
    CHECK(granted == FITS - THREADS * 50);
  }
  CHECK(tidegate_leased_free(shared.leased) == TIDEGATE_OK);

  CHECK(tidegate_concurrency_new(1, &shared.concurrency) == TIDEGATE_OK);
  CHECK(together(concurrent_work) == THREADS * CALLS && shared.plain == THREADS * CALLS);
  CHECK(tidegate_concurrency_free(shared.concurrency) == TIDEGATE_OK);

  {
    static uint64_t instants[THREADS * CALLS];
    const uint64_t gap = UINT64_C(3600000000000) / FITS;
    uint64_t i;
    shared.quota.burst = 1;
    CHECK(tidegate_limiter_new(TIDEGATE_GCRA, &shared.quota, &shared.limiter) == TIDEGATE_OK);
    together(reserving_work);
    for (i = 0; i < THREADS; i++) memcpy(instants + i * CALLS, workers[i].instants, sizeof workers[i].instants);
    qsort(instants, THREADS * CALLS, sizeof *instants, by_value);
    CHECK(instants[0] == 5);
    for (i = 1; i < THREADS * CALLS; i++) {
      /* To the tick, of at most 2 ns. */
      if (instants[i] + 2 < 5 + i * gap || instants[i] > 5 + i * gap + 2) break;
    }
    CHECK(i == THREADS * CALLS);
    CHECK(tidegate_limiter_free(shared.limiter) == TIDEGATE_OK);
  }
  return checks_end("threads");
}
