/* Reads lines of fields parted by tabs from standard input; anything else than expected ends the program. Include once. */
#ifndef LINES_H
#define LINES_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS 16

static unsigned long line_number;
static char case_name[512];

static void fail(const char *what) {
  fprintf(stderr, "line %lu, %s: %s\n", line_number, case_name, what);
  exit(EXIT_FAILURE);
}

static uint64_t number(const char *text) {
  char *end;
  unsigned long long value;
  errno = 0;
  value = strtoull(text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0) fail("not a number of 64 bits");
  return value;
}

/* Where `word` stands in the list. */
static int which(const char *word, const char *const *list) {
  int n;
  for (n = 0; list[n] != NULL; n++) {
    if (strcmp(word, list[n]) == 0) return n;
  }
  fail("a word that this program does not know");
  return -1;
}

/* The fields of the next line, and their number; 0 at the end. What is missing is "". */
static int next_line(char **fields) {
  static char line[4096];
  char *rest = line;
  int count = 0, n;
  if (fgets(line, sizeof line, stdin) == NULL) return 0;
  line_number++;
  if (strchr(line, '\n') == NULL) fail("a line is too long or cut");
  *strchr(line, '\n') = '\0';
  while (count < FIELDS) {
    char *tab = strchr(rest, '\t');
    fields[count++] = rest;
    if (tab == NULL) break;
    *tab = '\0';
    rest = tab + 1;
  }
  for (n = count; n < FIELDS; n++) fields[n] = line + strlen(line);
  return count;
}

#endif
