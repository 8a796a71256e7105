"""The rate limit, on a clock of its own: time passes only while every simulated thread sleeps."""

from __future__ import annotations

import heapq
import itertools
import json
import math
import threading
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typing_extensions import override

from tap_onefile.api.client import Client
from tap_onefile.api.rate_limit import PAUSE, WINDOW, RateLimit
from tap_onefile.api.transport import LOGIN, Answer, Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
slow_to_simulate = settings(unhurried, max_examples=60)

TICK = 0.5
LONGEST = 160
"""Ticks that the slowest call is on its way, in one direction."""


class SimulatedTime:
    """Runs threads one at a time, and moves the clock on to the next sleeper whenever the one that runs falls asleep.

    A sleeper wakes at the next tick, a little late, as under a real operating system. Ticks are a power of two, so that
    sums of them are exact.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._sleepers: list[tuple[float, int, threading.Event]] = []
        self._sleeps = itertools.count()
        self._failures: list[BaseException] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        alarm = self._set_alarm(math.ceil((self.now + seconds) / TICK) * TICK)
        self._wake_next()
        alarm.wait()

    def run(self, *bodies: Callable[[], None]) -> None:
        threads = [threading.Thread(target=self._live, args=(body, self._set_alarm(0.0))) for body in bodies]
        for thread in threads:
            thread.start()
        self._wake_next()
        for thread in threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def _live(self, body: Callable[[], None], alarm: threading.Event) -> None:
        alarm.wait()
        try:
            body()
        except BaseException as failure:  # noqa: BLE001 - told by run
            self._failures.append(failure)
        if self._sleepers:
            self._wake_next()

    def _set_alarm(self, at: float) -> threading.Event:
        number = next(self._sleeps)
        assert number < 50_000, "somebody waits for ever"
        alarm = threading.Event()
        heapq.heappush(self._sleepers, (at, number, alarm))
        return alarm

    def _wake_next(self) -> None:
        self.now, _, alarm = heapq.heappop(self._sleepers)
        alarm.set()


def rate_of(rate_limit: RateLimit) -> int:
    """Return the calls per minute that are let through at present; 0 means no limit."""
    return int(rate_limit._allowed)


class Call(NamedTuple):
    """One call of a simulated thread; all times are in ticks."""

    thinking: int
    to_server: int
    back: int
    retry_after: int | None
    """What the server's 429 asks for; None for a good answer."""


ticks = st.one_of(st.just(0), st.integers(0, 16), st.integers(0, LONGEST))
good_call = st.builds(Call, ticks, ticks, ticks, st.none())
any_call = st.builds(Call, ticks, ticks, ticks, st.one_of(st.none(), st.none(), st.integers(0, 250)))


def threads_of(call: st.SearchStrategy[Call]) -> st.SearchStrategy[list[list[Call]]]:
    return st.lists(st.lists(call, min_size=1, max_size=10), min_size=1, max_size=5)


class Simulation:
    """Some threads that share a rate limit, and a server that notes when each of their calls arrives."""

    def __init__(self, calls_per_minute: int) -> None:
        self.time = SimulatedTime()
        self.rate_limit = RateLimit(calls_per_minute, clock=self.time.clock, sleep=self.time.sleep)
        self.calls_per_minute = calls_per_minute
        self.received: list[float] = []
        self.closed_until = 0.0

    def run(self, threads: Sequence[Sequence[Call]]) -> None:
        self.time.run(*(lambda calls=calls: self._work(calls) for calls in threads))

    def most_in_a_window(self) -> int:
        arrivals = sorted(self.received)
        return max(sum(start <= arrival < start + WINDOW for arrival in arrivals) for start in arrivals)

    def _work(self, calls: Sequence[Call]) -> None:
        for call in calls:
            self.time.sleep(call.thinking * TICK)
            with self.rate_limit.turn():
                assert self.time.now >= self.closed_until, "a call went out during a pause"
                self.time.sleep(call.to_server * TICK)
                self.received.append(self.time.now)
                self.time.sleep(call.back * TICK)
            if call.retry_after is not None:
                before = rate_of(self.rate_limit)
                self.rate_limit.pause(call.retry_after * TICK)
                self.closed_until = max(self.closed_until, self.time.now + call.retry_after * TICK)
                assert 1 <= rate_of(self.rate_limit) <= before
            assert rate_of(self.rate_limit) <= self.calls_per_minute


