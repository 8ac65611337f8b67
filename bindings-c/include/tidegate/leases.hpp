/** @file
 * Leases of one hot limiter. A part of tidegate.hpp. SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TIDEGATE_LEASES_HPP
#define TIDEGATE_LEASES_HPP

#include <cstdint>

#include "values.hpp"

namespace tidegate {

/** The permits in the hand of one worker; given back when this ends. One thread at a time. May outlive its Leased. */
class Lease {
 public:
  bool try_acquire(std::uint64_t cost = 1) noexcept { return tidegate_lease_try_acquire(get(), cost); }
  bool try_acquire_at(std::uint64_t now, std::uint64_t cost = 1) noexcept { return tidegate_lease_try_acquire_at(get(), now, cost); }
  Decision take(std::uint64_t cost = 1) {
    tidegate_decision d;
    detail::check(tidegate_lease_take(get(), cost, &d));
    return Decision(d);
  }
  Decision take_at(std::uint64_t now, std::uint64_t cost = 1) {
    tidegate_decision d;
    detail::check(tidegate_lease_take_at(get(), now, cost, &d));
    return Decision(d);
  }
  std::uint64_t in_hand() const {
    std::uint64_t permits = 0;
    detail::check(tidegate_lease_in_hand(get(), &permits));
    return permits;
  }
  /** How many permits went back. */
  std::uint64_t return_unused() {
    std::uint64_t returned = 0;
    detail::check(tidegate_lease_return_unused(get(), &returned));
    return returned;
  }
  tidegate_lease *get() const noexcept { return lease_.get(); }

 private:
  friend class Leased;
  explicit Lease(tidegate_lease *made) noexcept : lease_(made) {}
  detail::Handle<tidegate_lease, tidegate_lease_free> lease_;
};

/** One hot limiter of which workers draw batches. */
class Leased {
 public:
  Leased(tidegate_algorithm algorithm, const Quota &quota, std::uint64_t workers, std::uint64_t batch) {
    tidegate_leased *made = nullptr;
    detail::check(tidegate_leased_new(algorithm, quota.get(), workers, batch, &made));
    leased_.reset(made);
  }
  Leased(tidegate_algorithm algorithm, const Quota &quota, std::uint64_t workers, std::uint64_t batch,
         const tidegate_limiter_options &options) {
    tidegate_leased *made = nullptr;
    detail::check(tidegate_leased_new_with(algorithm, quota.get(), workers, batch, &options, &made));
    leased_.reset(made);
  }
  /** An error when as many are out as there are workers. */
  Lease lease() const {
    tidegate_lease *made = nullptr;
    detail::check(tidegate_lease_new(get(), &made));
    return Lease(made);
  }
  bool try_acquire(std::uint64_t cost = 1) const noexcept { return tidegate_leased_try_acquire(get(), cost); }
  bool try_acquire_at(std::uint64_t now, std::uint64_t cost = 1) const noexcept {
    return tidegate_leased_try_acquire_at(get(), now, cost);
  }
  Decision peek(std::uint64_t cost = 1) const {
    tidegate_decision d;
    detail::check(tidegate_leased_peek(get(), cost, &d));
    return Decision(d);
  }
  Decision peek_at(std::uint64_t now, std::uint64_t cost = 1) const {
    tidegate_decision d;
    detail::check(tidegate_leased_peek_at(get(), now, cost, &d));
    return Decision(d);
  }
  std::uint64_t leases() const {
    std::uint64_t leases = 0;
    detail::check(tidegate_leased_leases(get(), &leases));
    return leases;
  }
  tidegate_leased *get() const noexcept { return leased_.get(); }

 private:
  detail::Handle<tidegate_leased, tidegate_leased_free> leased_;
};

}  // namespace tidegate

#endif
