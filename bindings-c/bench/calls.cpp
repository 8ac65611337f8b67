// What a call costs, in one run: C beside Rust, beside a C++ bucket with a double, and, with a million keys, beside a hash map under a mutex.
//
// `make bench` runs it; the ratios that are promised are checked, and the exit code says so.
//   --json FILE   writes the rows, too        --count   makes few calls, for `make instructions`
#include <tidegate.h>

#include "bucket.hpp"
#include "contest.hpp"
#include "keys.hpp"

extern "C" {
// The loops run in Rust, inlined as Rust does it: examples/rust_calls.rs. How many were granted.
std::uint64_t rust_try_acquire_at(std::uint64_t calls, std::uint64_t limit, std::uint64_t burst, std::uint64_t step);
std::uint64_t rust_take_at(std::uint64_t calls, std::uint64_t limit, std::uint64_t burst, std::uint64_t step);
std::uint64_t rust_try_acquire(std::uint64_t calls, std::uint64_t limit, std::uint64_t burst);

// A limiter of Rust's, called from here as one of C's is, with nothing between.
struct RustLimiter;
RustLimiter *rust_limiter_new(std::uint64_t limit, std::uint64_t burst);
void rust_limiter_free(RustLimiter *limiter);
bool rust_limiter_try_acquire_at(const RustLimiter *limiter, std::uint64_t now_ns, std::uint64_t cost);

DoubleBucket *bucket_new(double rate, double burst);
void bucket_free(DoubleBucket *bucket);
bool bucket_try_acquire_at(DoubleBucket *bucket, std::uint64_t now_ns, std::uint64_t cost);

// Whoever counts instructions is told where a part ends.
__attribute__((noinline)) void tidegate_bench_mark(void) { __asm__ volatile("" ::: "memory"); }
}

