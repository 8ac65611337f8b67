/*
 * What stands in for the device: a timer, a radio that fails now and then, the start and the end of the program, and the four functions that
 * every freestanding C compiler asks for, with strlen. On Linux only the way out is its own.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int main(void);
uint64_t timer_ns(void);
bool radio_send(void);
_Noreturn void finish(int code);
void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *text);
void _start(void);

static uint64_t now;
uint64_t timer_ns(void) {
  const uint64_t shown = now;
  now += UINT64_C(1000000000);
  return shown;
}

static unsigned noise = 1;
bool radio_send(void) {
  noise = noise * 1664525u + 1013904223u;
  return noise >> 29 != 0;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n) {
  unsigned char *t = to;
  const unsigned char *f = from;
  while (n-- > 0) *t++ = *f++;
  return to;
}

void *memmove(void *to, const void *from, size_t n) {
  unsigned char *t = to;
  const unsigned char *f = from;
  if (t < f) return memcpy(to, from, n);
  while (n-- > 0) t[n] = f[n];
  return to;
}

void *memset(void *to, int byte, size_t n) {
  unsigned char *t = to;
  while (n-- > 0) *t++ = (unsigned char)byte;
  return to;
}

int memcmp(const void *a, const void *b, size_t n) {
  const unsigned char *x = a, *y = b;
  for (; n > 0; n--, x++, y++) {
    if (*x != *y) return *x - *y;
  }
  return 0;
}

size_t strlen(const char *text) {
  size_t n = 0;
  while (text[n] != '\0') n++;
  return n;
}

_Noreturn void finish(int code) {
#if defined(__linux__) && defined(__x86_64__)
  __asm__ volatile("syscall" : : "a"(60), "D"(code) : "rcx", "r11", "memory");
#elif defined(__linux__) && defined(__aarch64__)
  register long number __asm__("x8") = 93;
  register long argument __asm__("x0") = code;
  __asm__ volatile("svc 0" : : "r"(number), "r"(argument) : "memory");
#endif
  for (;;) {
  }
}

/* The stack as a called function expects it. */
#if defined(__x86_64__)
__attribute__((force_align_arg_pointer))
#endif
void _start(void) { finish(main()); }
