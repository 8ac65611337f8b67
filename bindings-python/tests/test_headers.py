"""Headers, written and read. The bytes are tested in Rust; here: that they arrive."""

from __future__ import annotations

import pytest
from hand_clock import HandClock

from tidegate import Decision, Limiter, Quota, Tracker, headers

DENIED = Decision(False, 100, 0, 1_500_000_000, 60_000_000_000)
NEVER = Decision(False, 100, 40, None, 60_000_000_000)
ALLOWED = Decision(True, 100, 99, 0, 600_000_000)


def test_one_decision() -> None:
    assert headers(ALLOWED, "x-ratelimit-delta") == {
        "X-RateLimit-Limit": "100",
        "X-RateLimit-Remaining": "99",
        "X-RateLimit-Reset": "1",
    }
    assert headers(DENIED, "retry-after") == {"Retry-After": "2"}
    assert headers(NEVER, "retry-after") == {}
    date = headers(DENIED, "retry-after", retry_after="http-date", now_ns=784_111_775_000_000_000)
    assert date == {"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"}
    drafts = headers(DENIED, name="send", quota=Quota("100/min"))
    assert drafts == {"RateLimit": '"send";r=0;t=2', "RateLimit-Policy": '"send";q=100;w=60', "Retry-After": "2"}
    assert headers(DENIED, "mailiam", scope="ip", now_ns=0)["X-RateLimit-Scope"] == "ip"


def test_several_decisions() -> None:
    told = headers([("hour", ALLOWED, Quota("100/h")), ("day", DENIED)], "draft-08")
    assert told["RateLimit"] == '"hour";r=99;t=1, "day";r=0;t=2'
    assert told["RateLimit-Policy"] == '"hour";q=100;w=3600, "day";q=100'
    assert headers([], "draft-08") == {}


def test_bad_names_smuggle_nothing() -> None:
    with pytest.raises(ValueError):
        headers(DENIED, "draft-08", name="a\r\nSet-Cookie: b")
    with pytest.raises(ValueError):
        headers(DENIED, "mailiam", scope="a\nb")
    with pytest.raises(ValueError, match="x-ratelimit"):
        headers(DENIED, "x")
    with pytest.raises(ValueError):
        headers(DENIED, retry_after="date")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        headers([("a", 1)])  # type: ignore[list-item]


def test_what_is_written_can_be_read(clock: HandClock) -> None:
    limiter = Limiter("2/min", clock=clock)
    for dialect in ("x-ratelimit", "x-ratelimit-delta", "x-ratelimit-iso8601", "mailiam", "draft-06", "draft-07", "draft-08"):
        tracker = Tracker(clock=clock, unix_clock=lambda: 1_705_320_000_000_000_000)
        limiter.reset()
        assert limiter.take(2)
        told = headers(limiter.take(1), dialect, now_ns=1_705_320_000_000_000_000)
        tracker.observe("send", 429, told)
        assert 30.0 <= tracker.next_delay("send") <= 60.0, dialect
        clock.now += 60_000_000_000
        assert tracker.next_delay("send") == 0.0


def test_a_tracker_counts_what_is_on_its_way(clock: HandClock) -> None:
    tracker = Tracker(clock=clock, unix_clock=clock)
    assert tracker.next_delay("send") == 0.0
    tracker.observe("send", 200, [(b"RateLimit-Limit", b"10"), (b"RateLimit-Remaining", b"2"), (b"RateLimit-Reset", b"5")])
    assert tracker.limits()[0]["remaining"] == 2
    tracker.sent("send")
    assert tracker.next_delay("send") == 0.0
    tracker.sent("send")
    assert tracker.next_delay_ns("send") == 5_000_000_000
    assert tracker.next_delay("other") == 0.0
    tracker.observe("other", 503, {"Retry-After": "7"})
    assert tracker.next_delay("other") == 7.0 and repr(tracker) == "<Tracker of 1 limits>"


def test_no_server_makes_a_client_wait_for_ever(clock: HandClock) -> None:
    tracker = Tracker(clock=clock, max_wait=60, max_limits=0)
    tracker.observe("", 429, {"Retry-After": "99999999999"})
    assert tracker.next_delay() == 60.0
    for value in ("", "-1", "nan", "\ud800", "1e400", "soon"):
        tracker = Tracker(clock=clock)
        tracker.observe("", 200, {"Retry-After": value, "RateLimit": value, "X-RateLimit-Reset": value})
        assert tracker.next_delay() == 0.0
    with pytest.raises(TypeError):
        tracker.observe("", 429, {"Retry-After": 5})  # type: ignore[arg-type]
    with pytest.raises((ValueError, OverflowError)):
        tracker.observe("", -1, {})


def test_slowing_down_spreads_what_remains(clock: HandClock) -> None:
    tracker = Tracker(clock=clock, slow_down=20)
    tracker.observe("", 200, {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "10", "X-RateLimit-Reset": "60"})
    assert 0.0 < tracker.next_delay() <= 60.0
