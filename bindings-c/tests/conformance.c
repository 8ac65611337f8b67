/*
 * Plays the conformance vectors, as `examples/flatten.rs` writes them (its head describes the lines), from standard input.
 *
 * Each case runs on two limiters at once: one is told the time with every call, one reads it from a clock that this program sets.
 * Both must give the answer of the vectors in every field. No case at all, or other totals than the last line states, is a failure.
 */
#include <tidegate.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#define FIELDS 12

static struct {
  unsigned long line, cases, steps, refused;
  bool ended;
  char name[512];
} at;

/* The time that the second limiter's clock shows. */
static uint64_t now_shown;
static uint64_t shown(void *context) { return *(const uint64_t *)context; }

static tidegate_limiter *told, *reads;

static void fail(const char *what) {
  fprintf(stderr, "conformance: line %lu, %s: %s\n", at.line, at.name, what);
  exit(EXIT_FAILURE);
}

static uint64_t number(const char *text) {
  char *end;
  unsigned long long value;
  errno = 0;
  value = strtoull(text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0) fail("not a number of 64 bits");
  return value;
}

/* Where `word` stands in the list. */
static int which(const char *word, const char *const *list) {
  int n;
  for (n = 0; list[n] != NULL; n++) {
    if (strcmp(word, list[n]) == 0) return n;
  }
  fail("a word that this program does not know");
  return -1;
}

static const char *const ALGORITHMS[] = {"gcra", "token-bucket", "fixed-window", "sliding-window", "sliding-log", NULL};
static const char *const ANCHORS[] = {"", "clock", "first-use", NULL};
static const char *const REFILLS[] = {"continuous", "interval", NULL};
static const char *const BOOLS[] = {"false", "true", NULL};
static const char *const VERBS[] = {"take", "try_acquire", "peek", "charge", "refund", "reset", NULL};
enum { TAKE, TRY_ACQUIRE, PEEK, CHARGE, REFUND, RESET };

/* fields: kind name algorithm limit period burst anchor offset refill initial origin */
static void build(char **fields, tidegate_status *one, tidegate_status *two) {
  const tidegate_algorithm algorithm = (tidegate_algorithm)which(fields[2], ALGORITHMS);
  const tidegate_anchor anchor = (tidegate_anchor)which(fields[6], ANCHORS);
  tidegate_limiter_options options = {.struct_size = sizeof options};
  tidegate_quota quota = {.limit = number(fields[3]), .period_ns = number(fields[4]), .burst = number(fields[5])};
  const uint64_t origin = number(fields[10]);
  options.refill = (tidegate_refill)which(fields[8], REFILLS);
  if (strcmp(fields[9], "-") != 0) {
    options.flags = TIDEGATE_SET_INITIAL;
    options.initial = number(fields[9]);
  }

  /* The anchor from the options, the origin from the clock. */
  now_shown = origin;
  options.clock = shown;
  options.clock_context = &now_shown;
  options.anchor = anchor;
  options.offset_ns = number(fields[7]);
  *two = tidegate_limiter_new_with(algorithm, &quota, &options, &reads);

  /* The anchor from the quota, the origin from the options. */
  options.clock = NULL;
  options.anchor = TIDEGATE_ANCHOR_DEFAULT;
  options.offset_ns = 0;
  quota.anchor = anchor;
  quota.offset_ns = number(fields[7]);
  options.flags |= TIDEGATE_SET_ORIGIN;
  options.origin_ns = origin;
  *one = tidegate_limiter_new_with(algorithm, &quota, &options, &told);
}

static void forget(void) {
  tidegate_limiter_free(told);
  tidegate_limiter_free(reads);
  told = reads = NULL;
}

static bool same(const tidegate_decision *a, const tidegate_decision *b) {
  return a->allowed == b->allowed && a->limit == b->limit && a->remaining == b->remaining &&
         a->retry_after_ns == b->retry_after_ns && a->reset_after_ns == b->reset_after_ns;
}

