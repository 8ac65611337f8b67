"""`Concurrency`: at most so many in flight, first come first served, nothing lost."""

from __future__ import annotations

import asyncio
import gc
import pickle
import threading

import pytest

import tidegate
from tidegate import Concurrency


def test_at_most_so_many() -> None:
    gate = Concurrency(2)
    one, two = gate.try_enter(), gate.try_enter()
    assert one is not None and two is not None and gate.try_enter() is None
    assert (gate.in_flight, gate.limit, one.n) == (2, 2, 1)
    assert one.release() and not one.release() and one.released
    assert gate.in_flight == 1
    with two:
        assert gate.in_flight == 1
    assert gate.in_flight == 0
    assert gate.try_enter(3) is None and gate.try_enter(0) is not None


def test_a_permit_that_nobody_holds_is_given_back() -> None:
    gate = Concurrency(1)
    permit = gate.try_enter()
    assert permit is not None
    del permit
    gc.collect()
    assert gate.in_flight == 0


def test_with() -> None:
    gate = Concurrency(2)
    with gate as same:
        assert same is gate and gate.in_flight == 1
        with pytest.raises(KeyError), gate:
            assert gate.in_flight == 2
            raise KeyError
        assert gate.in_flight == 1
    assert gate.in_flight == 0


def test_async_with_and_order() -> None:
    async def main() -> list[int]:
        gate, entered = Concurrency(1), []

        async def work(number: int) -> None:
            async with gate:
                entered.append(number)
                await asyncio.sleep(0)
                assert gate.in_flight == 1

        await asyncio.gather(*map(work, range(50)))
        assert gate.in_flight == 0
        return entered

    assert asyncio.run(main()) == list(range(50))


def test_a_timeout_takes_nothing() -> None:
    gate = Concurrency(1)
    held = gate.enter()
    assert held is not None
    assert gate.enter(timeout=0) is None
    assert gate.enter(timeout=0.01) is None
    assert asyncio.run(gate.enter_async(timeout=0.01)) is None
    held.release()
    assert gate.in_flight == 0 and gate.try_enter() is not None


def test_a_cancelled_task_leaves_the_line() -> None:
    async def main() -> None:
        gate = Concurrency(1)
        held = await gate.enter_async()
        assert held is not None
        first = asyncio.ensure_future(gate.enter_async())
        second = asyncio.ensure_future(gate.enter_async())
        await asyncio.sleep(0)
        # Answered and cancelled in one breath: what it was given goes to the next.
        held.release()
        first.cancel()
        permit = await second
        assert permit is not None and first.cancelled() and gate.in_flight == 1

    asyncio.run(main())


def test_a_closed_loop_leaves_the_line() -> None:
    gate = Concurrency(1)
    held = gate.try_enter()
    assert held is not None
    loop = asyncio.new_event_loop()
    waiting = gate.enter_async()
    task = loop.create_task(waiting)
    loop.run_until_complete(asyncio.sleep(0))
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()
    held.release()
    assert gate.in_flight == 0


def test_waking_a_closed_loop_is_no_error() -> None:
    gate = Concurrency(1)
    held = gate.try_enter()
    assert held is not None
    loop = asyncio.new_event_loop()
    entering = gate._entering(1)
    assert entering.poll(lambda: loop.call_soon_threadsafe(print)) is None
    loop.close()
    held.release()
    assert gate.in_flight == 1
    entering.close()
    assert gate.in_flight == 0


def test_threads_never_exceed_it() -> None:
    gate, most, lock, running = Concurrency(3), 0, threading.Lock(), 0

    def work() -> None:
        nonlocal most, running
        for _ in range(200):
            with gate:
                with lock:
                    running += 1
                    most = max(most, running)
                with lock:
                    running -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= most <= 3 and gate.in_flight == 0


def test_a_thread_wakes_a_task() -> None:
    async def main() -> None:
        gate = Concurrency(1)
        held = gate.try_enter()
        assert held is not None
        thread = threading.Thread(target=held.release)
        waiting = asyncio.ensure_future(gate.enter_async())
        await asyncio.sleep(0)
        thread.start()
        assert await waiting is not None
        thread.join()

    asyncio.run(main())


def test_the_limit_can_be_changed() -> None:
    async def main() -> None:
        gate = Concurrency(1)
        held = gate.try_enter()
        waiting = asyncio.ensure_future(gate.enter_async())
        wide = asyncio.ensure_future(Concurrency(3).enter_async(3))
        await asyncio.sleep(0)
        gate.set_limit(2)
        assert await waiting is not None and held is not None and await wide is not None

    asyncio.run(main())
    gate = Concurrency(2)
    held = gate.try_enter()
    entering = gate._entering(2)
    assert entering.poll(lambda: None) is None
    gate.set_limit(1)
    assert held is not None
    held.release()
    with pytest.raises(ValueError, match="can never fit"):
        entering.poll(lambda: None)
    assert gate.in_flight == 0


@pytest.mark.parametrize("limit", [0, -1, 2**31, 2**64, 2**70])
def test_no_limit(limit: int) -> None:
    with pytest.raises(ValueError):
        Concurrency(limit)
    gate = Concurrency(1)
    with pytest.raises(ValueError):
        gate.set_limit(limit)
    assert gate.limit == 1


def test_bad_input() -> None:
    gate = Concurrency(2)
    for n in (1.0, True, "1", None):
        with pytest.raises(TypeError):
            gate.try_enter(n)  # type: ignore[arg-type]
    for wait in (float("nan"), -1, -0.5):
        with pytest.raises(ValueError):
            gate.enter(timeout=wait)
    with pytest.raises(TypeError):
        gate.enter(timeout="1")  # type: ignore[arg-type]
    for n in (3, 2**64):
        with pytest.raises(ValueError, match="can never fit"):
            gate.enter(n)
        with pytest.raises(ValueError, match="can never fit"):
            asyncio.run(gate.enter_async(n))
    with pytest.raises(TypeError):
        pickle.dumps(gate)
    assert gate.in_flight == 0 and repr(gate) == "<Concurrency of 2, 0 in flight>"
    assert tidegate.Concurrency is Concurrency
