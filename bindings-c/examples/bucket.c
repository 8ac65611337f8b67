/* A token bucket: 5 requests a second, 10 at once. */
#include <stdio.h>
#include <tidegate.h>

int main(void) {
  tidegate_quota quota;
  tidegate_limiter *bucket = NULL;
  tidegate_decision d;

  if (tidegate_quota_parse("5/s burst 10", &quota, NULL) != TIDEGATE_OK) return 1;
  if (tidegate_limiter_new(TIDEGATE_TOKEN_BUCKET, &quota, &bucket) != TIDEGATE_OK) return 1;
  for (int request = 1; request <= 12; request++) {
    tidegate_limiter_take(bucket, 1, &d);
    printf("request %2d: %s, %llu left, retry in %llu ms\n", request, d.allowed ? "go" : "wait",
           (unsigned long long)d.remaining, (unsigned long long)(d.retry_after_ns / 1000000));
  }
  tidegate_limiter_free(bucket);
  return 0;
}
