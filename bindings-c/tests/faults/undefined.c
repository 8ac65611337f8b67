/* A signed sum that overflows, of what the library answers: the undefined behaviour sanitizer must see it. */
#include <tidegate.h>

int main(void) {
  volatile int most = INT32_MAX;
  most += tidegate_version()[0] != '\0';
  return most == 0;
}
