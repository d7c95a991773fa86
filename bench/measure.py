"""Timing for benchmarks: against a floor, alternating in the same run, so that a busy machine slows both alike."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Result:
    """One result of a benchmark.

    `ratio` is our time divided by the floor's (median of the pairs), `spread` the distance between the quartiles
    of the pairs' ratios. `exponent` is the growth of time with size: 0 for constant, 1 for linear. Times are seconds.
    A limit of None is not checked.
    """

    name: str
    what: str
    ratio: float | None = None
    spread: float | None = None
    limit: float | None = None
    seconds: float | None = None
    seconds_limit: float | None = None
    exponent: float | None = None
    exponent_limit: float | None = None

    @property
    def ok(self) -> bool:
        checks = [
            (self.ratio, self.limit),
            (self.seconds, self.seconds_limit),
            (self.exponent, self.exponent_limit),
        ]
        return all(limit is None or (value is not None and value <= limit) for value, limit in checks)

    def as_json(self) -> dict[str, Any]:
        fields = {
            key: round(value, 3) if isinstance(value, float) else value for key, value in asdict(self).items()
        }
        return fields | {"ok": self.ok}


@dataclass(frozen=True)
class PairedTimes:
    """Times of our implementation and of the floor, in seconds, pair by pair."""

    ours: list[float]
    floor: list[float]

    @property
    def ratios(self) -> list[float]:
        return [ours / floor for ours, floor in zip(self.ours, self.floor, strict=True)]

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def spread(self) -> float:
        return interquartile_range(self.ratios)

    @property
    def seconds(self) -> float:
        """Median of our times."""
        return statistics.median(self.ours)

    @property
    def quickest(self) -> float:
        """Minimum of our times: the best estimate of the time on an idle machine."""
        return min(self.ours)


def time_call(work: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def time_pairs(
    ours: Callable[[], object],
    floor: Callable[[], object],
    *,
    count: int = 7,
    warm_up: int = 1,
    floor_calls: int = 1,
) -> PairedTimes:
    """Time both alternately, in alternating order; the first `warm_up` pairs are discarded.

    A time of the floor is the mean of `floor_calls` calls: one call of a short floor varies more than what is compared.
    """

    def floor_several_times() -> None:
        for _call in range(floor_calls):
            floor()

    times = time_rounds({"ours": ours, "floor": floor_several_times}, count=count, warm_up=warm_up)
    return PairedTimes(times["ours"], [seconds / floor_calls for seconds in times["floor"]])


def time_rounds(
    works: dict[str, Callable[[], object]], *, count: int = 7, warm_up: int = 1
) -> dict[str, list[float]]:
    """Time several functions in rounds, each round starting with another one: {name: [seconds of each round]}."""
    times: dict[str, list[float]] = {name: [] for name in works}
    names = list(works)
    for number in range(-warm_up, count):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            elapsed = time_call(works[name])
            if number >= 0:
                times[name].append(elapsed)
    return times


def interquartile_range(values: Sequence[float]) -> float:
    """Distance between the first and the third quartile."""
    low, _middle, high = statistics.quantiles(values, n=4)
    return high - low


def growth_exponent(sizes: Sequence[float], times: Sequence[float]) -> float:
    """The exponent b of the best fit time = a · size^b: the slope over logarithms."""
    logs = [math.log(size) for size in sizes], [math.log(seconds) for seconds in times]
    return statistics.linear_regression(*logs).slope
