/** @file
 * How many are in flight. A part of tidegate.hpp. SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TIDEGATE_CONCURRENCY_HPP
#define TIDEGATE_CONCURRENCY_HPP

#include <cstdint>
#include <utility>

#include "values.hpp"

namespace tidegate {

/** Permits in flight, given back when this ends; true when it holds any. It must not outlive its Concurrency. */
class Permit {
 public:
  Permit() noexcept = default;
  Permit(const tidegate_concurrency *of, const tidegate_permit &permit) noexcept : of_(of), permit_(permit) {}
  Permit(Permit &&other) noexcept : of_(std::exchange(other.of_, nullptr)), permit_(other.permit_) {}
  Permit &operator=(Permit &&other) noexcept {
    if (this != &other) {
      leave();
      of_ = std::exchange(other.of_, nullptr);
      permit_ = other.permit_;
    }
    return *this;
  }
  Permit(const Permit &) = delete;
  Permit &operator=(const Permit &) = delete;
  ~Permit() { leave(); }
  explicit operator bool() const noexcept { return of_ != nullptr; }
  void leave() noexcept {
    if (of_ != nullptr) tidegate_concurrency_leave(std::exchange(of_, nullptr), &permit_);
  }

 private:
  const tidegate_concurrency *of_ = nullptr;
  tidegate_permit permit_{};
};

/** At most so many in flight at once. */
class Concurrency {
 public:
  explicit Concurrency(std::uint64_t limit) {
    tidegate_concurrency *made = nullptr;
    detail::check(tidegate_concurrency_new(limit, &made));
    concurrency_.reset(made);
  }
  Permit try_enter(std::uint64_t permits = 1) const noexcept {
    tidegate_permit permit;
    return tidegate_concurrency_try_enter(get(), permits, &permit) ? Permit(get(), permit) : Permit();
  }
  /** An empty permit when the timeout has passed. */
  Permit enter(std::uint64_t permits = 1, nanoseconds timeout = nanoseconds::max()) const {
    tidegate_permit permit;
    bool entered = false;
    detail::check(tidegate_concurrency_enter(get(), permits, detail::count(timeout), &permit, &entered));
    return entered ? Permit(get(), permit) : Permit();
  }
  std::uint64_t in_flight() const {
    std::uint64_t in_flight = 0;
    detail::check(tidegate_concurrency_in_flight(get(), &in_flight));
    return in_flight;
  }
  void set_limit(std::uint64_t limit) const { detail::check(tidegate_concurrency_set_limit(get(), limit)); }
  tidegate_concurrency *get() const noexcept { return concurrency_.get(); }

 private:
  detail::Handle<tidegate_concurrency, tidegate_concurrency_free> concurrency_;
};

}  // namespace tidegate

#endif
