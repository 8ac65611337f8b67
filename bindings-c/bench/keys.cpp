// A million keys: tidegate_keyed beside a token bucket for each key in uthash, under a pthread mutex, as one writes it in C.
//
// Both are told the time, both have met every key before, both are asked for the same keys in the same order. Each thread has its keys one after
// the other in memory of its own, as a server has the key of a request at hand: fetching it is not the limiter's work.
#include "keys.hpp"

#include <pthread.h>
#include <tidegate.h>
#include <uthash.h>

namespace {

constexpr std::size_t KEYS = 1000000;
constexpr int THREADS = 2, ROUNDS = 9;
constexpr std::uint64_t LIMIT = 100, BURST = 1000;

struct Key {
  char bytes[15];
  unsigned char len;
};

Key key_of(std::size_t n) {
  Key key{};
  key.len = static_cast<unsigned char>(std::snprintf(key.bytes, sizeof key.bytes, "user:%zu", 1000000 + n));
  return key;
}

struct Entry {
  char key[16];
  double tokens;
  std::uint64_t last;
  UT_hash_handle hh;
};

Entry *map;
pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

bool map_try_acquire_at(const char *key, std::size_t len, std::uint64_t now, double rate, double burst) {
  Entry *e = nullptr;
  pthread_mutex_lock(&lock);
  HASH_FIND(hh, map, key, static_cast<unsigned>(len), e);
  if (e == nullptr) {
    e = static_cast<Entry *>(std::calloc(1, sizeof *e));
    must(e != nullptr, "no memory for an entry");
    std::memcpy(e->key, key, len);
    e->tokens = burst;
    e->last = now;
    HASH_ADD_KEYPTR(hh, map, e->key, static_cast<unsigned>(len), e);
  }
  e->tokens = std::min(burst, e->tokens + static_cast<double>(now - std::min(now, e->last)) * rate);
  e->last = std::max(e->last, now);
  const bool yes = e->tokens >= 1;
  if (yes) e->tokens -= 1;
  pthread_mutex_unlock(&lock);
  return yes;
}

tidegate_keyed *keyed;

Outcome ask_keyed(const std::vector<Key> &keys, std::uint64_t calls) {
  std::size_t next = 0;
  return timed(calls, [&](std::uint64_t n) {
    const Key &key = keys[next];
    next = next + 1 < keys.size() ? next + 1 : 0;
    return tidegate_keyed_try_acquire_at(keyed, key.bytes, key.len, n, 1);
  });
}

Outcome ask_map(const std::vector<Key> &keys, std::uint64_t calls) {
  std::size_t next = 0;
  return timed(calls, [&](std::uint64_t n) {
    const Key &key = keys[next];
    next = next + 1 < keys.size() ? next + 1 : 0;
    return map_try_acquire_at(key.bytes, key.len, n, 100e-9, BURST);
  });
}

struct Work {
  Outcome (*ask)(const std::vector<Key> &, std::uint64_t);
  const std::vector<Key> *keys;
  std::uint64_t calls;
  Outcome outcome;
};

void *work(void *argument) {
  Work &work = *static_cast<Work *>(argument);
  work.outcome = work.ask(*work.keys, work.calls);
  return nullptr;
}

// Wall time over the calls of all threads.
Outcome together(Outcome (*ask)(const std::vector<Key> &, std::uint64_t), const std::vector<Key> *keys, std::uint64_t calls) {
  pthread_t threads[THREADS];
  Work works[THREADS];
  const double start = seconds(CLOCK_MONOTONIC);
  for (int n = 0; n < THREADS; n++) {
    works[n] = {ask, &keys[n], calls / THREADS, {}};
    must(pthread_create(&threads[n], nullptr, work, &works[n]) == 0, "no thread");
  }
  Outcome all{};
  for (int n = 0; n < THREADS; n++) {
    pthread_join(threads[n], nullptr);
    all.granted += works[n].outcome.granted;
  }
  all.ns_a_call = (seconds(CLOCK_MONOTONIC) - start) * 1e9 / static_cast<double>(calls);
  return all;
}

}  // namespace

void many_keys(Contest &contest) {
  const std::size_t count = contest.counting ? 1000 : KEYS;
  tidegate_quota quota;
  must(tidegate_quota_make(LIMIT, UINT64_C(1000000000), BURST, &quota) == TIDEGATE_OK, "no quota");
  must(tidegate_keyed_new(TIDEGATE_GCRA, &quota, count + count / 4, &keyed) == TIDEGATE_OK, "no keyed limiter");
  for (std::size_t n = 0; n < count; n++) {
    const Key key = key_of(n);
    must(tidegate_keyed_try_acquire_at(keyed, key.bytes, key.len, 0, 1), "a new key was denied");
    must(map_try_acquire_at(key.bytes, key.len, 0, 100e-9, BURST), "a new entry was denied");
  }
  std::size_t len = 0;
  tidegate_keyed_len(keyed, &len);
  // The table promises that a stranger seldom drives a key out, not that it never does.
  must(len + 10 >= count && HASH_COUNT(map) == count, "not all keys are remembered");

  std::vector<Key> keys[THREADS];
  std::uint64_t random = 1;
  for (auto &mine : keys) {
    for (std::size_t n = 0; n < count; n++) {
      random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
      mine.push_back(key_of((random >> 33) % count));
    }
  }

  std::vector<Contestant> one;
  one.push_back({"C: tidegate_keyed_try_acquire_at", [&](std::uint64_t calls) { return ask_keyed(keys[0], calls); }});
  one.push_back({"C: uthash under a pthread mutex", [&](std::uint64_t calls) { return ask_map(keys[0], calls); }});
  contest.run("A million keys, one thread, time given", one, ROUNDS, KEYS);
  if (!contest.counting) {
    std::vector<Contestant> two;
    two.push_back({"C: tidegate_keyed_try_acquire_at", [&](std::uint64_t calls) { return together(ask_keyed, keys, calls); }});
    two.push_back({"C: uthash under a pthread mutex", [&](std::uint64_t calls) { return together(ask_map, keys, calls); }});
    contest.run("A million keys, two threads, time given (wall time over all calls)", two, ROUNDS, THREADS * KEYS);
    contest.compare("keyed to uthash, at most a third", two[0], two[1], 1.0 / 3);
  }
  tidegate_keyed_free(keyed);
}
