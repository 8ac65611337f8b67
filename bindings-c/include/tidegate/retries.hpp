/** @file
 * Backoff and retry budgets. A part of tidegate.hpp. SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TIDEGATE_RETRIES_HPP
#define TIDEGATE_RETRIES_HPP

#include <cstdint>
#include <optional>

#include "values.hpp"

namespace tidegate {

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

}  // namespace tidegate

#endif
