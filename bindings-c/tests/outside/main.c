#include <stdio.h>
#include <string.h>
#include <tidegate.h>

int main(void) {
  tidegate_quota quota;
  tidegate_limiter *limiter = NULL;
  if (strcmp(tidegate_version(), TIDEGATE_VERSION) != 0) return 1;
  if (tidegate_quota_parse("1/h", &quota, NULL) != TIDEGATE_OK) return 2;
  if (tidegate_limiter_new(TIDEGATE_GCRA, &quota, &limiter) != TIDEGATE_OK) return 3;
  if (!tidegate_limiter_try_acquire(limiter, 1) || tidegate_limiter_try_acquire(limiter, 1)) return 4;
  tidegate_limiter_free(limiter);
  puts("outside");
  return 0;
}
