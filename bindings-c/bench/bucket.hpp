// The usual C++ limiter, written for this comparison: one atomic double, the time at which the bucket was empty.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

class DoubleBucket {
 public:
  DoubleBucket(double rate, double burst) : rate_(rate), burst_(burst), empty_at_(-burst / rate) {}

  bool try_acquire_at(std::uint64_t now_ns, std::uint64_t cost) {
    const double now = static_cast<double>(now_ns) * 1e-9;
    double before = empty_at_.load(std::memory_order_relaxed);
    for (;;) {
      const double tokens = std::min((now - before) * rate_, burst_);
      if (tokens < static_cast<double>(cost)) return false;
      const double after = now - (tokens - static_cast<double>(cost)) / rate_;
      if (empty_at_.compare_exchange_weak(before, after, std::memory_order_relaxed)) return true;
    }
  }

 private:
  const double rate_, burst_;
  std::atomic<double> empty_at_;
};
