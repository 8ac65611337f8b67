// tidegate.hpp: owners, moves, exceptions, what "never" and "give up" become.
#include <tidegate.hpp>

#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "check.h"

using namespace std::chrono_literals;

template <class Call>
static tidegate_status thrown_by(Call call) {
  try {
    call();
  } catch (const tidegate::Error &error) {
    return error.status();
  }
  return TIDEGATE_OK;
}

static void limiters() {
  tidegate::Limiter limiter(TIDEGATE_GCRA, "10/s burst 2");
  auto decision = limiter.take_at(0, 2);
  CHECK(decision && decision.remaining() == 0 && decision.limit() == 2 && decision.retry_after() == 0ns);
  decision = limiter.take_at(0, 1);
  CHECK(!decision && decision.retry_after() == 100ms && decision.reset_after() == 200ms);
  CHECK(!limiter.take_at(0, 3).retry_after().has_value());
  CHECK(limiter.try_acquire_at(100000000) && !limiter.try_acquire_at(100000000));
  auto held = limiter.reserve_at(100000000, 1);
  CHECK(held && held.delay() == 100ms);
  auto moved = std::move(held);
  CHECK(moved && !held);
  CHECK(thrown_by([&] { limiter.cancel_at(100000000, held); }) == TIDEGATE_ERROR_NOT_BOOKED);
  limiter.cancel_at(100000000, moved);
  CHECK(limiter.peek_at(200000000).allowed());
  limiter.refund_at(200000000, 9);
  CHECK(limiter.charge_at(200000000, 4).retry_after() == 200ms);
  limiter.reset();

  auto other = std::move(limiter);
  CHECK(limiter.get() == nullptr && !limiter.try_acquire());
  CHECK(thrown_by([&] { limiter.take(); }) == TIDEGATE_ERROR_NULL);
  CHECK(other.quota().to_string() == "10/s burst 2");
  other.reconfigure(tidegate::Quota(20, 1s), TIDEGATE_CARRY_RESET);
  CHECK(other.quota().limit() == 20 && other.quota().period() == 1s && other.quota().burst() == 20);
  const auto kept = other.snapshot();
  auto again = tidegate::Limiter::from_snapshot(kept);
  CHECK(again.quota().to_string() == "20/s");
  again.restore(kept);
  CHECK(thrown_by([&] { again.restore("no"); }) == TIDEGATE_ERROR_SNAPSHOT);

  auto options = tidegate::limiter_options();
  options.refill = TIDEGATE_REFILL_INTERVAL;
  CHECK(thrown_by([&] { tidegate::Limiter(TIDEGATE_GCRA, "1/s", options); }) == TIDEGATE_ERROR_REFILL_UNSUPPORTED);
  CHECK(thrown_by([] { tidegate::Quota quota("1/0s"); }) == TIDEGATE_ERROR_ZERO_PERIOD);
  try {
    tidegate::Quota quota("300/mon");
    CHECK(false);
  } catch (const std::exception &error) {
    CHECK(std::string(error.what()).rfind("at byte 4: expected a unit", 0) == 0);
  }
}

static void keys() {
  const tidegate::KeyedLimiter keyed(TIDEGATE_SLIDING_WINDOW, "100/h", 1000);
  const std::string key("a\0b", 3);
  std::vector<std::thread> threads;
  std::vector<int> granted(8);
  for (int i = 0; i < 8; i++) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < 50; n++) granted[i] += keyed.try_acquire_at(key, 5);
    });
  }
  int all = 0;
  for (int i = 0; i < 8; i++) {
    threads[i].join();
    all += granted[i];
  }
  CHECK(all == 100);
  CHECK(keyed.try_acquire_at("", 5) && keyed.try_acquire_at(std::string_view(), 5, 99) && !keyed.try_acquire_at("", 5));
  CHECK(keyed.size() == 2 && keyed.evictions() == 0 && keyed.reset(key) && !keyed.reset(key));
  CHECK(keyed.take_at(key, 5, 101).retry_after() == std::nullopt);
  keyed.clear();
  CHECK(keyed.size() == 0);
  CHECK(keyed.try_acquire("now", 100));
  CHECK(!tidegate::KeyedLimiter::from_snapshot(keyed.snapshot()).try_acquire("now"));
}

static void retries() {
  auto backoff = tidegate::Backoff::exponential(100ms, 1s, 3, TIDEGATE_JITTER_NONE);
  CHECK(backoff.next() == 100ms && backoff.next(5s) == 5s && backoff.next() == 400ms && !backoff.next());
  backoff.reset();
  CHECK(backoff.next() == 100ms);
  const tidegate::RetryBudget budget(TIDEGATE_RETRY_AWS_2_1);
  const auto retry = budget.try_retry_at(0, TIDEGATE_FAILURE_TRANSIENT);
  CHECK(retry == std::uint64_t{14} && budget.tokens_at(0) == 486);
  budget.success_at(0, retry);
  CHECK(budget.tokens_at(0) == 500);
}