/* The answer of one limiter: at `*now`, or at its clock's time if `now` is NULL. */
static tidegate_decision ask(const tidegate_limiter *l, int verb, const uint64_t *now, uint64_t n) {
  tidegate_decision d = {.limit = 0}, after = {.limit = 0};
  tidegate_status status = TIDEGATE_OK, peeked = TIDEGATE_OK;
  switch (verb) {
    case TAKE:
      status = now ? tidegate_limiter_take_at(l, *now, n, &d) : tidegate_limiter_take(l, n, &d);
      break;
    case PEEK:
      status = now ? tidegate_limiter_peek_at(l, *now, n, &d) : tidegate_limiter_peek(l, n, &d);
      break;
    case CHARGE:
      status = now ? tidegate_limiter_charge_at(l, *now, n, &d) : tidegate_limiter_charge(l, n, &d);
      break;
    case TRY_ACQUIRE: {
      /* Yes or no is all that it says: the wait is a peek's before it, the rest a peek's after it. */
      bool allowed;
      peeked = now ? tidegate_limiter_peek_at(l, *now, n, &d) : tidegate_limiter_peek(l, n, &d);
      allowed = now ? tidegate_limiter_try_acquire_at(l, *now, n) : tidegate_limiter_try_acquire(l, n);
      if (allowed != d.allowed) fail("try_acquire and peek disagree");
      status = now ? tidegate_limiter_peek_at(l, *now, 0, &after) : tidegate_limiter_peek(l, 0, &after);
      d.remaining = after.remaining;
      d.reset_after_ns = after.reset_after_ns;
      break;
    }
    case REFUND:
    case RESET:
      if (verb == RESET) {
        status = tidegate_limiter_reset(l);
      } else {
        status = now ? tidegate_limiter_refund_at(l, *now, n) : tidegate_limiter_refund(l, n);
      }
      peeked = now ? tidegate_limiter_peek_at(l, *now, 0, &d) : tidegate_limiter_peek(l, 0, &d);
      break;
  }
  if (status != TIDEGATE_OK || peeked != TIDEGATE_OK) {
    fail(tidegate_status_message(status != TIDEGATE_OK ? status : peeked));
  }
  return d;
}

static void show(const char *who, const tidegate_decision *d) {
  fprintf(stderr, "  %-8s allowed %d limit %llu remaining %llu retry_after %llu reset_after %llu\n", who, d->allowed,
          (unsigned long long)d->limit, (unsigned long long)d->remaining, (unsigned long long)d->retry_after_ns,
          (unsigned long long)d->reset_after_ns);
}

/* fields: verb now n allowed limit remaining retry_after reset_after */
static void step(char **fields) {
  const int verb = which(fields[0], VERBS);
  const uint64_t now = number(fields[1]), n = number(fields[2]);
  tidegate_decision expected, by_told, by_reads;
  if (told == NULL || reads == NULL) fail("a step without a case");
  expected.allowed = which(fields[3], BOOLS) != 0;
  expected.limit = number(fields[4]);
  expected.remaining = number(fields[5]);
  expected.retry_after_ns = strcmp(fields[6], "never") == 0 ? TIDEGATE_NEVER : number(fields[6]);
  expected.reset_after_ns = number(fields[7]);
  now_shown = now;
  by_told = ask(told, verb, &now, n);
  by_reads = ask(reads, verb, NULL, n);
  if (!same(&by_told, &expected) || !same(&by_reads, &expected)) {
    show("expected", &expected);
    show("told", &by_told);
    show("reads", &by_reads);
    fail("another answer");
  }
  checks_passed += 2;
  at.steps++;
}

static void obey(char **fields, int count) {
  if (at.ended) fail("lines after the end");
  if (strcmp(fields[0], "case") == 0 || strcmp(fields[0], "refused") == 0) {
    const bool possible = fields[0][0] == 'c';
    tidegate_status one, two;
    if (count != 11) fail("not 11 fields");
    forget();
    strncpy(at.name, fields[1], sizeof at.name - 1);
    build(fields, &one, &two);
    if (possible) {
      if (one != TIDEGATE_OK || two != TIDEGATE_OK) fail(tidegate_status_message(one != TIDEGATE_OK ? one : two));
      at.cases++;
    } else {
      if (one >= TIDEGATE_OK || two != one || told != NULL || reads != NULL) fail("should have been refused");
      checks_passed++;
      at.refused++;
    }
  } else if (strcmp(fields[0], "end") == 0) {
    if (count != 5) fail("not 5 fields");
    if (number(fields[1]) != at.cases || number(fields[2]) != at.steps || number(fields[3]) != at.refused) {
      fail("other totals than stated");
    }
    printf("conformance: %lu cases, %lu steps, %lu refusals; %s cases need verbs that C does not have\n", at.cases,
           at.steps, at.refused, fields[4]);
    at.ended = true;
  } else {
    if (count != 8) fail("not 8 fields");
    step(fields);
  }
}

int main(void) {
  static char line[4096];
  while (fgets(line, sizeof line, stdin) != NULL) {
    char *fields[FIELDS];
    char *rest = line;
    int count = 0;
    at.line++;
    if (strchr(line, '\n') == NULL) fail("a line is too long or cut");
    *strchr(line, '\n') = '\0';
    while (count < FIELDS) {
      char *tab = strchr(rest, '\t');
      fields[count++] = rest;
      if (tab == NULL) break;
      *tab = '\0';
      rest = tab + 1;
    }
    obey(fields, count);
  }
  forget();
  if (!at.ended) fail("the end is missing");
  if (at.cases == 0 || at.steps == 0) fail("no case ran");
  return checks_end("conformance");
}