namespace {

constexpr std::uint64_t LIMIT = 1000000, BURST = 1000;
// One permit is earned in a microsecond: with one a call each is granted, with half of one every second, with none all but a burst are denied.
constexpr std::uint64_t GRANTED = 1000, HALF = 500, DENIED = 0;

tidegate_quota quota_of(std::uint64_t limit, std::uint64_t burst) {
  tidegate_quota quota;
  if (tidegate_quota_make(limit, UINT64_C(1000000000), burst, &quota) != TIDEGATE_OK) std::abort();
  return quota;
}

template <class Call>
Outcome on_limiter(std::uint64_t calls, Call call) {
  const tidegate_quota quota = quota_of(LIMIT, BURST);
  tidegate_limiter *l = nullptr;
  if (tidegate_limiter_new(TIDEGATE_GCRA, &quota, &l) != TIDEGATE_OK) std::abort();
  const Outcome outcome = timed(calls, [=](std::uint64_t n) { return call(l, n); });
  tidegate_limiter_free(l);
  return outcome;
}

void one_limiter(Contest &contest, const char *group, std::uint64_t step) {
  const tidegate_quota quota = quota_of(LIMIT, BURST);
  std::vector<Contestant> all;
  all.push_back({"Rust: Limiter::try_acquire_at, inlined", [=](std::uint64_t calls) {
                   return measured(calls, [=] { return rust_try_acquire_at(calls, LIMIT, BURST, step); });
                 }});
  all.push_back({"Rust: Limiter::try_acquire_at, in a shared library", [=](std::uint64_t calls) {
                   RustLimiter *l = rust_limiter_new(LIMIT, BURST);
                   const Outcome outcome = timed(calls, [=](std::uint64_t n) { return rust_limiter_try_acquire_at(l, n * step, 1); });
                   rust_limiter_free(l);
                   return outcome;
                 }});
  all.push_back({"C: tidegate_limiter_try_acquire_at", [=](std::uint64_t calls) {
                   return on_limiter(calls, [=](tidegate_limiter *l, std::uint64_t n) { return tidegate_limiter_try_acquire_at(l, n * step, 1); });
                 }});
  all.push_back({"C: tidegate_word_try_acquire_at", [=](std::uint64_t calls) {
                   tidegate_rule rule;
                   tidegate_word word;
                   if (tidegate_rule_init(TIDEGATE_GCRA, &quota, nullptr, &rule, &word) != TIDEGATE_OK) std::abort();
                   return timed(calls, [&](std::uint64_t n) { return tidegate_word_try_acquire_at(&word, &rule, n * step, 1); });
                 }});
  all.push_back({"C: tidegate_gcra_try_acquire_at (quota made ready each time)", [=](std::uint64_t calls) {
                   tidegate_gcra g = TIDEGATE_GCRA_INIT;
                   return timed(calls, [&](std::uint64_t n) { return tidegate_gcra_try_acquire_at(&g, &quota, n * step, 1); });
                 }});
  all.push_back({"C++: one atomic double, in a shared library", [=](std::uint64_t calls) {
                   DoubleBucket *bucket = bucket_new(LIMIT, BURST);
                   const Outcome outcome = timed(calls, [=](std::uint64_t n) { return bucket_try_acquire_at(bucket, n * step, 1); });
                   bucket_free(bucket);
                   return outcome;
                 }});
  all.push_back({"C++: one atomic double, inlined", [=](std::uint64_t calls) {
                   DoubleBucket bucket(LIMIT, BURST);
                   return timed(calls, [&](std::uint64_t n) { return bucket.try_acquire_at(n * step, 1); });
                 }});
  contest.run(group, all);
  const Contestant &inlined = all[0], &called = all[1], &c = all[2], &cpp = all[5], &cpp_inlined = all[6];
  contest.compare("C to Rust in a shared library, at most 1.3", c, called, 1.3);
  contest.compare("C to C++ in a shared library, below 1", c, cpp, step == DENIED ? 0 : 1);
  // A denial is a load and a comparison: of one that is called, half is the call. Then what is inlined is told, and not promised.
  contest.compare("C to Rust inlined, at most 1.3", c, inlined, step == DENIED ? 0 : 1.3);
  contest.compare("C to C++ inlined, below 1", c, cpp_inlined, step == DENIED ? 0 : 1);
}

void decisions(Contest &contest, const char *group, std::uint64_t step) {
  std::vector<Contestant> all;
  all.push_back({"Rust: Limiter::take_at, all figures read, inlined", [=](std::uint64_t calls) {
                   return measured(calls, [=] { return rust_take_at(calls, LIMIT, BURST, step); });
                 }});
  all.push_back({"C: tidegate_limiter_take_at", [=](std::uint64_t calls) {
                   return on_limiter(calls, [=](tidegate_limiter *l, std::uint64_t n) {
                     tidegate_decision d;
                     return tidegate_limiter_take_at(l, n * step, 1, &d) == TIDEGATE_OK && d.allowed;
                   });
                 }});
  contest.run(group, all);
  contest.compare("C to Rust, at most 1.3", all[1], all[0], 1.3);
}

void clocks(Contest &contest) {
  // More than can be called for, or a faster contestant would be denied more.
  constexpr std::uint64_t ENOUGH = 1000000000;
  const tidegate_quota quota = quota_of(ENOUGH, ENOUGH);
  std::vector<Contestant> all;
  all.push_back({"Rust: Limiter::try_acquire, inlined", [=](std::uint64_t calls) {
                   return measured(calls, [=] { return rust_try_acquire(calls, ENOUGH, ENOUGH); });
                 }});
  all.push_back({"C: tidegate_limiter_try_acquire", [=](std::uint64_t calls) {
                   tidegate_limiter *l = nullptr;
                   if (tidegate_limiter_new(TIDEGATE_GCRA, &quota, &l) != TIDEGATE_OK) std::abort();
                   const Outcome outcome = timed(calls, [=](std::uint64_t) { return tidegate_limiter_try_acquire(l, 1); });
                   tidegate_limiter_free(l);
                   return outcome;
                 }});
  contest.run("A grant, the limiter's clock", all);
}

}  // namespace

int main(int argc, char **argv) {
  Contest contest;
  const char *json = nullptr;
  for (int n = 1; n < argc; n++) {
    if (std::strcmp(argv[n], "--count") == 0) {
      contest.counting = true;
    } else if (std::strcmp(argv[n], "--json") == 0 && n + 1 < argc) {
      json = argv[++n];
    } else {
      std::fprintf(stderr, "usage: %s [--json FILE] [--count]\n", argv[0]);
      return EXIT_FAILURE;
    }
  }
  if (!contest.counting) std::printf("nanoseconds a call, median of %d rounds; the ratio to the first, and its middle half\n", contest.rounds);
  one_limiter(contest, "A grant, time given", GRANTED);
  one_limiter(contest, "Every second one denied, time given", HALF);
  one_limiter(contest, "A denial, time given", DENIED);
  decisions(contest, "A grant with all figures, time given", GRANTED);
  decisions(contest, "A denial with all figures, time given", DENIED);
  clocks(contest);
  many_keys(contest);
  if (json != nullptr && !contest.write_json(json)) {
    std::perror(json);
    return EXIT_FAILURE;
  }
  return contest.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
