/* Forgets to free a limiter: valgrind must say so, or it was not on. */
#include <tidegate.h>

int main(void) {
  tidegate_quota quota;
  tidegate_limiter *limiter = NULL;
  int wrong = tidegate_quota_parse("1/s", &quota, NULL) != TIDEGATE_OK ||
              tidegate_limiter_new(TIDEGATE_GCRA, &quota, &limiter) != TIDEGATE_OK;
  limiter = NULL;
  return wrong || limiter != NULL;
}
