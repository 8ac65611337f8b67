// What a call costs, in one run: C beside Rust, beside a C++ bucket with a double, and, with a million keys, beside a hash map under a mutex.
//
// All contestants take turns, round after round; the figure is the best round of each (nobody else's work is in it). `make bench` runs it; the
// ratios that are promised are checked, and the exit code says so.
#include <tidegate.h>
#include <uthash.h>

#include <pthread.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "bucket.hpp"

extern "C" {
double rust_try_acquire_at(std::uint64_t calls, std::uint64_t limit, std::uint64_t burst, std::uint64_t step);
double rust_take_at(std::uint64_t calls, std::uint64_t limit, std::uint64_t burst, std::uint64_t step);
double rust_try_acquire(std::uint64_t calls, std::uint64_t limit, std::uint64_t burst);
}

namespace {

constexpr std::uint64_t CALLS = 4000000;
constexpr int ROUNDS = 9;
constexpr std::uint64_t LIMIT = 1000000, BURST = 1000;
// A microsecond a call earns one permit: every call is granted. No time at all: all but a burst are denied.
constexpr std::uint64_t GRANTED = 1000, DENIED = 0;

double seconds() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

template <class T>
void keep(T &value) {
  __asm__ volatile("" : "+r,m"(value) : : "memory");
}

template <class Call>
double nanoseconds(Call call) {
  const double start = seconds();
  for (std::uint64_t n = 0; n < CALLS; n++) call(n);
  return (seconds() - start) * 1e9 / static_cast<double>(CALLS);
}

struct Contestant {
  std::string name;
  std::function<double()> round;
  double best;
};

void run(const char *title, std::vector<Contestant> &contestants) {
  for (int round = 0; round < ROUNDS; round++) {
    for (Contestant &c : contestants) {
      const double took = c.round();
      if (round == 0 || took < c.best) c.best = took;
    }
  }
  std::printf("\n%s\n", title);
  for (const Contestant &c : contestants) {
    std::printf("  %-58s %8.2f ns  %5.2fx\n", c.name.c_str(), c.best, c.best / contestants[0].best);
  }
}

tidegate_quota quota_of(std::uint64_t limit, std::uint64_t burst) {
  tidegate_quota quota;
  if (tidegate_quota_make(limit, UINT64_C(1000000000), burst, &quota) != TIDEGATE_OK) std::abort();
  return quota;
}

bool failed;
void promise(const char *what, bool kept) {
  std::printf("  %s: %s\n", what, kept ? "yes" : "NO");
  failed |= !kept;
}

void one_limiter(const char *title, std::uint64_t step) {
  const tidegate_quota quota = quota_of(LIMIT, BURST);
  std::vector<Contestant> all;
  all.push_back({"Rust: Limiter::try_acquire_at", [=] { return rust_try_acquire_at(CALLS, LIMIT, BURST, step); }, 0});
  all.push_back({"C: tidegate_limiter_try_acquire_at",
                 [=] {
                   tidegate_limiter *l = nullptr;
                   if (tidegate_limiter_new(TIDEGATE_GCRA, &quota, &l) != TIDEGATE_OK) std::abort();
                   const double took = nanoseconds([=](std::uint64_t n) {
                     bool yes = tidegate_limiter_try_acquire_at(l, n * step, 1);
                     keep(yes);
                   });
                   tidegate_limiter_free(l);
                   return took;
                 },
                 0});
  all.push_back({"C: tidegate_word_try_acquire_at",
                 [=] {
                   tidegate_rule rule;
                   tidegate_word word;
                   if (tidegate_rule_init(TIDEGATE_GCRA, &quota, nullptr, &rule, &word) != TIDEGATE_OK) std::abort();
                   return nanoseconds([&](std::uint64_t n) {
                     bool yes = tidegate_word_try_acquire_at(&word, &rule, n * step, 1);
                     keep(yes);
                   });
                 },
                 0});
  all.push_back({"C: tidegate_gcra_try_acquire_at (quota made ready each time)",
                 [=] {
                   tidegate_gcra g = TIDEGATE_GCRA_INIT;
                   return nanoseconds([&](std::uint64_t n) {
                     bool yes = tidegate_gcra_try_acquire_at(&g, &quota, n * step, 1);
                     keep(yes);
                   });
                 },
                 0});
  all.push_back({"C++: one atomic double, inlined",
                 [=] {
                   DoubleBucket bucket(LIMIT, BURST);
                   return nanoseconds([&](std::uint64_t n) {
                     bool yes = bucket.try_acquire_at(n * step, 1);
                     keep(yes);
                   });
                 },
                 0});
  run(title, all);
  promise("C at most 1.3 times Rust", all[1].best <= 1.3 * all[0].best);
  promise("C faster than C++ with a double", all[1].best < all[4].best);
}

void decisions() {
  const tidegate_quota quota = quota_of(LIMIT, BURST);
  std::vector<Contestant> all;
  all.push_back({"Rust: Limiter::take_at, all figures read", [] { return rust_take_at(CALLS, LIMIT, BURST, GRANTED); }, 0});
  all.push_back({"C: tidegate_limiter_take_at",
                 [=] {
                   tidegate_limiter *l = nullptr;
                   if (tidegate_limiter_new(TIDEGATE_GCRA, &quota, &l) != TIDEGATE_OK) std::abort();
                   const double took = nanoseconds([=](std::uint64_t n) {
                     tidegate_decision d;
                     tidegate_status status = tidegate_limiter_take_at(l, n * GRANTED, 1, &d);
                     keep(status);
                   });
                   tidegate_limiter_free(l);
                   return took;
                 },
                 0});
  run("A decision with all its figures, time given", all);
  promise("C at most 1.3 times Rust", all[1].best <= 1.3 * all[0].best);
}

void clocks() {
  const tidegate_quota quota = quota_of(LIMIT, BURST);
  std::vector<Contestant> all;
  all.push_back({"Rust: Limiter::try_acquire", [] { return rust_try_acquire(CALLS, LIMIT, BURST); }, 0});
  all.push_back({"C: tidegate_limiter_try_acquire",
                 [=] {
                   tidegate_limiter *l = nullptr;
                   if (tidegate_limiter_new(TIDEGATE_GCRA, &quota, &l) != TIDEGATE_OK) std::abort();
                   const double took = nanoseconds([=](std::uint64_t) {
                     bool yes = tidegate_limiter_try_acquire(l, 1);
                     keep(yes);
                   });
                   tidegate_limiter_free(l);
                   return took;
                 },
                 0});
  run("Time read from the clock", all);
}

// --- A million keys, two threads -------------------------------------------------------------------------------------------------

constexpr std::size_t KEYS = 1000000;
constexpr int THREADS = 2;
constexpr std::uint64_t KEYED_CALLS = 2000000;

std::vector<std::string> keys;
std::vector<std::uint32_t> order[THREADS];

struct Entry {
  char key[16];
  double tokens;
  std::uint64_t last;
  UT_hash_handle hh;
};

Entry *map;
pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

// A token bucket for each key, as one writes it with uthash.
bool map_try_acquire_at(const char *key, std::size_t len, std::uint64_t now, double rate, double burst) {
  Entry *e = nullptr;
  pthread_mutex_lock(&lock);
  HASH_FIND(hh, map, key, static_cast<unsigned>(len), e);
  if (e == nullptr) {
    e = static_cast<Entry *>(std::calloc(1, sizeof *e));
    std::memcpy(e->key, key, len);
    e->tokens = burst;
    e->last = now;
    HASH_ADD_KEYPTR(hh, map, e->key, static_cast<unsigned>(len), e);
  }
  e->tokens = std::min(burst, e->tokens + static_cast<double>(now - e->last) * rate);
  e->last = now;
  const bool yes = e->tokens >= 1;
  if (yes) e->tokens -= 1;
  pthread_mutex_unlock(&lock);
  return yes;
}

tidegate_keyed *keyed;

void *keyed_thread(void *argument) {
  const auto &mine = *static_cast<std::vector<std::uint32_t> *>(argument);
  for (std::size_t n = 0; n < mine.size(); n++) {
    const std::string &key = keys[mine[n]];
    bool yes = tidegate_keyed_try_acquire_at(keyed, key.data(), key.size(), n, 1);
    keep(yes);
  }
  return nullptr;
}

void *map_thread(void *argument) {
  const auto &mine = *static_cast<std::vector<std::uint32_t> *>(argument);
  for (std::size_t n = 0; n < mine.size(); n++) {
    const std::string &key = keys[mine[n]];
    bool yes = map_try_acquire_at(key.data(), key.size(), n, 100e-9, 1000);
    keep(yes);
  }
  return nullptr;
}

double together(void *(*work)(void *)) {
  pthread_t threads[THREADS];
  const double start = seconds();
  for (int n = 0; n < THREADS; n++) {
    if (pthread_create(&threads[n], nullptr, work, &order[n]) != 0) std::abort();
  }
  for (pthread_t thread : threads) pthread_join(thread, nullptr);
  return (seconds() - start) * 1e9 / static_cast<double>(KEYED_CALLS);
}

void many_keys() {
  const tidegate_quota quota = quota_of(100, 1000);
  std::uint64_t random = 1;
  for (std::size_t n = 0; n < KEYS; n++) keys.push_back("user:" + std::to_string(1000000 + n));
  for (auto &mine : order) {
    for (std::uint64_t n = 0; n < KEYED_CALLS / THREADS; n++) {
      random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
      mine.push_back(static_cast<std::uint32_t>((random >> 33) % KEYS));
    }
  }
  if (tidegate_keyed_new(TIDEGATE_GCRA, &quota, KEYS + KEYS / 4, &keyed) != TIDEGATE_OK) std::abort();
  for (const std::string &key : keys) {
    tidegate_keyed_try_acquire_at(keyed, key.data(), key.size(), 0, 1);
    map_try_acquire_at(key.data(), key.size(), 0, 100e-9, 1000);
  }
  std::vector<Contestant> all;
  all.push_back({"C: tidegate_keyed_try_acquire_at", [] { return together(keyed_thread); }, 0});
  all.push_back({"C: uthash under a pthread mutex", [] { return together(map_thread); }, 0});
  run("A million keys, two threads, time given (wall time over all calls)", all);
  promise("keyed at least 3 times as fast", all[1].best >= 3 * all[0].best);
  tidegate_keyed_free(keyed);
}

}  // namespace

int main() {
  std::printf("nanoseconds a call, best of %d rounds\n", ROUNDS);
  one_limiter("A grant, time given", GRANTED);
  one_limiter("A denial, time given", DENIED);
  decisions();
  clocks();
  many_keys();
  return failed;
}
