/*
 * Plays the conformance vectors, as `examples/flatten.rs` writes them (its head describes the lines), from standard input.
 *
 * Each case runs on up to six limiters at once, and each must give the answer of the vectors in every field:
 *   told   a handle that is told the time with every call          reads  a handle that reads it from a clock that this program sets
 *   word   a word and its rule, where one word is the whole state  gcra   a tidegate_gcra, told its quota with every call
 *   keyed  one key of a keyed limiter, between others              group  a handle, taken from as the only member of a group; before each call a
 *                                                                         group of it and a gate that is shut is asked, which must leave no trace
 * No case at all, or other totals than the last line states, is a failure.
 */
#include <tidegate.h>

#include "check.h"
#include "lines.h"

enum { TOLD, READS, WORD, GCRA, KEYED, GROUP, KINDS };
static const char *const KIND_NAMES[] = {"told", "reads", "word", "gcra", "keyed", "group"};

#define MAX_STEPS 256
/* The key that plays; others stand by. */
#define KEY "key", 3

static struct {
  /* Of `told`, `reads` and `group`; the gate is of none and shut. */
  tidegate_limiter *handles[KINDS], *gate;
  tidegate_keyed *keyed;
  tidegate_rule rule;
  tidegate_word word, kept_word;
  tidegate_gcra gcra, kept_gcra;
  tidegate_quota quota;
  bool plays[KINDS], initial;
  char *kept[KINDS];
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
  int who;
  for (who = 0; who < KINDS; who++) {
    tidegate_limiter_free(at.handles[who]);
    free(at.kept[who]);
  }
  tidegate_limiter_free(at.gate);
  tidegate_keyed_free(at.keyed);
  memset(&at, 0, sizeof at);
}

