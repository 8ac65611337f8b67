/*
 * Plays the conformance vectors, as `examples/flatten.rs` writes them (its head describes the lines), from standard input.
 *
 * Each case runs on up to four limiters at once, and each must give the answer of the vectors in every field:
 *   told   a handle that is told the time with every call          reads  a handle that reads it from a clock that this program sets
 *   word   a word and its rule, where one word is the whole state  gcra   a tidegate_gcra, told its quota with every call
 * No case at all, or other totals than the last line states, is a failure.
 */
#include <tidegate.h>

#include "check.h"
#include "lines.h"

enum { TOLD, READS, WORD, GCRA, KINDS };
static const char *const KIND_NAMES[] = {"told", "reads", "word", "gcra"};

#define MAX_STEPS 256

static struct {
  tidegate_limiter *told, *reads;
  tidegate_rule rule;
  tidegate_word word, kept_word;
  tidegate_gcra gcra, kept_gcra;
  tidegate_quota quota;
  bool plays[KINDS];
  char *kept[2];
  tidegate_reservation booked[MAX_STEPS][KINDS];
  unsigned step;
} at;

static unsigned long cases, steps, refused, answers[KINDS];
static bool ended;

/* The time that the clock of `reads` shows. */
static uint64_t now_shown;
static uint64_t shown(void *context) { return *(const uint64_t *)context; }

static const char *const ALGORITHMS[] = {"gcra", "token-bucket", "fixed-window", "sliding-window", "sliding-log", NULL};
static const char *const ANCHORS[] = {"", "clock", "first-use", NULL};
static const char *const REFILLS[] = {"continuous", "interval", NULL};
static const char *const CARRIES[] = {"time", "permits", "proportional", "reset", NULL};
static const char *const BOOLS[] = {"false", "true", NULL};
static const char *const VERBS[] = {"take",    "try_acquire", "peek",        "charge",   "refund",  "reset",
                                    "reserve", "cancel",      "reconfigure", "snapshot", "restore", NULL};
enum { TAKE, TRY_ACQUIRE, PEEK, CHARGE, REFUND, RESET, RESERVE, CANCEL, RECONFIGURE, SNAPSHOT, RESTORE };
static const char *const ANSWERS[] = {"decision", "at", "error", NULL};
enum { DECISION, AT, ERROR };

static void forget(void) {
  tidegate_limiter_free(at.told);
  tidegate_limiter_free(at.reads);
  free(at.kept[0]);
  free(at.kept[1]);
  memset(&at, 0, sizeof at);
}

/* fields: kind name algorithm limit period burst anchor offset refill initial origin. The status that all agree on. */
static tidegate_status build(char **fields) {
  const tidegate_algorithm algorithm = (tidegate_algorithm)which(fields[2], ALGORITHMS);
  const tidegate_anchor anchor = (tidegate_anchor)which(fields[6], ANCHORS);
  tidegate_limiter_options options = {.struct_size = sizeof options};
  tidegate_quota quota = {.limit = number(fields[3]), .period_ns = number(fields[4]), .burst = number(fields[5])};
  const uint64_t origin = number(fields[10]);
  tidegate_status told, reads, word;
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
  reads = tidegate_limiter_new_with(algorithm, &quota, &options, &at.reads);

  /* The anchor from the quota, the origin from the options. */
  options.clock = NULL;
  options.anchor = TIDEGATE_ANCHOR_DEFAULT;
  options.offset_ns = 0;
  quota.anchor = anchor;
  quota.offset_ns = number(fields[7]);
  options.flags |= TIDEGATE_SET_ORIGIN;
  options.origin_ns = origin;
  told = tidegate_limiter_new_with(algorithm, &quota, &options, &at.told);
  at.quota = quota;

  word = tidegate_rule_init(algorithm, &quota, &options, &at.rule, &at.word);
  at.plays[TOLD] = at.plays[READS] = told == TIDEGATE_OK;
  at.plays[WORD] = word == TIDEGATE_OK;
  at.plays[GCRA] = at.plays[WORD] && algorithm == TIDEGATE_GCRA;
  if (reads != told) fail("told and reads were made with other statuses");
  if (word != told && !(algorithm == TIDEGATE_SLIDING_LOG && word < TIDEGATE_OK)) {
    fail("told and word were made with other statuses");
  }
  return told;
}

