/*
 * Plays the backoff sequences that all languages share, as `examples/flatten.rs backoff` writes them, from standard input.
 *
 * A copy that is taken before each question must give the same answer as the original: all state is in the struct.
 */
#include <tidegate.h>

#include "check.h"
#include "lines.h"

static const char *const SCHEDULES[] = {"exponential", "constant", "linear", "fibonacci", NULL};
static const char *const JITTERS[] = {"none", "full", "equal", "additive", "decorrelated", NULL};

static bool given(const char *text) { return strcmp(text, "-") != 0; }
static uint64_t or_zero(const char *text) { return given(text) ? number(text) : 0; }

/* fields: case name schedule base step numerator denominator max_delay jitter jitter_width max_retries max_elapsed seed start */
static void start(char **fields, tidegate_backoff *backoff) {
  tidegate_backoff_options options = {.struct_size = sizeof options};
  tidegate_status status;
  options.schedule = (tidegate_schedule)which(fields[2], SCHEDULES);
  options.base_ns = number(fields[3]);
  options.step_ns = or_zero(fields[4]);
  options.factor_numerator = or_zero(fields[5]);
  options.factor_denominator = or_zero(fields[6]);
  options.max_delay_ns = or_zero(fields[7]);
  options.jitter = (tidegate_jitter)which(fields[8], JITTERS);
  options.jitter_ns = or_zero(fields[9]);
  options.max_retries = (uint32_t)or_zero(fields[10]);
  options.max_elapsed_ns = or_zero(fields[11]);
  options.seed = or_zero(fields[12]);
  options.flags = (given(fields[7]) ? (uint32_t)TIDEGATE_SET_MAX_DELAY : 0) |
                  (given(fields[10]) ? (uint32_t)TIDEGATE_SET_MAX_RETRIES : 0) |
                  (given(fields[11]) ? (uint32_t)TIDEGATE_SET_MAX_ELAPSED : 0) |
                  (given(fields[12]) ? (uint32_t)TIDEGATE_SET_SEED : 0);
  status = given(fields[13]) ? tidegate_backoff_start_at(&options, number(fields[13]), backoff)
                             : tidegate_backoff_start(&options, backoff);
  if (status != TIDEGATE_OK) fail(tidegate_status_message(status));
}

int main(void) {
  unsigned long cases = 0, delays = 0;
  bool ended = false;
  char *fields[FIELDS];
  tidegate_backoff backoff;
  int count;
  while ((count = next_line(fields)) != 0) {
    if (ended) fail("lines after the end");
    if (strcmp(fields[0], "case") == 0 && count == 14) {
      strncpy(case_name, fields[1], sizeof case_name - 1);
      start(fields, &backoff);
      cases++;
    } else if (strcmp(fields[0], "next") == 0 && count == 4 && cases > 0) {
      const uint64_t expected = strcmp(fields[3], "never") == 0 ? TIDEGATE_NEVER : number(fields[3]);
      tidegate_backoff copy = backoff;
      uint64_t delay = 0, of_copy = 0;
      tidegate_status one, two;
      if (given(fields[2])) {
        one = tidegate_backoff_next_at(&backoff, number(fields[2]), or_zero(fields[1]), &delay);
        two = tidegate_backoff_next_at(&copy, number(fields[2]), or_zero(fields[1]), &of_copy);
      } else {
        one = tidegate_backoff_next(&backoff, or_zero(fields[1]), &delay);
        two = tidegate_backoff_next(&copy, or_zero(fields[1]), &of_copy);
      }
      if (one != TIDEGATE_OK || two != TIDEGATE_OK) fail("a status");
      if (delay != expected || of_copy != expected) fail("another delay");
      checks_passed++;
      delays++;
    } else if (strcmp(fields[0], "end") == 0 && count == 3) {
      if (number(fields[1]) != cases || number(fields[2]) != delays) fail("other totals than stated");
      ended = true;
    } else {
      fail("a line that this program does not know");
    }
  }
  if (!ended || cases == 0 || delays == 0) fail("the end is missing, or nothing was played");
  return checks_end("backoff");
}
