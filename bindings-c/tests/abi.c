/*
 * A program of an older time: compiled against a tidegate.h whose structs of options end earlier (`make abi` cuts them), linked with the
 * library of today. What it does not know has its default.
 */
#include <tidegate.h>

#include <string.h>

#include "check.h"

#define SECOND UINT64_C(1000000000)

int main(void) {
  tidegate_limiter_options options = {.struct_size = sizeof options};
  tidegate_keyed_options keyed_options = {.struct_size = sizeof keyed_options};
  tidegate_backoff_options backoff_options = {.struct_size = sizeof backoff_options};
  tidegate_quota quota;
  tidegate_limiter *l = NULL;
  tidegate_keyed *k = NULL;
  tidegate_rule rule;
  tidegate_word word;
  tidegate_backoff backoff;
  uint64_t delay = 0;

  CHECK(sizeof options == sizeof(size_t) + 8 && sizeof keyed_options == sizeof(size_t) + 8);
  CHECK(sizeof backoff_options == sizeof(size_t) + 16);
  CHECK(tidegate_quota_parse("1/s", &quota, NULL) == TIDEGATE_OK);
  options.anchor = TIDEGATE_ANCHOR_FIRST_USE;
  CHECK(tidegate_limiter_new_with(TIDEGATE_FIXED_WINDOW, &quota, &options, &l) == TIDEGATE_OK);
  CHECK(tidegate_limiter_try_acquire_at(l, SECOND - 1, 1) && !tidegate_limiter_try_acquire_at(l, SECOND, 1));
  CHECK(tidegate_limiter_free(l) == TIDEGATE_OK);
  CHECK(tidegate_rule_init(TIDEGATE_FIXED_WINDOW, &quota, &options, &rule, &word) == TIDEGATE_OK);
  CHECK(tidegate_word_try_acquire_at(&word, &rule, 0, 1) && !tidegate_word_try_acquire_at(&word, &rule, 0, 1));

  keyed_options.anchor = TIDEGATE_ANCHOR_FIRST_USE;
  CHECK(tidegate_keyed_new_with(TIDEGATE_FIXED_WINDOW, &quota, 10, &keyed_options, &k) == TIDEGATE_OK);
  CHECK(tidegate_keyed_try_acquire_at(k, "k", 1, SECOND - 1, 1) && !tidegate_keyed_try_acquire_at(k, "k", 1, SECOND, 1));
  CHECK(tidegate_keyed_free(k) == TIDEGATE_OK);

  backoff_options.schedule = TIDEGATE_CONSTANT;
  backoff_options.base_ns = 7;
  CHECK(tidegate_backoff_start(&backoff_options, &backoff) == TIDEGATE_OK);
  CHECK(tidegate_backoff_next(&backoff, 0, &delay) == TIDEGATE_OK && delay == 7);
  return checks_end("abi");
}
