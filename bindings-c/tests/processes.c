/*
 * Processes: words in shared memory serve all of them, to the last permit; what a child inherits is a copy of its own. POSIX.
 */
#define _DEFAULT_SOURCE
#include "common.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 4
#define FITS 3000

typedef struct {
  tidegate_word word;
  tidegate_gcra gcra;
  unsigned granted[PROCESSES][2];
} shared;

/* Runs `work` in a child; whether it ended well. */
static bool in_child(void (*work)(void *), void *argument) {
  int status = 0;
  const pid_t child = fork();
  if (child == 0) {
    work(argument);
    _exit(checks_failed != 0);
  }
  return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void shared_words(void) {
  shared *const all = (shared *)mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  tidegate_quota quota = quota_of("3000/h");
  tidegate_rule rule;
  unsigned n, words = 0, gcras = 0;
  CHECK(all != MAP_FAILED);
  if (all == MAP_FAILED) return;
  OK(tidegate_rule_init(TIDEGATE_FIXED_WINDOW, &quota, NULL, &rule, &all->word));
  for (n = 0; n < PROCESSES; n++) {
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
      unsigned call;
      for (call = 0; call < FITS; call++) {
        all->granted[n][0] += tidegate_word_try_acquire_at(&all->word, &rule, 5, 1);
        all->granted[n][1] += tidegate_gcra_try_acquire_at(&all->gcra, &quota, 5, 1);
      }
      _exit(0);
    }
  }
  for (n = 0; n < PROCESSES; n++) {
    int status = 1;
    CHECK(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  for (n = 0; n < PROCESSES; n++) {
    words += all->granted[n][0];
    gcras += all->granted[n][1];
  }
  CHECK(words == FITS && gcras == FITS);
  munmap(all, sizeof *all);
}

typedef struct {
  tidegate_limiter *limiter;
  tidegate_keyed *keyed;
  tidegate_lease *lease;
} handles;

/* All that was inherited works, is freed once, and new ones can be made. */
static void use_and_free(void *argument) {
  const handles *mine = (const handles *)argument;
  tidegate_quota quota = quota_of("5/h");
  tidegate_limiter *made = NULL;
  CHECK(tidegate_limiter_try_acquire_at(mine->limiter, 0, 4) && !tidegate_limiter_try_acquire_at(mine->limiter, 0, 1));
  CHECK(tidegate_limiter_try_acquire(mine->limiter, 0));
  CHECK(tidegate_keyed_try_acquire_at(mine->keyed, "old", 3, 0, 4) && !tidegate_keyed_try_acquire_at(mine->keyed, "old", 3, 0, 1));
  CHECK(tidegate_keyed_try_acquire_at(mine->keyed, "new", 3, 0, 5));
  CHECK(tidegate_lease_try_acquire_at(mine->lease, 0, 1));
  OK(tidegate_limiter_new(TIDEGATE_GCRA, &quota, &made));
  CHECK(tidegate_limiter_try_acquire(made, 5) && !tidegate_limiter_try_acquire(made, 1));
  OK(tidegate_limiter_free(made));
  OK(tidegate_limiter_free(mine->limiter));
  CHECK(tidegate_limiter_free(mine->limiter) == TIDEGATE_ERROR_HANDLE);
  OK(tidegate_keyed_free(mine->keyed));
  OK(tidegate_lease_free(mine->lease));
}

static void inherited_handles(void) {
  tidegate_quota quota = quota_of("5/h");
  tidegate_leased *leased = NULL;
  handles mine = {NULL, NULL, NULL};
  OK(tidegate_limiter_new(TIDEGATE_GCRA, &quota, &mine.limiter));
  OK(tidegate_keyed_new(TIDEGATE_GCRA, &quota, 100, &mine.keyed));
  OK(tidegate_leased_new(TIDEGATE_GCRA, &quota, 1, 2, &leased));
  OK(tidegate_lease_new(leased, &mine.lease));
  OK(tidegate_leased_free(leased));
  CHECK(tidegate_limiter_try_acquire_at(mine.limiter, 0, 1) && tidegate_keyed_try_acquire_at(mine.keyed, "old", 3, 0, 1));
  CHECK(in_child(use_and_free, &mine));
  /* What the child did is not seen here. */
  CHECK(in_child(use_and_free, &mine));
  use_and_free(&mine);
}

int main(void) {
  shared_words();
  inherited_handles();
  return checks_end("processes");
}
