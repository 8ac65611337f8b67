/** @file
 * Keyed limiters, and groups of limiters and keys. A part of tidegate.hpp. SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TIDEGATE_KEYED_HPP
#define TIDEGATE_KEYED_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "limiter.hpp"

namespace tidegate {

/** A limiter for each key; any bytes are a key. */
class KeyedLimiter {
 public:
  KeyedLimiter(tidegate_algorithm algorithm, const Quota &quota, std::size_t max_keys) {
    tidegate_keyed *made = nullptr;
    detail::check(tidegate_keyed_new(algorithm, quota.get(), max_keys, &made));
    keyed_.reset(made);
  }
  KeyedLimiter(tidegate_algorithm algorithm, const Quota &quota, std::size_t max_keys,
               const tidegate_keyed_options &options) {
    tidegate_keyed *made = nullptr;
    detail::check(tidegate_keyed_new_with(algorithm, quota.get(), max_keys, &options, &made));
    keyed_.reset(made);
  }
  /** With the keys of a snapshot taken under the same algorithm and quota; `max_keys` 0: as many as it was taken of. */
  static KeyedLimiter restore(tidegate_algorithm algorithm, const Quota &quota, std::size_t max_keys,
                              const tidegate_keyed_options &options, const std::string &text) {
    tidegate_keyed *made = nullptr;
    detail::check(tidegate_keyed_restore(algorithm, quota.get(), max_keys, &options, text.c_str(), &made));
    return KeyedLimiter(made);
  }
  static KeyedLimiter from_snapshot(const std::string &text) {
    tidegate_keyed *made = nullptr;
    detail::check(tidegate_keyed_from_snapshot(text.c_str(), &made));
    return KeyedLimiter(made);
  }

  bool try_acquire(std::string_view key, std::uint64_t cost = 1) const noexcept {
    return tidegate_keyed_try_acquire(get(), key.data(), key.size(), cost);
  }
  bool try_acquire_at(std::string_view key, std::uint64_t now, std::uint64_t cost = 1) const noexcept {
    return tidegate_keyed_try_acquire_at(get(), key.data(), key.size(), now, cost);
  }
  Decision take(std::string_view key, std::uint64_t cost = 1) const {
    tidegate_decision d;
    detail::check(tidegate_keyed_take(get(), key.data(), key.size(), cost, &d));
    return Decision(d);
  }
  Decision take_at(std::string_view key, std::uint64_t now, std::uint64_t cost = 1) const {
    tidegate_decision d;
    detail::check(tidegate_keyed_take_at(get(), key.data(), key.size(), now, cost, &d));
    return Decision(d);
  }
  Decision peek(std::string_view key, std::uint64_t cost = 1) const {
    tidegate_decision d;
    detail::check(tidegate_keyed_peek(get(), key.data(), key.size(), cost, &d));
    return Decision(d);
  }
  Decision peek_at(std::string_view key, std::uint64_t now, std::uint64_t cost = 1) const {
    tidegate_decision d;
    detail::check(tidegate_keyed_peek_at(get(), key.data(), key.size(), now, cost, &d));
    return Decision(d);
  }
  Decision charge(std::string_view key, std::uint64_t cost) const {
    tidegate_decision d;
    detail::check(tidegate_keyed_charge(get(), key.data(), key.size(), cost, &d));
    return Decision(d);
  }
  Decision charge_at(std::string_view key, std::uint64_t now, std::uint64_t cost) const {
    tidegate_decision d;
    detail::check(tidegate_keyed_charge_at(get(), key.data(), key.size(), now, cost, &d));
    return Decision(d);
  }
  void refund(std::string_view key, std::uint64_t permits) const {
    detail::check(tidegate_keyed_refund(get(), key.data(), key.size(), permits));
  }
  void refund_at(std::string_view key, std::uint64_t now, std::uint64_t permits) const {
    detail::check(tidegate_keyed_refund_at(get(), key.data(), key.size(), now, permits));
  }
  Reservation reserve(std::string_view key, std::uint64_t cost = 1, nanoseconds max_wait = nanoseconds::max()) const {
    Reservation r;
    detail::check(tidegate_keyed_reserve(get(), key.data(), key.size(), cost, detail::count(max_wait), r.get()));
    return r;
  }
  Reservation reserve_at(std::string_view key, std::uint64_t now, std::uint64_t cost = 1,
                         nanoseconds max_wait = nanoseconds::max()) const {
    Reservation r;
    detail::check(tidegate_keyed_reserve_at(get(), key.data(), key.size(), now, cost, detail::count(max_wait), r.get()));
    return r;
  }
  void cancel_at(std::string_view key, std::uint64_t now, Reservation &reservation) const {
    detail::check(tidegate_keyed_cancel_at(get(), key.data(), key.size(), now, reservation.get()));
  }
  void cancel(std::string_view key, Reservation &reservation) const {
    detail::check(tidegate_keyed_cancel(get(), key.data(), key.size(), reservation.get()));
  }
  Decision settle(std::string_view key, Reservation &reservation, std::uint64_t actual) const {
    tidegate_decision d;
    detail::check(tidegate_keyed_settle(get(), key.data(), key.size(), reservation.get(), actual, &d));
    return Decision(d);
  }
  Decision settle_at(std::string_view key, std::uint64_t now, Reservation &reservation, std::uint64_t actual) const {
    tidegate_decision d;
    detail::check(tidegate_keyed_settle_at(get(), key.data(), key.size(), now, reservation.get(), actual, &d));
    return Decision(d);
  }
  /** Waits, blocking; false when the wait would have been longer than the timeout. */
  bool acquire(std::string_view key, std::uint64_t cost = 1, nanoseconds timeout = nanoseconds::max()) const {
    bool acquired = false;
    detail::check(tidegate_keyed_acquire(get(), key.data(), key.size(), cost, detail::count(timeout), &acquired));
    return acquired;
  }
  /** Whether the key was remembered. */
  bool reset(std::string_view key) const {
    bool known = false;
    detail::check(tidegate_keyed_reset(get(), key.data(), key.size(), &known));
    return known;
  }
  std::size_t size() const {
    std::size_t len = 0;
    detail::check(tidegate_keyed_len(get(), &len));
    return len;
  }
  std::uint64_t evictions() const {
    std::uint64_t evictions = 0;
    detail::check(tidegate_keyed_evictions(get(), &evictions));
    return evictions;
  }
  void clear() const { detail::check(tidegate_keyed_clear(get())); }
  std::string snapshot() const {
    return detail::text([this](char *buffer, std::size_t capacity, std::size_t *length) {
      return tidegate_keyed_snapshot(get(), buffer, capacity, length);
    });
  }
  std::string snapshot_at(std::uint64_t now) const {
    return detail::text([this, now](char *buffer, std::size_t capacity, std::size_t *length) {
      return tidegate_keyed_snapshot_at(get(), now, buffer, capacity, length);
    });
  }
  tidegate_keyed *get() const noexcept { return keyed_.get(); }

