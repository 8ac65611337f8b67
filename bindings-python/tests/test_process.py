"""What processes and interpreters do to a limiter: forks, Ctrl-C, loops that are closed, interpreters within."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading

import pytest
from hand_clock import HandClock

from tidegate import Concurrency, KeyedLimiter, Limiter, LimiterGroup

WAITS = """
import signal, sys, threading, time, tidegate
# A shell that starts this in the background has Ctrl-C ignored, and Python would leave it so.
signal.signal(signal.SIGINT, signal.default_int_handler)
{made}
before = state()

def tell():
    # Once the main thread is in the code that sleeps, its permits are booked.
    main = threading.main_thread().ident
    while not sys._current_frames()[main].f_code.co_filename.endswith(("_waiting.py", "_concurrency.py")):
        time.sleep(0.001)
    time.sleep(0.05)
    print("waiting", flush=True)

threading.Thread(target=tell, daemon=True).start()
try:
    wait()
except KeyboardInterrupt:
    assert state() == before, (before, state())
    print("nothing charged")
"""
MADE = {
    "limiter": "limit = tidegate.Limiter('1/h', clock=lambda: 0); limit.take(); state, wait = limit.peek, limit.acquire",
    "keyed": "limit = tidegate.KeyedLimiter('1/h', clock=lambda: 0); limit.take('k'); state, wait = lambda: limit.peek('k'), lambda: limit.acquire('k')",
    "group": "limit = tidegate.LimiterGroup(a='1/h', b='9/h', clock=lambda: 0); limit.take(); state, wait = limit.members, limit.acquire",
    "concurrency": "limit = tidegate.Concurrency(1); held = limit.try_enter()\n"
    "state, wait = lambda: (limit.in_flight, limit.try_enter()), limit.enter",
}


@pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")
@pytest.mark.parametrize("made", MADE)
def test_ctrl_c_ends_a_wait_and_charges_nothing(made: str) -> None:
    command = [sys.executable, "-c", WAITS.format(made=MADE[made])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        try:
            said, error = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert said == "nothing charged\n", error


@pytest.mark.parametrize("made", ["limiter", "group"])
def test_an_interrupt_between_booking_and_sleeping_charges_nothing(made: str, clock: HandClock) -> None:
    limit = Limiter("2/h", clock=clock) if made == "limiter" else LimiterGroup(a="2/h", b="9/h", clock=clock)
    assert limit.try_acquire(2)
    before = limit.peek()
    place = limit._queue(1, None)
    assert not isinstance(place, bool) and limit.peek() != before
    del place
    gc.collect()
    assert limit.peek() == before
    # Whose wait is over has spent, and a reservation of the caller's own stays booked.
    place = limit._queue(1, None)
    assert not isinstance(place, bool)
    clock.now = place.at_ns
    assert place.wait == 0.0
    after = limit.peek()
    del place
    gc.collect()
    assert limit.peek() == after
    booked = limit.reserve(1)
    after = limit.peek()
    del booked
    gc.collect()
    assert limit.peek() == after


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_has_a_limiter_of_its_own_and_no_lock_of_anybody() -> None:
    limiter, keyed = Limiter("1000000/day"), KeyedLimiter("1000000/day")
    group, gate = LimiterGroup(a=limiter), Concurrency(5)
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            limiter.try_acquire()
            keyed.try_acquire("k")
            group.try_acquire()
            with gate:
                pass

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            child = os.fork()
            if child == 0:
                # Forty seconds at most, or the signal ends it.
                signal.alarm(40)
                fine = all(limiter.try_acquire() and keyed.try_acquire("k") and group.try_acquire() for _ in range(1000))
                os._exit(0 if fine else 1)
            _, status = os.waitpid(child, 0)
            assert status == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_a_wait_whose_loop_is_gone_charges_nothing(clock: HandClock) -> None:
    limiter = Limiter("1/h", clock=clock)
    limiter.take()
    before = limiter.peek()
    loop = asyncio.new_event_loop()
    task = loop.create_task(limiter.acquire_async())
    loop.run_until_complete(asyncio.sleep(0))
    assert limiter.peek() != before
    loop.close()
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    del task
    gc.collect()
    assert limiter.peek() == before
    # Never awaited, never booked.
    coroutine = limiter.acquire_async()
    coroutine.close()
    assert limiter.peek() == before


def test_one_limiter_in_one_loop_after_another(clock: HandClock) -> None:
    limiter, gate = Limiter("9/s", clock=clock), Concurrency(1)

    async def main() -> None:
        async with limiter, gate:
            assert gate.in_flight == 1

    for _ in range(3):
        asyncio.run(main())
    assert gate.in_flight == 0 and limiter.peek().remaining == 6


WITHIN = """
import sys
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
if {first}:
    import tidegate
# One with a GIL of its own, and one that shares that of the main interpreter.
kinds = [{{}}] if sys.version_info < (3, 12) else [{{"isolated": True}}, {{"isolated": False}}]
for kind in kinds:
    made = interpreters.create(**kind) if sys.version_info < (3, 13) else interpreters.create("isolated" if kind["isolated"] else "legacy")
    interpreters.run_string(made, "try:\\n import tidegate\\nexcept ImportError as error: print('refused:', error, flush=True)\\nelse: print('works', flush=True)")
    interpreters.destroy(made)
import tidegate
print(tidegate.Limiter("5/s").take().remaining)
"""


@pytest.mark.parametrize("first", [True, False])
def test_an_interpreter_within_is_refused_and_the_main_one_goes_on(first: bool) -> None:
    process = subprocess.run([sys.executable, "-c", WITHIN.format(first=first)], capture_output=True, text=True, check=False)
    if "ModuleNotFoundError" in process.stderr:
        pytest.skip("this Python has no interpreters within")
    *refused, last = process.stdout.splitlines()
    # Not killed on its way out, either.
    assert process.returncode == 0 and last == "4", process.stderr
    assert refused and all(line.startswith("refused: ") and "interpreter" in line for line in refused)