static void must(tidegate_status status) {
  if (status != TIDEGATE_OK) fail(tidegate_status_message(status));
}

typedef struct {
  int kind;
  tidegate_decision decision;
  uint64_t at;
} answer;

static bool same(const answer *a, const answer *b) {
  const tidegate_decision *x = &a->decision, *y = &b->decision;
  if (a->kind != b->kind) return false;
  if (a->kind == AT) return a->at == b->at;
  return a->kind == ERROR ||
         (x->allowed == y->allowed && x->limit == y->limit && x->remaining == y->remaining &&
          x->retry_after_ns == y->retry_after_ns && x->reset_after_ns == y->reset_after_ns);
}

static void show(const char *who, const answer *a) {
  const tidegate_decision *d = &a->decision;
  fprintf(stderr, "  %-8s %s at %llu allowed %d limit %llu remaining %llu retry_after %llu reset_after %llu\n", who,
          ANSWERS[a->kind], (unsigned long long)a->at, d->allowed, (unsigned long long)d->limit,
          (unsigned long long)d->remaining, (unsigned long long)d->retry_after_ns,
          (unsigned long long)d->reset_after_ns);
}

/* The verbs that answer with a decision, in four ways. */
static tidegate_decision decide(int who, int verb, uint64_t now, uint64_t n) {
  tidegate_decision d = {.limit = 0};
#define ASK(name)                                                                             \
  must(who == TOLD    ? tidegate_limiter_##name##_at(at.told, now, n, &d)                     \
       : who == READS ? tidegate_limiter_##name(at.reads, n, &d)                              \
       : who == WORD  ? tidegate_word_##name##_at(&at.word, &at.rule, now, n, &d)             \
                      : tidegate_gcra_##name##_at(&at.gcra, &at.quota, now, n, &d))
  if (verb == TAKE) ASK(take);
  if (verb == PEEK) ASK(peek);
  if (verb == CHARGE) ASK(charge);
#undef ASK
  return d;
}

static bool try_acquire(int who, uint64_t now, uint64_t n) {
  switch (who) {
    case TOLD: return tidegate_limiter_try_acquire_at(at.told, now, n);
    case READS: return tidegate_limiter_try_acquire(at.reads, n);
    case WORD: return tidegate_word_try_acquire_at(&at.word, &at.rule, now, n);
    default: return tidegate_gcra_try_acquire_at(&at.gcra, &at.quota, now, n);
  }
}

static void refund(int who, uint64_t now, uint64_t n) {
  must(who == TOLD    ? tidegate_limiter_refund_at(at.told, now, n)
       : who == READS ? tidegate_limiter_refund(at.reads, n)
       : who == WORD  ? tidegate_word_refund_at(&at.word, &at.rule, now, n)
                      : tidegate_gcra_refund_at(&at.gcra, &at.quota, now, n));
}

static void reset(int who) {
  must(who == TOLD    ? tidegate_limiter_reset(at.told)
       : who == READS ? tidegate_limiter_reset(at.reads)
       : who == WORD  ? tidegate_word_reset(&at.word)
                      : tidegate_gcra_reset(&at.gcra));
}

static void reserve(int who, uint64_t now, uint64_t n, uint64_t max_wait, tidegate_reservation *r) {
  must(who == TOLD    ? tidegate_limiter_reserve_at(at.told, now, n, max_wait, r)
       : who == READS ? tidegate_limiter_reserve(at.reads, n, max_wait, r)
       : who == WORD  ? tidegate_word_reserve_at(&at.word, &at.rule, now, n, max_wait, r)
                      : tidegate_gcra_reserve_at(&at.gcra, &at.quota, now, n, max_wait, r));
  if (r->outcome == TIDEGATE_BOOKED && (r->cost != n || r->delay_ns != (r->at_ns > now ? r->at_ns - now : 0))) {
    fail("a reservation of another cost or delay");
  }
  if (r->outcome != TIDEGATE_BOOKED && (r->at_ns != 0 || r->delay_ns != TIDEGATE_NEVER || r->cost != 0)) {
    fail("a refused reservation with an instant");
  }
}

static tidegate_status cancel(int who, uint64_t now, tidegate_reservation *r) {
  return who == TOLD    ? tidegate_limiter_cancel_at(at.told, now, r)
         : who == READS ? tidegate_limiter_cancel(at.reads, r)
         : who == WORD  ? tidegate_word_cancel_at(&at.word, &at.rule, now, r)
                        : tidegate_gcra_cancel_at(&at.gcra, &at.quota, now, r);
}

/* A handle's new quota; a word has none of its own, so it stops playing. */
static bool reconfigure(int who, uint64_t now, char **fields) {
  const tidegate_carry carry = (tidegate_carry)which(fields[3], CARRIES);
  tidegate_quota quota = at.quota;
  tidegate_status status;
  quota.limit = number(fields[4]);
  quota.period_ns = number(fields[5]);
  quota.burst = number(fields[6]);
  status = who == TOLD ? tidegate_limiter_reconfigure_at(at.told, now, &quota, carry)
                       : tidegate_limiter_reconfigure(at.reads, &quota, carry);
  if (status > TIDEGATE_OK || status == TIDEGATE_ERROR_INTERNAL) fail(tidegate_status_message(status));
  return status == TIDEGATE_OK;
}

static void snapshot(int who) {
  if (who == WORD) {
    at.kept_word = at.word;
  } else if (who == GCRA) {
    at.kept_gcra = at.gcra;
  } else {
    const tidegate_limiter *l = who == TOLD ? at.told : at.reads;
    size_t length = 0, again = 0;
    if (tidegate_limiter_snapshot(l, NULL, 0, &length) != TIDEGATE_ERROR_BUFFER_TOO_SMALL) fail("no room, and yet room");
    free(at.kept[who]);
    at.kept[who] = malloc(length + 1);
    if (at.kept[who] == NULL) fail("no memory");
    if (tidegate_limiter_snapshot(l, at.kept[who], length, &again) != TIDEGATE_ERROR_BUFFER_TOO_SMALL) fail("no NUL");
    must(tidegate_limiter_snapshot(l, at.kept[who], length + 1, &again));
    if (again != length || strlen(at.kept[who]) != length) fail("a snapshot of another length");
  }
}

static bool restore(int who) {
  tidegate_status status;
  if (who == WORD) {
    at.word = at.kept_word;
    return true;
  }
  if (who == GCRA) {
    at.gcra = at.kept_gcra;
    return true;
  }
  status = tidegate_limiter_restore(who == TOLD ? at.told : at.reads, at.kept[who]);
  if (status != TIDEGATE_OK && status != TIDEGATE_ERROR_SNAPSHOT_MISMATCH) fail(tidegate_status_message(status));
  return status == TIDEGATE_OK;
}

/* fields: verb now n x limit period burst ... */
static answer ask(int who, int verb, uint64_t now, char **fields) {
  answer a = {.kind = DECISION};
  const uint64_t n = strcmp(fields[2], "-") == 0 ? 0 : number(fields[2]);
  tidegate_reservation *booked = &at.booked[at.step][who];
  bool done = true;
  switch (verb) {
    case TAKE:
    case PEEK:
    case CHARGE:
      a.decision = decide(who, verb, now, n);
      return a;
    case TRY_ACQUIRE:
      /* Yes or no is all that it says: the wait is a peek's before it, the rest a peek's after it. */
      a.decision = decide(who, PEEK, now, n);
      if (try_acquire(who, now, n) != a.decision.allowed) fail("try_acquire and peek disagree");
      {
        const tidegate_decision after = decide(who, PEEK, now, 0);
        a.decision.remaining = after.remaining;
        a.decision.reset_after_ns = after.reset_after_ns;
      }
      return a;
    case RESERVE:
      reserve(who, now, n, number(fields[3]), booked);
      a.kind = booked->outcome == TIDEGATE_BOOKED ? AT : DECISION;
      a.at = booked->at_ns;
      a.decision = booked->decision;
      return a;
    case REFUND: refund(who, now, n); break;
    case RESET: reset(who); break;
    case CANCEL: {
      tidegate_reservation *slot = &at.booked[number(fields[3]) % MAX_STEPS][who];
      must(cancel(who, now, slot));
      if (cancel(who, now, slot) != TIDEGATE_ERROR_NOT_BOOKED) fail("cancelled twice");
      break;
    }
    case RECONFIGURE: done = reconfigure(who, now, fields); break;
    case SNAPSHOT: snapshot(who); break;
    case RESTORE: done = restore(who); break;
  }
  a.kind = done ? DECISION : ERROR;
  a.decision = decide(who, PEEK, now, 0);
  return a;
}

/* fields: verb now n x limit period burst kind ... */
static void step(char **fields) {
  const int verb = which(fields[0], VERBS);
  const uint64_t now = number(fields[1]);
  answer expected = {.kind = which(fields[7], ANSWERS)};
  int who;
  if (at.told == NULL) fail("a step without a case");
  if (at.step >= MAX_STEPS) fail("too many steps");
  if (expected.kind == AT) expected.at = number(fields[8]);
  if (expected.kind == DECISION) {
    expected.decision.allowed = which(fields[8], BOOLS) != 0;
    expected.decision.limit = number(fields[9]);
    expected.decision.remaining = number(fields[10]);
    expected.decision.retry_after_ns = strcmp(fields[11], "never") == 0 ? TIDEGATE_NEVER : number(fields[11]);
    expected.decision.reset_after_ns = number(fields[12]);
  }
  now_shown = now;
  if (verb == RECONFIGURE) at.plays[WORD] = at.plays[GCRA] = false;
  for (who = 0; who < KINDS; who++) {
    answer a;
    if (!at.plays[who]) continue;
    a = ask(who, verb, now, fields);
    if (!same(&a, &expected)) {
      show("expected", &expected);
      show(KIND_NAMES[who], &a);
      fail("another answer");
    }
    checks_passed++;
    answers[who]++;
  }
  at.step++;
  steps++;
}

static void obey(char **fields, int count) {
  if (ended) fail("lines after the end");
  if (strcmp(fields[0], "case") == 0 || strcmp(fields[0], "refused") == 0) {
    tidegate_status status;
    if (count != 11) fail("not 11 fields");
    forget();
    strncpy(case_name, fields[1], sizeof case_name - 1);
    status = build(fields);
    if (fields[0][0] == 'c') {
      must(status);
      cases++;
    } else {
      if (status >= TIDEGATE_OK || at.told != NULL || at.reads != NULL) fail("should have been refused");
      checks_passed++;
      refused++;
    }
  } else if (strcmp(fields[0], "end") == 0) {
    if (count != 4) fail("not 4 fields");
    if (number(fields[1]) != cases || number(fields[2]) != steps || number(fields[3]) != refused) {
      fail("other totals than stated");
    }
    ended = true;
  } else {
    step(fields);
  }
}

int main(void) {
  char *fields[FIELDS];
  int count;
  while ((count = next_line(fields)) != 0) obey(fields, count);
  forget();
  if (!ended) fail("the end is missing");
  for (count = 0; count < KINDS; count++) {
    if (answers[count] == 0) fail("one kind of limiter did not answer");
  }
  printf("conformance: %lu cases, %lu steps, %lu refusals; answers: told %lu, reads %lu, word %lu, gcra %lu\n", cases, steps,
         refused, answers[TOLD], answers[READS], answers[WORD], answers[GCRA]);
  return checks_end("conformance");
}
