/* Checks that count: a program that checked nothing has failed. Include once. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>

static unsigned long checks_passed, checks_failed;

#define CHECK(condition)                                                \
  do {                                                                  \
    if (condition) {                                                    \
      checks_passed++;                                                  \
    } else {                                                            \
      checks_failed++;                                                  \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);   \
    }                                                                   \
  } while (0)

/* The exit status of the program. */
static int checks_end(const char *name) {
  printf("%s: %lu passed, %lu failed\n", name, checks_passed, checks_failed);
  return checks_failed != 0 || checks_passed == 0;
}

#endif
