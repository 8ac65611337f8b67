// How contestants are measured against each other: in turns, round after round, and only if all of them did the same work.
//
// A contestant makes so many calls and says what they took and how many were granted. Of each round the ratio to the first contestant of its
// group is taken, so that a load that comes and goes weighs on both; told are medians, and the middle half of the ratios. Of one thread the time
// of its processor is taken, so that waiting for one does not count; of several the time on the wall.
#pragma once

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

struct Outcome {
  double ns_a_call;
  std::uint64_t granted;
};

struct Contestant {
  std::string name;
  std::function<Outcome(std::uint64_t calls)> run;
  std::vector<double> took{}, ratios{};
};

struct Row {
  std::string group, name;
  double median_ns, ratio, low, high;
};

// Ends the program unless it holds, and says what did not.
inline void must(bool holds, const char *what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::exit(EXIT_FAILURE);
}

inline double seconds(clockid_t clock) {
  timespec t;
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// `work` makes so many calls and says how many were granted.
template <class Work>
Outcome measured(std::uint64_t calls, Work work) {
  const double start = seconds(CLOCK_THREAD_CPUTIME_ID);
  const std::uint64_t granted = work();
  return {(seconds(CLOCK_THREAD_CPUTIME_ID) - start) * 1e9 / static_cast<double>(calls), granted};
}

// Calls `call(n)`, which says whether it was granted.
template <class Call>
Outcome timed(std::uint64_t calls, Call call) {
  return measured(calls, [&] {
    std::uint64_t granted = 0;
    for (std::uint64_t n = 0; n < calls; n++) granted += call(n) ? 1 : 0;
    return granted;
  });
}

inline double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5)];
}

// Ends a part of a run under callgrind, which dumps its counts whenever this is entered.
extern "C" void tidegate_bench_mark(void);

class Contest {
 public:
  int rounds = 25;
  std::uint64_t calls = 400000;
  bool counting = false;
  std::vector<Row> rows;
  bool failed = false;

  // All contestants of a group.
  void run(const char *group, std::vector<Contestant> &all) { run(group, all, rounds, calls); }
  void run(const char *group, std::vector<Contestant> &all, int times, std::uint64_t n) {
    if (counting) {
      count(group, all);
      return;
    }
    for (int round = 0; round < times; round++) {
      std::uint64_t granted = 0;
      for (Contestant &c : all) {
        const Outcome outcome = c.run(n);
        if (&c == &all[0]) granted = outcome.granted;
        same_work(group, c.name, outcome.granted, granted, n);
        c.took.push_back(outcome.ns_a_call);
        c.ratios.push_back(outcome.ns_a_call / all[0].took.back());
      }
    }
    std::printf("\n%s\n", group);
    for (const Contestant &c : all) {
      rows.push_back({group, c.name, quantile(c.took, 0.5), quantile(c.ratios, 0.5), quantile(c.ratios, 0.25), quantile(c.ratios, 0.75)});
      const Row &row = rows.back();
      std::printf("  %-62s %8.2f ns  %5.2fx  (%.2f to %.2f)\n", row.name.c_str(), row.median_ns, row.ratio, row.low, row.high);
    }
    std::fflush(stdout);
  }

  // Tells the median over the rounds of what `a` took to what `b` took in the same round. It must be at most `bound`; 0 promises nothing.
  void compare(const char *what, const Contestant &a, const Contestant &b, double bound) {
    if (counting) return;
    std::vector<double> ratios;
    for (std::size_t n = 0; n < a.took.size(); n++) ratios.push_back(a.took[n] / b.took[n]);
    const double ratio = quantile(ratios, 0.5);
    const bool kept = bound == 0 || ratio <= bound;
    std::printf("  %s: %.2f, %s\n", what, ratio, bound == 0 ? "told only" : kept ? "kept" : "MISSED");
    failed |= !kept;
  }

  // [{group, name, median_ns, ratio, low, high}]; the ratio is to the first of the group, low and high are its quartiles.
  bool write_json(const char *path) const {
    std::FILE *file = std::fopen(path, "w");
    if (file == nullptr) return false;
    std::fprintf(file, "[");
    for (const Row &r : rows) {
      std::fprintf(file, "%s\n  {\"group\": \"%s\", \"name\": \"%s\", \"median_ns\": %.3f, \"ratio\": %.4f, \"low\": %.4f, \"high\": %.4f}",
                   &r == &rows[0] ? "" : ",", r.group.c_str(), r.name.c_str(), r.median_ns, r.ratio, r.low, r.high);
    }
    std::fprintf(file, "\n]\n");
    return std::fclose(file) == 0;
  }

 private:
  // Three parts a contestant: what comes before, some calls, COUNTED calls more than those.
  static constexpr std::uint64_t COUNTED = 20000, FIRST = 2000;

  void count(const char *group, std::vector<Contestant> &all) {
    for (Contestant &c : all) {
      tidegate_bench_mark();
      c.run(FIRST);
      tidegate_bench_mark();
      c.run(FIRST + COUNTED);
      tidegate_bench_mark();
      std::printf("%s\t%s\t%llu\n", group, c.name.c_str(), static_cast<unsigned long long>(COUNTED));
    }
  }

  // A double rounds, so that a peer may grant one permit in some thousand more or fewer.
  void same_work(const char *group, const std::string &name, std::uint64_t granted, std::uint64_t expected, std::uint64_t n) {
    const std::uint64_t difference = granted > expected ? granted - expected : expected - granted;
    if (difference <= n / 1000) return;
    std::fprintf(stderr, "%s, %s: %llu granted where the first granted %llu\n", group, name.c_str(),
                 static_cast<unsigned long long>(granted), static_cast<unsigned long long>(expected));
    std::exit(EXIT_FAILURE);
  }
};