/* fields: kind name algorithm limit period burst anchor offset refill initial origin. The status that all agree on. */
static tidegate_status build(char **fields) {
  const tidegate_algorithm algorithm = (tidegate_algorithm)which(fields[2], ALGORITHMS);
  const tidegate_anchor anchor = (tidegate_anchor)which(fields[6], ANCHORS);
  tidegate_limiter_options options = {.struct_size = sizeof options};
  tidegate_quota quota = {.limit = number(fields[3]), .period_ns = number(fields[4]), .burst = number(fields[5])};
  const uint64_t origin = number(fields[10]);
  tidegate_keyed_options keyed_options = {.struct_size = sizeof keyed_options};
  tidegate_quota shut = {.limit = 1, .period_ns = 1, .burst = 1};
  tidegate_status told, reads, word, keyed, group;
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
  reads = tidegate_limiter_new_with(algorithm, &quota, &options, &at.handles[READS]);

  /* The anchor from the quota, the origin from the options. */
  options.clock = NULL;
  options.anchor = TIDEGATE_ANCHOR_DEFAULT;
  options.offset_ns = 0;
  quota.anchor = anchor;
  quota.offset_ns = number(fields[7]);
  options.flags |= TIDEGATE_SET_ORIGIN;
  options.origin_ns = origin;
  told = tidegate_limiter_new_with(algorithm, &quota, &options, &at.handles[TOLD]);
  group = tidegate_limiter_new_with(algorithm, &quota, &options, &at.handles[GROUP]);
  at.quota = quota;

  word = tidegate_rule_init(algorithm, &quota, &options, &at.rule, &at.word);
  keyed_options.flags = options.flags;
  keyed_options.refill = options.refill;
  keyed_options.initial = options.initial;
  keyed_options.origin_ns = origin;
  keyed = tidegate_keyed_new_with(algorithm, &quota, 100, &keyed_options, &at.keyed);
  at.initial = (options.flags & TIDEGATE_SET_INITIAL) != 0;
  if (tidegate_limiter_new(TIDEGATE_GCRA, &shut, &at.gate) != TIDEGATE_OK) fail("no gate");

  at.plays[TOLD] = at.plays[READS] = at.plays[GROUP] = told == TIDEGATE_OK;
  at.plays[KEYED] = keyed == TIDEGATE_OK;
  at.plays[WORD] = word == TIDEGATE_OK;
  at.plays[GCRA] = at.plays[WORD] && algorithm == TIDEGATE_GCRA;
  if (reads != told || group != told) fail("handles were made with other statuses");
  /* Neither has more than a word. */
  if ((word != told || keyed != told) && !(algorithm == TIDEGATE_SLIDING_LOG && word < TIDEGATE_OK && keyed < TIDEGATE_OK)) {
    fail("told, word and keyed were made with other statuses");
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

/* As the only member of a group; and as a member of one that is refused, which must not be seen. */
static tidegate_decision in_group(int verb, uint64_t now, uint64_t n) {
  tidegate_member members[2] = {{.limiter = at.handles[GROUP], .cost = n}, {.limiter = at.gate, .cost = 2}};
  tidegate_decision d;
  size_t binding = 9;
  must(tidegate_group_take_at(members, 2, now, &d, &binding));
  if (d.allowed || tidegate_group_try_acquire_at(members, 2, now)) fail("a group went through a gate that is shut");
  must(verb == TAKE ? tidegate_group_take_at(members, 1, now, &d, &binding) : tidegate_group_peek_at(members, 1, now, &d, &binding));
  if (binding != 0) fail("another member binds than the only one");
  return d;
}

static bool try_in_group(uint64_t now, uint64_t n) {
  const tidegate_member member = {.limiter = at.handles[GROUP], .cost = n};
  return tidegate_group_try_acquire_at(&member, 1, now);
}

/* A stranger spends all it has before each look at the key: it must not be seen. Not while the key is idle: a newcomer may have its place
 * then, and clocks of the vectors that go far back meet a new key. */
static const char *strange(uint64_t now) {
  tidegate_decision key;
  must(tidegate_keyed_peek_at(at.keyed, KEY, now, 1, &key));
  if (key.reset_after_ns != 0) tidegate_keyed_try_acquire_at(at.keyed, "stranger", 8, now, 1);
  return "key";
}

/* The verbs that answer with a decision, in as many ways. */
static tidegate_decision decide(int who, int verb, uint64_t now, uint64_t n) {
  tidegate_decision d = {.limit = 0};
#define ASK(name)                                                                             \
  must(who == READS   ? tidegate_limiter_##name(at.handles[who], n, &d)                       \
       : who == WORD  ? tidegate_word_##name##_at(&at.word, &at.rule, now, n, &d)             \
       : who == GCRA  ? tidegate_gcra_##name##_at(&at.gcra, &at.quota, now, n, &d)            \
       : who == KEYED ? tidegate_keyed_##name##_at(at.keyed, strange(now), 3, now, n, &d)     \
                      : tidegate_limiter_##name##_at(at.handles[who], now, n, &d))
  if (who == GROUP && verb != CHARGE) return in_group(verb, now, n);
  if (verb == TAKE) ASK(take);
  if (verb == PEEK) ASK(peek);
  if (verb == CHARGE) ASK(charge);
#undef ASK
  return d;
}

static bool try_acquire(int who, uint64_t now, uint64_t n) {
  switch (who) {
    case READS: return tidegate_limiter_try_acquire(at.handles[who], n);
    case WORD: return tidegate_word_try_acquire_at(&at.word, &at.rule, now, n);
    case GCRA: return tidegate_gcra_try_acquire_at(&at.gcra, &at.quota, now, n);
    case KEYED: return tidegate_keyed_try_acquire_at(at.keyed, KEY, now, n);
    case GROUP: return try_in_group(now, n);
    default: return tidegate_limiter_try_acquire_at(at.handles[who], now, n);
  }
}

static void refund(int who, uint64_t now, uint64_t n) {
  must(who == READS   ? tidegate_limiter_refund(at.handles[who], n)
       : who == WORD  ? tidegate_word_refund_at(&at.word, &at.rule, now, n)
       : who == GCRA  ? tidegate_gcra_refund_at(&at.gcra, &at.quota, now, n)
       : who == KEYED ? tidegate_keyed_refund_at(at.keyed, KEY, now, n)
                      : tidegate_limiter_refund_at(at.handles[who], now, n));
}

static void reset(int who) {
  must(who == WORD    ? tidegate_word_reset(&at.word)
       : who == GCRA  ? tidegate_gcra_reset(&at.gcra)
       : who == KEYED ? tidegate_keyed_reset(at.keyed, KEY, NULL)
                      : tidegate_limiter_reset(at.handles[who]));
}

static void reserve(int who, uint64_t now, uint64_t n, uint64_t max_wait, tidegate_reservation *r) {
  must(who == READS   ? tidegate_limiter_reserve(at.handles[who], n, max_wait, r)
       : who == WORD  ? tidegate_word_reserve_at(&at.word, &at.rule, now, n, max_wait, r)
       : who == GCRA  ? tidegate_gcra_reserve_at(&at.gcra, &at.quota, now, n, max_wait, r)
       : who == KEYED ? tidegate_keyed_reserve_at(at.keyed, KEY, now, n, max_wait, r)
                      : tidegate_limiter_reserve_at(at.handles[who], now, n, max_wait, r));
  if (r->outcome == TIDEGATE_BOOKED && (r->cost != n || r->delay_ns != (r->at_ns > now ? r->at_ns - now : 0))) {
    fail("a reservation of another cost or delay");
  }
  if (r->outcome != TIDEGATE_BOOKED && (r->at_ns != 0 || r->delay_ns != TIDEGATE_NEVER || r->cost != 0)) {
    fail("a refused reservation with an instant");
  }
}

static tidegate_status cancel(int who, uint64_t now, tidegate_reservation *r) {
  return who == READS   ? tidegate_limiter_cancel(at.handles[who], r)
         : who == WORD  ? tidegate_word_cancel_at(&at.word, &at.rule, now, r)
         : who == GCRA  ? tidegate_gcra_cancel_at(&at.gcra, &at.quota, now, r)
         : who == KEYED ? tidegate_keyed_cancel_at(at.keyed, KEY, now, r)
                        : tidegate_limiter_cancel_at(at.handles[who], now, r);
}

/* A handle's new quota; what has none of its own, or none that changes, stops playing. */
static bool reconfigure(int who, uint64_t now, char **fields) {
  const tidegate_carry carry = (tidegate_carry)which(fields[3], CARRIES);
  tidegate_quota quota = at.quota;
  tidegate_status status;
  quota.limit = number(fields[4]);
  quota.period_ns = number(fields[5]);
  quota.burst = number(fields[6]);
  status = who == READS ? tidegate_limiter_reconfigure(at.handles[who], &quota, carry)
                        : tidegate_limiter_reconfigure_at(at.handles[who], now, &quota, carry);
  if (status > TIDEGATE_OK || status == TIDEGATE_ERROR_INTERNAL) fail(tidegate_status_message(status));
  return status == TIDEGATE_OK;
}

static tidegate_status write_snapshot(int who, char *text, size_t capacity, size_t *length) {
  return who == KEYED ? tidegate_keyed_snapshot_at(at.keyed, now_shown, text, capacity, length)
                      : tidegate_limiter_snapshot(at.handles[who], text, capacity, length);
}

static void snapshot(int who) {
  if (who == WORD) {
    at.kept_word = at.word;
  } else if (who == GCRA) {
    at.kept_gcra = at.gcra;
  } else {
    size_t length = 0, again = 0;
    if (write_snapshot(who, NULL, 0, &length) != TIDEGATE_ERROR_BUFFER_TOO_SMALL) fail("no room, and yet room");
    free(at.kept[who]);
    at.kept[who] = malloc(length + 1);
    if (at.kept[who] == NULL) fail("no memory");
    if (write_snapshot(who, at.kept[who], length, &again) != TIDEGATE_ERROR_BUFFER_TOO_SMALL) fail("no NUL");
    must(write_snapshot(who, at.kept[who], length + 1, &again));
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
  if (who == KEYED) {
    /* Keys come back in a table of their own. */
    tidegate_keyed *restored = NULL;
    must(tidegate_keyed_from_snapshot(at.kept[who], &restored));
    must(tidegate_keyed_free(at.keyed));
    at.keyed = restored;
    return true;
  }
  status = tidegate_limiter_restore(at.handles[who], at.kept[who]);
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
  if (at.handles[TOLD] == NULL) fail("a step without a case");
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
  if (verb == RECONFIGURE) at.plays[WORD] = at.plays[GCRA] = at.plays[KEYED] = false;
  /* A key that is forgotten is new, and begins with the initial fill; a limiter that is reset is full. */
  if (verb == RESET && at.initial) at.plays[KEYED] = false;
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
      if (status >= TIDEGATE_OK || at.handles[TOLD] != NULL || at.keyed != NULL) fail("should have been refused");
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
  printf("conformance: %lu cases, %lu steps, %lu refusals; answers:", cases, steps, refused);
  for (count = 0; count < KINDS; count++) printf(" %s %lu", KIND_NAMES[count], answers[count]);
  printf("\n");
  return checks_end("conformance");
}
