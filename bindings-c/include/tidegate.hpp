/**
 * @file
 * tidegate.hpp: tidegate.h for C++17. Owners that end what they own, std::chrono, string keys; exceptions for errors, never for "denied".
 *
 * Nothing here decides anything: each member is one call of tidegate.h, where its units, errors and promises stand. Handles move and do not copy;
 * a member that is `const` may be called on one object from any number of threads at once.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
#ifndef TIDEGATE_HPP
#define TIDEGATE_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tidegate.h"

namespace tidegate {

using nanoseconds = std::chrono::nanoseconds;

/** A status that is not TIDEGATE_OK. */
class Error : public std::runtime_error {
 public:
  explicit Error(tidegate_status status) : Error(status, tidegate_status_message(status)) {}
  Error(tidegate_status status, const std::string &text) : std::runtime_error(text), status_(status) {}
  tidegate_status status() const noexcept { return status_; }

 private:
  tidegate_status status_;
};

namespace detail {
inline void check(tidegate_status status) {
  if (status != TIDEGATE_OK) throw Error(status);
}
/** Nanoseconds as C wants them: what is below 0 is 0. */
inline std::uint64_t count(nanoseconds time) noexcept {
  return time.count() < 0 ? 0 : static_cast<std::uint64_t>(time.count());
}
/** Nanoseconds as chrono holds them: what is beyond 292 years is that. */
inline nanoseconds span(std::uint64_t count) noexcept {
  return count > static_cast<std::uint64_t>(nanoseconds::max().count()) ? nanoseconds::max()
                                                                       : nanoseconds(static_cast<std::int64_t>(count));
}
template <class T, tidegate_status (*Free)(T *)>
struct Ends {
  void operator()(T *handle) const noexcept { Free(handle); }
};
template <class T, tidegate_status (*Free)(T *)>
using Handle = std::unique_ptr<T, Ends<T, Free>>;
/** The text that a call writes into a buffer; the call is repeated if the text has grown meanwhile. */
template <class Call>
std::string text(Call call) {
  std::string buffer(128, '\0');
  for (;;) {
    std::size_t length = 0;
    const tidegate_status status = call(&buffer[0], buffer.size(), &length);
    if (status == TIDEGATE_OK) {
      buffer.resize(length);
      return buffer;
    }
    if (status != TIDEGATE_ERROR_BUFFER_TOO_SMALL) throw Error(status);
    buffer.resize(length + length / 8 + 1);
  }
}
}  // namespace detail

/** `limit` permits per `period`, at most `burst` at once. */
class Quota {
 public:
  /** From text such as "300/min burst 50"; the error says where the text is wrong. */
  Quota(const std::string &text) {  // NOLINT: a text is meant to be a quota
    tidegate_quota_error error;
    const tidegate_status status = tidegate_quota_parse(text.c_str(), &quota_, &error);
    if (status == TIDEGATE_OK) return;
    const bool placed = error.position != TIDEGATE_NO_POSITION;
    throw Error(status, (placed ? "at byte " + std::to_string(error.position) + ": " : std::string()) + error.message);
  }
  Quota(const char *text) : Quota(std::string(text)) {}  // NOLINT: as above
  Quota(std::uint64_t limit, nanoseconds period) : Quota(limit, period, limit) {}
  Quota(std::uint64_t limit, nanoseconds period, std::uint64_t burst) {
    detail::check(tidegate_quota_make(limit, detail::count(period), burst, &quota_));
  }
  explicit Quota(const tidegate_quota &quota) noexcept : quota_(quota) {}

  std::uint64_t limit() const noexcept { return quota_.limit; }
  nanoseconds period() const noexcept { return detail::span(quota_.period_ns); }
  std::uint64_t burst() const noexcept { return quota_.burst; }
  const tidegate_quota *get() const noexcept { return &quota_; }
  std::string to_string() const {
    return detail::text([this](char *buffer, std::size_t capacity, std::size_t *length) {
      return tidegate_quota_format(&quota_, buffer, capacity, length);
    });
  }

 private:
  tidegate_quota quota_{};
};

/** What a limiter answered; true when allowed. */
class Decision {
 public:
  Decision() noexcept = default;
  explicit Decision(const tidegate_decision &decision) noexcept : decision_(decision) {}

  explicit operator bool() const noexcept { return decision_.allowed; }
  bool allowed() const noexcept { return decision_.allowed; }
  std::uint64_t limit() const noexcept { return decision_.limit; }
  std::uint64_t remaining() const noexcept { return decision_.remaining; }
  /** No value: no wait helps. */
  std::optional<nanoseconds> retry_after() const noexcept {
    if (decision_.retry_after_ns == TIDEGATE_NEVER) return std::nullopt;
    return detail::span(decision_.retry_after_ns);
  }
  nanoseconds reset_after() const noexcept { return detail::span(decision_.reset_after_ns); }
  const tidegate_decision &get() const noexcept { return decision_; }

 private:
  tidegate_decision decision_{};
};

