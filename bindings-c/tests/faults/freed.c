/* A limiter that is used after its end: the address sanitizer must see the library read it. */
#include <tidegate.h>

int main(void) {
  tidegate_quota quota;
  tidegate_limiter *limiter = NULL;
  if (tidegate_quota_parse("1/s", &quota, NULL) != TIDEGATE_OK ||
      tidegate_limiter_new(TIDEGATE_GCRA, &quota, &limiter) != TIDEGATE_OK ||
      tidegate_limiter_free(limiter) != TIDEGATE_OK) {
    return 0;
  }
  return tidegate_limiter_try_acquire_at(limiter, 0, 1);
}
