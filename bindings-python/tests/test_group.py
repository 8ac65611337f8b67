"""Groups: all or nothing, the limit that binds, and what is refused."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable

import pytest
from hand_clock import HandClock

from tidegate import Decision, KeyedLimiterGroup, Limiter, LimiterGroup, Quota, QuotaError, RateLimitExceeded


def test_all_or_nothing(clock: HandClock) -> None:
    group = LimiterGroup(second="2/s", hour="3/h", clock=clock)
    taken = group.take()
    assert taken.allowed and taken.binding == "second" and (taken.limit, taken.remaining) == (2, 1)
    assert group.try_acquire()
    denied = group.take()
    assert not denied and denied.binding == "second" and denied.retry_after == 0.5
    clock.now = 10**9
    assert group.try_acquire()
    denied = group.take()
    assert denied.binding == "hour" and denied.retry_after_ns == 1_199_000_000_000
    assert group.members()["second"].remaining == 1 and group.members()["hour"].remaining == 0
    assert group.take(4).retry_after is None
    group.reset()
    assert group.peek(2).allowed and len(group) == 2
    assert pickle.loads(pickle.dumps(denied)) == denied and eval(repr(denied)) == denied != Decision(False, 3, 0, 5, 5)


def test_members_used_elsewhere(clock: HandClock) -> None:
    shared = Limiter("3/h", clock=clock)
    group = LimiterGroup({"a b": shared}, other=Quota("100/h"), clock=clock)
    assert group.try_acquire(2) and shared.try_acquire() and not group.try_acquire()
    assert group.peek().binding == "a b"
    assert repr(group).startswith('LimiterGroup({"a b": "3/h", "other": "100/h"}, clock=')


def test_refused(clock: HandClock) -> None:
    limiter = Limiter("1/s", clock=clock)
    attempts: list[Callable[[], LimiterGroup]] = [
        lambda: LimiterGroup(),
        lambda: LimiterGroup({}),
        lambda: LimiterGroup({"a": "1/s"}, a="2/s"),
        lambda: LimiterGroup(a=limiter, b=limiter, clock=clock),
        lambda: LimiterGroup(a=limiter),
        lambda: LimiterGroup(a=limiter, clock=lambda: 0),
        lambda: LimiterGroup({str(n): "1/s" for n in range(100)}),
    ]
    for make in attempts:
        with pytest.raises(ValueError):
            make()
    with pytest.raises(QuotaError):
        LimiterGroup(a="never")
    for wrong in (5, None, object()):
        with pytest.raises(TypeError):
            LimiterGroup(a=wrong)  # type: ignore[arg-type]
    group = LimiterGroup(a="1/s", clock=clock)
    for n in (-1, 1.5, "1"):
        with pytest.raises((TypeError, ValueError)):
            group.take(n)  # type: ignore[arg-type]
    assert group.peek().remaining == 1
    with pytest.raises(TypeError):
        pickle.dumps(group)


def test_waiting_keeps_every_limit(clock: HandClock) -> None:
    group = LimiterGroup(second="2/s", minute="3/min", clock=clock)
    assert group.acquire() and group.acquire(timeout=0)
    booked = group.reserve()
    assert (booked.at_ns, booked.n) == (500_000_000, 1)
    assert not group.acquire(timeout=1) and not asyncio.run(group.acquire_async(timeout=1))
    assert booked.cancel() and not booked.cancel()
    with pytest.raises(RateLimitExceeded) as caught:
        group.reserve(2, max_wait=1)
    assert caught.value.decision.binding == "minute" and caught.value.decision.retry_after == 20.0
    with pytest.raises(ValueError, match="second"):
        group.acquire(3)
    clock.now = 500_000_000
    assert group.try_acquire() and not group.try_acquire()


def test_a_cancelled_wait_charges_no_limit(clock: HandClock) -> None:
    group = LimiterGroup(second="1/s", minute="9/min", clock=clock)
    assert group.try_acquire()
    before = group.members()

    async def main() -> None:
        waiting = asyncio.ensure_future(group.acquire_async())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(main())
    assert group.members() == before


def test_with_and_decorators(clock: HandClock) -> None:
    group = LimiterGroup(second="3/s", day="5/day", clock=clock)
    with group as same:
        assert same is group

    @group.limit(2)
    def send() -> str:
        return "sent"

    assert send() == "sent"
    with pytest.raises(RateLimitExceeded) as caught:
        send()
    assert caught.value.decision.binding == "second"

    @group.limit(wait=True, timeout=0)
    async def receive() -> None: ...

    with pytest.raises(RateLimitExceeded):
        asyncio.run(receive())


def test_several_quotas_in_one_text(clock: HandClock) -> None:
    group = LimiterGroup("10/s; 100/min;1000 per day burst 50", clock=clock)
    assert list(group.members()) == ["10/s", "100/min", "1000/d burst 50"] and len(group) == 3
    assert group.take(10).binding == "10/s" and group.take(11).retry_after is None
    keyed = KeyedLimiterGroup("2/s; 3/h", more="9/h", max_keys=9, clock=clock)
    assert keyed.try_acquire("a", 2) and keyed.take("a").binding == "2/s" and len(keyed) == 3
    for wrong in ("", "10/s; 10/s", "10/s; 100/moon", ";"):
        with pytest.raises(ValueError):
            LimiterGroup(wrong)
    with pytest.raises(QuotaError, match="LimiterGroup"):
        Limiter("10/s; 100/min")