/** Permits booked for an instant, or why not; true when booked. Made by `reserve`, given back by `cancel` of the same limiter. */
class Reservation {
 public:
  explicit operator bool() const noexcept { return reservation_.outcome == TIDEGATE_BOOKED; }
  tidegate_booking outcome() const noexcept { return reservation_.outcome; }
  /** How long to sleep before going ahead. */
  nanoseconds delay() const noexcept { return detail::span(reservation_.delay_ns); }
  std::uint64_t at_ns() const noexcept { return reservation_.at_ns; }
  /** If refused: what take would have answered. */
  Decision decision() const noexcept { return Decision(reservation_.decision); }
  tidegate_reservation *get() noexcept { return &reservation_; }

  Reservation() noexcept { reservation_.outcome = TIDEGATE_CANCELLED; }
  Reservation(const Reservation &) = delete;
  Reservation &operator=(const Reservation &) = delete;
  Reservation(Reservation &&other) noexcept : Reservation() { std::swap(reservation_, other.reservation_); }
  Reservation &operator=(Reservation &&other) noexcept {
    reservation_ = other.reservation_;
    other.reservation_.outcome = TIDEGATE_CANCELLED;
    return *this;
  }

 private:
  tidegate_reservation reservation_{};
};

/** Options with their size set. */
inline tidegate_limiter_options limiter_options() noexcept {
  tidegate_limiter_options options{};
  options.struct_size = sizeof options;
  return options;
}
inline tidegate_keyed_options keyed_options() noexcept {
  tidegate_keyed_options options{};
  options.struct_size = sizeof options;
  return options;
}

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
  void cancel(std::string_view key, Reservation &reservation) const {
    detail::check(tidegate_keyed_cancel(get(), key.data(), key.size(), reservation.get()));
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
  tidegate_keyed *get() const noexcept { return keyed_.get(); }

 private:
  explicit KeyedLimiter(tidegate_keyed *made) noexcept : keyed_(made) {}
  detail::Handle<tidegate_keyed, tidegate_keyed_free> keyed_;
};

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
  bool try_acquire() const noexcept { return tidegate_group_try_acquire(members_.data(), members_.size()); }
  bool try_acquire_at(std::uint64_t now) const noexcept {
    return tidegate_group_try_acquire_at(members_.data(), members_.size(), now);
  }

 private:
  std::vector<tidegate_member> members_;
};

/** The delays of one call and its retries. */
class Backoff {
 public:
  explicit Backoff(const tidegate_backoff_options &options) { detail::check(tidegate_backoff_start(&options, &backoff_)); }
  /** base, 2 base, 4 base, ... up to the cap, jitter included. */
  static Backoff exponential(nanoseconds base, nanoseconds max_delay, std::uint32_t max_retries,
                             tidegate_jitter jitter = TIDEGATE_JITTER_FULL) {
    tidegate_backoff_options options{};
    options.struct_size = sizeof options;
    options.flags = TIDEGATE_SET_MAX_DELAY | TIDEGATE_SET_MAX_RETRIES;
    options.base_ns = detail::count(base);
    options.max_delay_ns = detail::count(max_delay);
    options.max_retries = max_retries;
    options.jitter = jitter;
    return Backoff(options);
  }
  /** No value: give up. `retry_after` is what the server asked for. */
  std::optional<nanoseconds> next(nanoseconds retry_after = nanoseconds::zero()) {
    std::uint64_t delay = 0;
    detail::check(tidegate_backoff_next(&backoff_, detail::count(retry_after), &delay));
    if (delay == TIDEGATE_NEVER) return std::nullopt;
    return detail::span(delay);
  }
  void reset() { detail::check(tidegate_backoff_reset(&backoff_)); }
  tidegate_backoff *get() noexcept { return &backoff_; }

 private:
  tidegate_backoff backoff_{};
};

/** Whether failed calls of a client may be retried at all. */
class RetryBudget {
 public:
  explicit RetryBudget(tidegate_retry_preset preset = TIDEGATE_RETRY_AWS_2_1) {
    tidegate_retry_budget *made = nullptr;
    detail::check(tidegate_retry_budget_new(preset, &made));
    budget_.reset(made);
  }
  void request_at(std::uint64_t now) const { detail::check(tidegate_retry_budget_request_at(get(), now)); }
  /** What the retry costs; no value: do not retry. */
  std::optional<std::uint64_t> try_retry_at(std::uint64_t now, tidegate_failure failure) const {
    bool allowed = false;
    std::uint64_t cost = 0;
    detail::check(tidegate_retry_budget_try_retry_at(get(), now, failure, &allowed, &cost));
    if (!allowed) return std::nullopt;
    return cost;
  }
  void give_up_at(std::uint64_t now) const { detail::check(tidegate_retry_budget_give_up_at(get(), now)); }
  void success_at(std::uint64_t now, std::optional<std::uint64_t> last_retry = std::nullopt) const {
    detail::check(tidegate_retry_budget_success_at(get(), now, last_retry.value_or(TIDEGATE_NO_RETRY)));
  }
  std::uint64_t tokens_at(std::uint64_t now) const {
    std::uint64_t tokens = 0;
    detail::check(tidegate_retry_budget_tokens_at(get(), now, &tokens));
    return tokens;
  }
  tidegate_retry_budget *get() const noexcept { return budget_.get(); }

 private:
  detail::Handle<tidegate_retry_budget, tidegate_retry_budget_free> budget_;
};

/** The version of the library that runs. */
inline std::string_view version() noexcept { return tidegate_version(); }

}  // namespace tidegate

#endif
