/*
 * The questions of the demo, answered by C: reads them from standard input, writes each with its answer.
 *
 *   cargo run -p tidegate-policy --bin demo -- questions --ask | questions
 *
 * A line is tab-separated, `case algorithm quota now cost`; the answer is appended as `allowed remaining retry_after reset_after`.
 * Lines with one case are calls on one limiter, made at time 0. The first remark names the columns.
 */
#include <tidegate.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned long line_number, answered;

static void fail(const char *what) {
  fprintf(stderr, "questions: line %lu: %s\n", line_number, what);
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

static tidegate_algorithm algorithm_named(const char *name) {
  static const char *const NAMES[] = {"gcra", "token-bucket", "fixed-window", "sliding-window", "sliding-log"};
  size_t n;
  for (n = 0; n < sizeof NAMES / sizeof *NAMES; n++) {
    if (strcmp(name, NAMES[n]) == 0) return (tidegate_algorithm)n;
  }
  fail("no such algorithm");
  return TIDEGATE_GCRA;
}

static tidegate_limiter *limiter_for(const char *algorithm, const char *text) {
  tidegate_quota quota;
  tidegate_quota_error error;
  tidegate_limiter_options options = {.struct_size = sizeof options, .flags = TIDEGATE_SET_ORIGIN, .origin_ns = 0};
  tidegate_limiter *limiter = NULL;
  tidegate_status status;
  if (tidegate_quota_parse(text, &quota, &error) != TIDEGATE_OK) fail(error.message);
  status = tidegate_limiter_new_with(algorithm_named(algorithm), &quota, &options, &limiter);
  if (status != TIDEGATE_OK) fail(tidegate_status_message(status));
  return limiter;
}

int main(void) {
  static char line[1024], asked[1024], current[64];
  tidegate_limiter *limiter = NULL;
  while (fgets(line, sizeof line, stdin) != NULL) {
    char *fields[5];
    char *newline = strchr(line, '\n'), *rest = asked;
    tidegate_decision d;
    tidegate_status status;
    int n;
    line_number++;
    if (newline == NULL) fail("the line is too long or cut");
    *newline = '\0';
    if (line[0] == '#') {
      printf("%s%s\n", line, line_number == 1 ? "\tallowed\tremaining\tretry_after\treset_after" : "");
      continue;
    }
    memcpy(asked, line, sizeof asked);
    for (n = 0; n < 5; n++) {
      char *tab = strchr(rest, '\t');
      if ((tab == NULL) != (n == 4)) fail("not 5 fields");
      fields[n] = rest;
      if (tab != NULL) {
        *tab = '\0';
        rest = tab + 1;
      }
    }
    if (limiter == NULL || strcmp(fields[0], current) != 0) {
      if (strlen(fields[0]) >= sizeof current) fail("the case has too long a name");
      strcpy(current, fields[0]);
      tidegate_limiter_free(limiter);
      limiter = limiter_for(fields[1], fields[2]);
    }
    status = tidegate_limiter_take_at(limiter, number(fields[3]), number(fields[4]), &d);
    if (status != TIDEGATE_OK) fail(tidegate_status_message(status));
    printf("%s\t%s\t%" PRIu64 "\t", line, d.allowed ? "true" : "false", d.remaining);
    if (d.retry_after_ns == TIDEGATE_NEVER) {
      fputs("never", stdout);
    } else {
      printf("%" PRIu64, d.retry_after_ns);
    }
    printf("\t%" PRIu64 "\n", d.reset_after_ns);
    answered++;
  }
  tidegate_limiter_free(limiter);
  if (answered == 0) fail("no question was asked");
  return EXIT_SUCCESS;
}