 private:
  explicit KeyedLimiter(tidegate_keyed *made) noexcept : keyed_(made) {}
  detail::Handle<tidegate_keyed, tidegate_keyed_free> keyed_;
};

/** Several limits, charged together or not at all. It borrows its limiters: they must outlive it. */
class Group {
 public:
  Group &add(const Limiter &limiter, std::uint64_t cost = 1) {
    tidegate_member member{};
    member.limiter = limiter.get();
    member.cost = cost;
    members_.push_back(member);
    return *this;
  }
  /** The key is borrowed, too. */
  Group &add(const KeyedLimiter &keyed, std::string_view key, std::uint64_t cost = 1) {
    tidegate_member member{};
    member.keyed = keyed.get();
    member.key = key.data();
    member.key_len = key.size();
    member.cost = cost;
    members_.push_back(member);
    return *this;
  }
  /** `binding`, if not null, becomes the member that binds, in the order of `add`. */
  Decision take(std::size_t *binding = nullptr) const {
    tidegate_decision d;
    detail::check(tidegate_group_take(members_.data(), members_.size(), &d, binding));
    return Decision(d);
  }
  Decision take_at(std::uint64_t now, std::size_t *binding = nullptr) const {
    tidegate_decision d;
    detail::check(tidegate_group_take_at(members_.data(), members_.size(), now, &d, binding));
    return Decision(d);
  }
  Decision peek(std::size_t *binding = nullptr) const {
    tidegate_decision d;
    detail::check(tidegate_group_peek(members_.data(), members_.size(), &d, binding));
    return Decision(d);
  }
  Decision peek_at(std::uint64_t now, std::size_t *binding = nullptr) const {
    tidegate_decision d;
    detail::check(tidegate_group_peek_at(members_.data(), members_.size(), now, &d, binding));
    return Decision(d);
  }
  bool try_acquire() const noexcept { return tidegate_group_try_acquire(members_.data(), members_.size()); }
  bool try_acquire_at(std::uint64_t now) const noexcept {
    return tidegate_group_try_acquire_at(members_.data(), members_.size(), now);
  }

 private:
  std::vector<tidegate_member> members_;
};

}  // namespace tidegate

#endif
