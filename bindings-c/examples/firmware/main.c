/*
 * A sensor without an operating system: it may send 4 readings a minute, 2 at once, backs off when the radio fails, and writes at most 10 pages
 * of flash an hour. No heap, no libc, no threads; 8 bytes of state a limiter. See runtime.c for what stands in for the device.
 */
#include <tidegate.h>

#define SECOND UINT64_C(1000000000)

uint64_t timer_ns(void);
bool radio_send(void);
void finish(int code);

static tidegate_gcra radio = TIDEGATE_GCRA_INIT;
static tidegate_word flash = TIDEGATE_WORD_INIT;

int main(void) {
  tidegate_quota readings, pages;
  tidegate_rule flash_rule;
  tidegate_backoff_options options = {.struct_size = sizeof options};
  tidegate_backoff backoff;
  uint64_t not_before = 0;
  unsigned sent = 0, failed = 0, written = 0;

  if (tidegate_quota_make(4, 60 * SECOND, 2, &readings) != TIDEGATE_OK) finish(1);
  if (tidegate_quota_parse("10/h", &pages, NULL) != TIDEGATE_OK) finish(2);
  if (tidegate_rule_init(TIDEGATE_FIXED_WINDOW, &pages, NULL, &flash_rule, &flash) != TIDEGATE_OK) finish(3);
  options.base_ns = SECOND;
  options.max_delay_ns = 60 * SECOND;
  options.flags = TIDEGATE_SET_MAX_DELAY;
  options.jitter = TIDEGATE_JITTER_EQUAL;
  tidegate_backoff_add_entropy(UINT64_C(0x5e71a1)); /* the chip's serial number */
  if (tidegate_backoff_start(&options, &backoff) != TIDEGATE_OK) finish(4);

  /* An hour of a loop that wakes every second. */
  for (uint64_t tick = 0; tick < 3600; tick++) {
    uint64_t now = timer_ns();
    if (tidegate_word_try_acquire_at(&flash, &flash_rule, now, 1)) written++;
    if (now < not_before || !tidegate_gcra_try_acquire_at(&radio, &readings, now, 1)) continue;
    if (radio_send()) {
      sent++;
      tidegate_backoff_reset(&backoff);
    } else {
      uint64_t delay;
      failed++;
      /* The permit was not used. */
      tidegate_gcra_refund_at(&radio, &readings, now, 1);
      if (tidegate_backoff_next(&backoff, 0, &delay) != TIDEGATE_OK) finish(5);
      not_before = now + delay;
    }
  }
  /* 2 at once and 4 a minute for an hour, less what the radio lost; never more. */
  finish(written == 10 && sent > 100 && sent <= 242 && failed > 0 ? 0 : 6);
  return 0;
}
