/* Eight threads on one limiter: exactly what fits is granted, whatever the order. */
#include <tidegate.h>

#include <pthread.h>
#include <stdlib.h>

#include "check.h"

#define THREADS 8
#define CALLS 1000
#define FITS 3000

typedef struct {
  const tidegate_limiter *limiter;
  unsigned long granted;
  unsigned long errors;
} worker;

static void *work(void *argument) {
  worker *me = argument;
  int call;
  for (call = 0; call < CALLS; call++) {
    if (call % 2 != 0) {
      me->granted += tidegate_limiter_try_acquire_at(me->limiter, 5, 1);
    } else {
      tidegate_decision decision;
      if (tidegate_limiter_take_at(me->limiter, 5, 1, &decision) != TIDEGATE_OK || decision.limit != FITS) {
        me->errors++;
      } else {
        me->granted += decision.allowed;
      }
    }
  }
  return NULL;
}

int main(void) {
  const tidegate_algorithm algorithms[] = {TIDEGATE_GCRA, TIDEGATE_TOKEN_BUCKET, TIDEGATE_FIXED_WINDOW,
                                           TIDEGATE_SLIDING_WINDOW, TIDEGATE_SLIDING_LOG};
  size_t n;
  for (n = 0; n < sizeof algorithms / sizeof *algorithms; n++) {
    pthread_t threads[THREADS];
    worker workers[THREADS];
    tidegate_quota quota;
    tidegate_limiter *limiter = NULL;
    unsigned long granted = 0, errors = 0;
    int i;
    CHECK(tidegate_quota_parse("3000/h", &quota, NULL) == TIDEGATE_OK);
    CHECK(tidegate_limiter_new(algorithms[n], &quota, &limiter) == TIDEGATE_OK);
    for (i = 0; i < THREADS; i++) {
      workers[i].limiter = limiter;
      workers[i].granted = workers[i].errors = 0;
      if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0) {
        fputs("no thread could be started\n", stderr);
        return EXIT_FAILURE;
      }
    }
    for (i = 0; i < THREADS; i++) {
      CHECK(pthread_join(threads[i], NULL) == 0);
      granted += workers[i].granted;
      errors += workers[i].errors;
    }
    CHECK(granted == FITS);
    CHECK(errors == 0);
    tidegate_limiter_free(limiter);
  }
  return checks_end("threads");
}
