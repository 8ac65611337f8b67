/** @file
 * A limiter. A part of tidegate.hpp. SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TIDEGATE_LIMITER_HPP
#define TIDEGATE_LIMITER_HPP

#include <cstddef>
#include <cstdint>
#include <string>

#include "values.hpp"

namespace tidegate {

/** A rate limiter: one quota under one algorithm. */
class Limiter {
 public:
  Limiter(tidegate_algorithm algorithm, const Quota &quota) {
    tidegate_limiter *made = nullptr;
    detail::check(tidegate_limiter_new(algorithm, quota.get(), &made));
    limiter_.reset(made);
  }
  Limiter(tidegate_algorithm algorithm, const Quota &quota, const tidegate_limiter_options &options) {
    tidegate_limiter *made = nullptr;
    detail::check(tidegate_limiter_new_with(algorithm, quota.get(), &options, &made));
    limiter_.reset(made);
  }
  /** The limiter that a snapshot was taken of. */
  static Limiter from_snapshot(const std::string &text) {
    tidegate_limiter *made = nullptr;
    detail::check(tidegate_limiter_from_snapshot(text.c_str(), &made));
    return Limiter(made);
  }

  bool try_acquire(std::uint64_t cost = 1) const noexcept { return tidegate_limiter_try_acquire(get(), cost); }
  bool try_acquire_at(std::uint64_t now, std::uint64_t cost = 1) const noexcept {
    return tidegate_limiter_try_acquire_at(get(), now, cost);
  }
  Decision take(std::uint64_t cost = 1) const {
    tidegate_decision d;
    detail::check(tidegate_limiter_take(get(), cost, &d));
    return Decision(d);
  }
  Decision take_at(std::uint64_t now, std::uint64_t cost = 1) const {
    tidegate_decision d;
    detail::check(tidegate_limiter_take_at(get(), now, cost, &d));
    return Decision(d);
  }
  Decision peek(std::uint64_t cost = 1) const {
    tidegate_decision d;
    detail::check(tidegate_limiter_peek(get(), cost, &d));
    return Decision(d);
  }
  Decision peek_at(std::uint64_t now, std::uint64_t cost = 1) const {
    tidegate_decision d;
    detail::check(tidegate_limiter_peek_at(get(), now, cost, &d));
    return Decision(d);
  }
  Decision charge(std::uint64_t cost) const {
    tidegate_decision d;
    detail::check(tidegate_limiter_charge(get(), cost, &d));
    return Decision(d);
  }
  Decision charge_at(std::uint64_t now, std::uint64_t cost) const {
    tidegate_decision d;
    detail::check(tidegate_limiter_charge_at(get(), now, cost, &d));
    return Decision(d);
  }
  void refund(std::uint64_t permits) const { detail::check(tidegate_limiter_refund(get(), permits)); }
  void refund_at(std::uint64_t now, std::uint64_t permits) const {
    detail::check(tidegate_limiter_refund_at(get(), now, permits));
  }
  Reservation reserve(std::uint64_t cost = 1, nanoseconds max_wait = nanoseconds::max()) const {
    Reservation r;
    detail::check(tidegate_limiter_reserve(get(), cost, detail::count(max_wait), r.get()));
    return r;
  }
  Reservation reserve_at(std::uint64_t now, std::uint64_t cost, nanoseconds max_wait = nanoseconds::max()) const {
    Reservation r;
    detail::check(tidegate_limiter_reserve_at(get(), now, cost, detail::count(max_wait), r.get()));
    return r;
  }
  void cancel(Reservation &reservation) const { detail::check(tidegate_limiter_cancel(get(), reservation.get())); }
  void cancel_at(std::uint64_t now, Reservation &reservation) const {
    detail::check(tidegate_limiter_cancel_at(get(), now, reservation.get()));
  }
  /** What the work of a reservation has really cost; the difference is given back, or charged. */
  Decision settle(Reservation &reservation, std::uint64_t actual) const {
    tidegate_decision d;
    detail::check(tidegate_limiter_settle(get(), reservation.get(), actual, &d));
    return Decision(d);
  }
  Decision settle_at(std::uint64_t now, Reservation &reservation, std::uint64_t actual) const {
    tidegate_decision d;
    detail::check(tidegate_limiter_settle_at(get(), now, reservation.get(), actual, &d));
    return Decision(d);
  }
  /** Waits, blocking; false when the wait would have been longer than the timeout. */
  bool acquire(std::uint64_t cost = 1, nanoseconds timeout = nanoseconds::max()) const {
    bool acquired = false;
    detail::check(tidegate_limiter_acquire(get(), cost, detail::count(timeout), &acquired));
    return acquired;
  }
  void reset() const { detail::check(tidegate_limiter_reset(get())); }
  void reconfigure(const Quota &quota, tidegate_carry carry = TIDEGATE_CARRY_TIME) const {
    detail::check(tidegate_limiter_reconfigure(get(), quota.get(), carry));
  }
  Quota quota() const {
    tidegate_quota quota;
    detail::check(tidegate_limiter_quota(get(), &quota));
    return Quota(quota);
  }
  std::string snapshot() const {
    return detail::text([this](char *buffer, std::size_t capacity, std::size_t *length) {
      return tidegate_limiter_snapshot(get(), buffer, capacity, length);
    });
  }
  void restore(const std::string &text) const { detail::check(tidegate_limiter_restore(get(), text.c_str())); }
  tidegate_limiter *get() const noexcept { return limiter_.get(); }

 private:
  explicit Limiter(tidegate_limiter *made) noexcept : limiter_(made) {}
  detail::Handle<tidegate_limiter, tidegate_limiter_free> limiter_;
};

}  // namespace tidegate

#endif