static void together() {
  const tidegate::Limiter all(TIDEGATE_GCRA, "10/s");
  const tidegate::KeyedLimiter users(TIDEGATE_GCRA, "2/h", 10);
  const auto alice = tidegate::Group().add(all, 3).add(users, "alice");
  std::size_t binding = 9;
  CHECK(alice.try_acquire_at(0) && alice.take_at(0, &binding) && binding == 1);
  CHECK(!alice.take_at(0, &binding) && binding == 1 && all.peek_at(0).remaining() == 4);
  CHECK(thrown_by([] { tidegate::Group().take_at(0); }) == TIDEGATE_ERROR_RANGE && !tidegate::Group().try_acquire());

  const tidegate::Concurrency doors(1);
  {
    auto inside = doors.try_enter();
    CHECK(inside && !doors.try_enter() && !doors.enter(1, 0ns));
    auto moved = std::move(inside);
    inside.leave();
    CHECK(doors.in_flight() == 1);
  }
  CHECK(doors.in_flight() == 0);
  int plain = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; i++) {
    threads.emplace_back([&] {
      for (int n = 0; n < 100; n++) {
        const auto permit = doors.enter();
        plain++;
      }
    });
  }
  for (auto &thread : threads) thread.join();
  CHECK(plain == 400 && thrown_by([&] { doors.enter(2); }) == TIDEGATE_ERROR_NEVER);
  CHECK(all.acquire(1, 0ns) && thrown_by([&] { all.acquire(11); }) == TIDEGATE_ERROR_NEVER && users.acquire("bob"));
}

static void batches() {
  const auto leased = std::make_unique<tidegate::Leased>(TIDEGATE_GCRA, "100/s burst 50", 2, 10);
  auto lease = leased->lease();
  {
    auto other = leased->lease();
    CHECK(other.try_acquire_at(0) && other.in_hand() == 9 && leased->leases() == 2);
    CHECK(thrown_by([&] { leased->lease(); }) == TIDEGATE_ERROR_ALL_LEASED);
    CHECK(other.return_unused() == 9 && other.take_at(0, 1));
  }
  CHECK(leased->leases() == 1 && leased->peek_at(0, 28) && !leased->peek_at(0, 29) && leased->try_acquire_at(0, 28));
  CHECK(!lease.try_acquire_at(0) && lease.take_at(0).retry_after() == 10ms);
  CHECK(thrown_by([] { tidegate::Leased(TIDEGATE_GCRA, "100/s burst 50", 5, 10); }) == TIDEGATE_ERROR_BATCH_TOO_LARGE);
  auto moved = std::move(lease);
  CHECK(!lease.try_acquire_at(1'000'000'000) && moved.try_acquire_at(1'000'000'000));
}

static void restored() {
  const tidegate::KeyedLimiter before(TIDEGATE_GCRA, "2/h", 10);
  CHECK(before.try_acquire_at("a", 0, 2) && !before.try_acquire_at("a", 0));
  const auto text = before.snapshot_at(0);
  const auto after = tidegate::KeyedLimiter::restore(TIDEGATE_GCRA, "2/h", 0, tidegate::keyed_options(), text);
  auto booked = after.reserve_at("a", 0);
  CHECK(booked && booked.delay() == 30min);
  after.cancel_at("a", 0, booked);
  CHECK(!booked && !after.try_acquire_at("a", 0));
  auto estimate = after.reserve_at("b", 0, 2);
  CHECK(after.settle_at("b", 0, estimate, 1).remaining() == 1 && estimate.outcome() == TIDEGATE_SETTLED);
  const tidegate::Limiter tokens(TIDEGATE_GCRA, "100/s");
  estimate = tokens.reserve_at(0, 20);
  CHECK(tokens.settle_at(0, estimate, 5).remaining() == 95);
  CHECK(thrown_by([&] { tokens.settle(estimate, 5); }) == TIDEGATE_ERROR_NOT_BOOKED);
  CHECK(thrown_by([&] { tidegate::KeyedLimiter::restore(TIDEGATE_GCRA, "3/h", 0, tidegate::keyed_options(), text); }) ==
        TIDEGATE_ERROR_SNAPSHOT_MISMATCH);
}

static_assert(!std::is_copy_constructible_v<tidegate::Limiter> && std::is_nothrow_move_constructible_v<tidegate::Limiter>);
static_assert(!std::is_copy_constructible_v<tidegate::Reservation>);

int main() {
  limiters();
  keys();
  retries();
  together();
  batches();
  restored();
  CHECK(tidegate::version() == TIDEGATE_VERSION);
  return checks_end("wrapper");
}
