/* A key that is said to be one byte longer than its memory: the address sanitizer must see the library read beyond it. */
#include <tidegate.h>

#include <stdlib.h>
#include <string.h>

int main(void) {
  tidegate_quota quota;
  tidegate_keyed *keyed = NULL;
  char *key = (char *)malloc(16);
  bool granted;
  if (key == NULL || tidegate_quota_parse("1/s", &quota, NULL) != TIDEGATE_OK ||
      tidegate_keyed_new(TIDEGATE_GCRA, &quota, 10, &keyed) != TIDEGATE_OK) {
    return 0;
  }
  memset(key, 'k', 16);
  granted = tidegate_keyed_try_acquire_at(keyed, key, 17, 0, 1);
  tidegate_keyed_free(keyed);
  free(key);
  return !granted;
}