@slow_to_simulate
@given(calls_per_minute=st.integers(1, 6), threads=threads_of(good_call))
def test_no_minute_whatever_holds_more_calls_than_the_budget_and_nothing_waits_for_ever(
    calls_per_minute: int, threads: list[list[Call]]
) -> None:
    simulation = Simulation(calls_per_minute)
    simulation.run(threads)

    calls = [call for thread in threads for call in thread]
    assert len(simulation.received) == len(calls)
    assert simulation.most_in_a_window() <= calls_per_minute
    # While somebody waits for a turn, a full budget passes in each window and the time of the slowest call.
    slowest = max((call.to_server + call.back) * TICK for call in calls)
    waiting = (len(calls) // calls_per_minute + 1) * (WINDOW + slowest + 1)
    working = max(sum(call.thinking + call.to_server + call.back for call in thread) for thread in threads) * TICK
    assert simulation.time.now <= waiting + working


@slow_to_simulate
@given(calls_per_minute=st.integers(1, 6), threads=threads_of(any_call))
def test_after_a_429_nothing_goes_out_during_the_pause_and_the_budget_still_holds(
    calls_per_minute: int, threads: list[list[Call]]
) -> None:
    simulation = Simulation(calls_per_minute)
    simulation.run(threads)

    assert len(simulation.received) == sum(map(len, threads))
    assert simulation.most_in_a_window() <= calls_per_minute


class Clock:
    """A clock that only its own sleep moves, by exactly what was asked."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def take_turns(rate_limit: RateLimit, clock: Clock, count: int) -> list[float]:
    sent = []
    for _ in range(count):
        with rate_limit.turn():
            sent.append(clock.now)
    return sent


@unhurried
@given(start=st.floats(0, 1e7))
@example(start=0.1)
def test_a_call_is_counted_even_if_its_thread_wakes_at_the_very_end_of_the_window(start: float) -> None:
    clock = Clock(start)
    sent = take_turns(RateLimit(1, clock=clock, sleep=clock.sleep), clock, 4)

    assert all(later - earlier > WINDOW - 1e-6 for earlier, later in itertools.pairwise(sent))


@unhurried
@given(calls_per_minute=st.integers(2, 1000), refusals=st.integers(1, 30))
def test_the_rate_falls_with_each_429_and_climbs_back_to_the_full_and_not_beyond(
    calls_per_minute: int, refusals: int
) -> None:
    clock = Clock()
    rate_limit = RateLimit(calls_per_minute, clock=clock, sleep=clock.sleep)
    rates = [calls_per_minute]
    for _ in range(refusals):
        rate_limit.pause(PAUSE)
        rates.append(rate_of(rate_limit))
        clock.now += PAUSE
    assert rates == sorted(rates, reverse=True)
    assert rates[1] < calls_per_minute
    assert rates[-1] <= max(1, calls_per_minute * 0.7**refusals + 1e-6)

    climb = [rate_of(rate_limit)]
    for _ in range(21):
        clock.now += WINDOW
        take_turns(rate_limit, clock, 1)
        climb.append(rate_of(rate_limit))
    assert climb == sorted(climb)
    assert climb[-1] == calls_per_minute
    assert max(later - earlier for earlier, later in itertools.pairwise(climb)) <= calls_per_minute * 0.05 + 1


def test_calls_that_are_refused_together_lower_the_rate_once() -> None:
    clock = Clock()
    rate_limit = RateLimit(300, clock=clock, sleep=clock.sleep)
    for _ in range(20):
        rate_limit.pause(PAUSE)

    assert rate_of(rate_limit) == 210


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    clock = Clock()
    rate_limit = RateLimit(300, clock=clock, sleep=clock.sleep)
    rate_limit.pause(90)
    clock.now += 10
    rate_limit.pause(5)

    with rate_limit.turn() as waited:
        assert clock() == 90
    assert waited == 80


def test_a_call_that_fails_is_counted_and_gives_its_turn_back() -> None:
    clock = Clock()
    rate_limit = RateLimit(1, clock=clock, sleep=clock.sleep)

    def fail() -> None:
        with rate_limit.turn():
            clock.now += 5
            raise ConnectionError

    with pytest.raises(ConnectionError):
        fail()

    assert take_turns(rate_limit, clock, 1) == [5 + WINDOW]


def test_a_call_counts_from_its_answer_since_it_may_have_arrived_that_late() -> None:
    clock = Clock()
    rate_limit = RateLimit(1, clock=clock, sleep=clock.sleep)
    with rate_limit.turn():
        clock.now += 100

    assert take_turns(rate_limit, clock, 1) == [100 + WINDOW]


def test_without_a_limit_nothing_waits_but_for_a_pause() -> None:
    clock = Clock()
    rate_limit = RateLimit(0, clock=clock, sleep=clock.sleep)
    assert take_turns(rate_limit, clock, 1000) == [0] * 1000

    rate_limit.pause(7)
    assert take_turns(rate_limit, clock, 1000) == [7] * 1000


def test_no_limit_is_still_none_after_a_429() -> None:
    clock = Clock()
    rate_limit = RateLimit(0, clock=clock, sleep=clock.sleep)
    rate_limit.pause(PAUSE)

    assert rate_of(rate_limit) == 0


LIMIT = 300
PAGES = 3000
LATENCY = 0.1


class SharedServer(Transport):
    """Answers 300 calls in any minute, ours and those of another client that calls 2.5 times a second."""

    def __init__(self, retry_after: float | None) -> None:
        super().__init__("https://onefile.test/api", user_agent="test", timeout=1)
        self.now = 0.0
        self.retry_after = retry_after
        self.answered: deque[float] = deque()
        self.others_asked = 0
        self.others_answered = 0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def admits(self, moment: float) -> bool:
        while self.answered and self.answered[0] + WINDOW <= moment:
            self.answered.popleft()
        if len(self.answered) >= LIMIT:
            return False
        self.answered.append(moment)
        return True

    def let_the_other_call(self) -> None:
        while self.others_asked * 0.4 <= self.now:
            self.others_answered += self.admits(self.others_asked * 0.4)
            self.others_asked += 1

    @override
    def exchange(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: Mapping[str, object] | None = None,
        at_most: int | None = None,
    ) -> Answer:
        self.now += LATENCY
        self.let_the_other_call()
        if not self.admits(self.now):
            return Answer(429, b"", self.retry_after)
        if path == LOGIN:
            return Answer(200, b"session", None)
        return Answer(200, json.dumps([{"ID": int(path.split("/")[2])}]).encode(), None)


@pytest.mark.parametrize("retry_after", [None, 5.0])
def test_both_get_on_with_half_of_the_budget_each(retry_after: float | None) -> None:
    server = SharedServer(retry_after)
    rate_limit = RateLimit(LIMIT, clock=lambda: server.now, sleep=server.sleep)
    client = Client(server, "token", rate_limit, retry_for=0, clock=lambda: server.now, sleep=server.sleep)

    found = [row["ID"] for page in range(1, PAGES + 1) for row in client.search(f"User/Search/{page}/1", {})]

    assert found == list(range(1, PAGES + 1))
    assert server.others_answered >= 0.8 * server.others_asked
    # Half of the budget is 150 a minute; pausing for a minute at each sign of the other costs some of it.
    assert PAGES / (server.now / 60) >= 75
