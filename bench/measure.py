"""How benchmarks measure: against a floor timed in the same run, in turns, so that a busy machine slows both alike."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Result:
    """What one benchmark found.

    `ratio` is our time divided by the floor's (median of the pairs), `spread` the distance between the quartiles
    of the pairs' ratios. `exponent` says how time grows with size: 0 not at all, 1 in proportion. Times are seconds.
    A limit of None does not count.
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
        return all(limit is None or (found is not None and found <= limit) for found, limit in checks)

    def as_json(self) -> dict[str, Any]:
        found = {
            key: round(value, 3) if isinstance(value, float) else value for key, value in asdict(self).items()
        }
        return found | {"ok": self.ok}


@dataclass(frozen=True)
class PairedTimes:
    """Times of the same work done our way and the floor's way, in seconds, pair by pair."""

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
        """Our median."""
        return statistics.median(self.ours)

    @property
    def quickest(self) -> float:
        """Our best time: what it takes where nothing else runs, as near as this machine lets us see it."""
        return min(self.ours)


def time_call(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def time_pairs(
    ours: Callable[[], object], floor: Callable[[], object], *, count: int = 7, warm_up: int = 1
) -> PairedTimes:
    """Time both in turns, the first one changing from pair to pair; the `warm_up` first pairs are thrown away."""
    times = time_rounds({"ours": ours, "floor": floor}, count=count, warm_up=warm_up)
    return PairedTimes(times["ours"], times["floor"])


def time_rounds(
    works: dict[str, Callable[[], object]], *, count: int = 7, warm_up: int = 1
) -> dict[str, list[float]]:
    """Time several ways in turns; each round begins with another one. Seconds by name, round by round."""
    times: dict[str, list[float]] = {name: [] for name in works}
    names = list(works)
    for number in range(-warm_up, count):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            took = time_call(works[name])
            if number >= 0:
                times[name].append(took)
    return times


def interquartile_range(values: Sequence[float]) -> float:
    """The distance between the quartiles."""
    low, _middle, high = statistics.quantiles(values, n=4)
    return high - low


def growth_exponent(sizes: Sequence[float], times: Sequence[float]) -> float:
    """The exponent b of time = a · size^b that fits best: the slope over logarithms."""
    logs = [math.log(size) for size in sizes], [math.log(took) for took in times]
    return statistics.linear_regression(*logs).slope
