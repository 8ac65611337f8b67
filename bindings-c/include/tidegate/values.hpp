/** @file
 * What goes in and out: errors, quotas, decisions, reservations, options. A part of tidegate.hpp. SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TIDEGATE_VALUES_HPP
#define TIDEGATE_VALUES_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "../tidegate.h"

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

}  // namespace tidegate

#endif
