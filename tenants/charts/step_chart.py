"""A step chart: numbers that change at the end of each period, as one or more lines on the same axes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from django.utils.safestring import SafeString

from tenants import formats
from tenants.charts import svg

WIDTH, HEIGHT = 360, 248
LEFT, RIGHT, TOP, BOTTOM = 30, 264, 20, 204
MAX_TICKS_ON_X = 6
MIN_DISTANCE_OF_LABELS = 32


@dataclass(frozen=True)
class Line:
    """One line. `values` has a number for each period; `css` is "is-main" (filled below) or "is-other" (dashed)."""

    label: str  # at its end, below the last number
    values: list[int]
    css: str


@dataclass(frozen=True)
class Tick:
    """The label of a period below the axis, in two rows: "Q1" and "2027", which is written where it changes."""

    top: str
    bottom: str = ""


def draw(lines: list[Line], ticks: list[Tick], *, title: str, description: str) -> SafeString:
    """The chart as SVG. Both axes start at zero; a table with the same numbers belongs beside it."""
    step = _step(max(max(line.values) for line in lines))
    top = step * max(1, math.ceil(max(max(line.values) for line in lines) / step))
    parts = [*_grid(step, top), *_ticks(ticks)]
    for line in sorted(lines, key=lambda line: line.css == "is-main"):
        points = [(_x(0, len(ticks)), _y(line.values[0], top))]
        points += [(_x(n + 1, len(ticks)), _y(value, top)) for n, value in enumerate(line.values)]
        # The number of a period is reached at its end, so the line starts at zero.
        points[0] = (points[0][0], _y(0, top))
        steps = svg.stepped(points)
        if line.css == "is-main":
            area = [*steps, (RIGHT, BOTTOM), (LEFT, BOTTOM)]
            parts.append(svg.element("path", d=svg.path(area) + "Z", css="chart-area"))
        parts.append(svg.element("path", d=svg.path(steps), css=f"chart-line {line.css}"))
    parts += _end_labels(lines, top)
    return svg.chart(title, description, parts, width=WIDTH, height=HEIGHT)


def _step(highest: int) -> int:
    """The distance of the grid's lines: 1, 2 or 5 times a power of ten, for at most five lines."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            if highest <= 5 * factor * power:
                return factor * power
        power *= 10


def _grid(step: int, top: int) -> list[SafeString]:
    parts = []
    for value in range(0, top + 1, step):
        y = _y(value, top)
        css = "chart-grid" if value else "chart-axis"
        parts.append(svg.element("path", d=svg.path([(LEFT, y), (RIGHT, y)]), css=css))
        parts.append(
            svg.element("text", formats.format_number(value), x=LEFT - 7, y=y + 4, text_anchor="end")
        )
    return parts


def _ticks(ticks: list[Tick]) -> list[SafeString]:
    every = math.ceil(len(ticks) / MAX_TICKS_ON_X)
    parts, written = [], ""
    for number, tick in list(enumerate(ticks))[::every]:
        x = (_x(number, len(ticks)) + _x(number + 1, len(ticks))) / 2
        parts.append(svg.element("text", tick.top, x=x, y=BOTTOM + 18, text_anchor="middle"))
        if tick.bottom != written:
            written = tick.bottom
            parts.append(
                svg.element("text", written, x=x, y=BOTTOM + 35, text_anchor="middle", css="chart-strong")
            )
    return parts


def _end_labels(lines: list[Line], top: int) -> list[SafeString]:
    """The last number of each line with its label, right of the line; moved apart where they would touch."""
    parts: list[SafeString] = []
    lowest = -math.inf
    for line in sorted(lines, key=lambda line: -line.values[-1]):
        y = max(_y(line.values[-1], top) + 4, lowest + MIN_DISTANCE_OF_LABELS)
        lowest = y
        number = formats.format_number(line.values[-1])
        parts.append(svg.element("text", number, x=RIGHT + 9, y=y, css=f"chart-strong {line.css}"))
        parts.append(svg.element("text", line.label, x=RIGHT + 9, y=y + 15, css=line.css))
    return parts


def _x(number: int, count: int) -> float:
    return LEFT + (RIGHT - LEFT) * number / count


def _y(value: int, top: int) -> float:
    return BOTTOM - (BOTTOM - TOP) * value / top
