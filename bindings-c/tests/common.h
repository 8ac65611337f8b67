/* What the tests of the C interface share. Include once. */
#ifndef COMMON_H
#define COMMON_H

#include <tidegate.h>

#include <stdlib.h>
#include <string.h>

#include "check.h"

#define SECOND UINT64_C(1000000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define OK(call) CHECK((call) == TIDEGATE_OK)

static inline tidegate_quota quota_of(const char *text) {
  tidegate_quota quota;
  memset(&quota, 0, sizeof quota);
  OK(tidegate_quota_parse(text, &quota, NULL));
  return quota;
}

/* A clock that stands still. */
static inline uint64_t seven(void *context) {
  (void)context;
  return 7 * SECOND;
}

#endif
