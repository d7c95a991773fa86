"""Charts made by the server: widths of bars, and a step chart whose numbers and shapes agree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tenants.charts import bars, step_chart
from tenants.charts.step_chart import Line, Tick

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("count", "whole", "units"),
    [(0, 35, 0), (3, 35, 3), (100, 100, 100), (50, 200, 25), (1, 500, 1), (0, 500, 0), (500, 500, 100)],
)
def test_a_bar_is_wide_by_its_count_or_by_its_percents(count, whole, units):
    assert bars.units(count, whole) == units


def test_the_stylesheet_has_a_class_for_every_width():
    text = (ROOT / "static" / "portal.css").read_text()
    for number in range(1, bars.MAX_UNITS + 1):
        assert f".u-{number} {{ --u: {number}; }}" in text
        assert f".t-{number} {{ --t: {number}; }}" in text


def test_empty_parts_are_left_out_and_narrow_ones_are_marked():
    parts = [{"count": 90}, {"count": 0}, {"count": 5}, {"count": 5, "is_alone": True}]
    wide, narrow, alone = bars.segments(parts, 100)
    assert (wide["is_narrow"], wide["is_slim"]) == (False, False)
    assert narrow["is_narrow"]
    assert not alone["is_narrow"]


def chart(*lines: Line, periods: int) -> str:
    ticks = [Tick(f"Q{n % 4 + 1}", str(2025 + n // 4)) for n in range(periods)]
    return step_chart.draw(list(lines), ticks, title="Done <over> time", description="From 0 to 8.")


def end_of(html: str, css: str) -> float:
    [data] = re.findall(rf'<path d="([^"]+)" class="chart-line {css}"', html)
    return float(data.rpartition(" ")[2])


def test_a_step_chart_ends_at_its_numbers():
    html = chart(Line("completed", [0, 2, 8], "is-main"), Line("were due", [1, 5, 13], "is-other"), periods=3)
    main, other = end_of(html, "is-main"), end_of(html, "is-other")
    height = step_chart.BOTTOM - step_chart.TOP
    assert (step_chart.BOTTOM - main) / height == pytest.approx(8 / 15, abs=0.01)  # the axis ends at 15
    assert (step_chart.BOTTOM - other) / height == pytest.approx(13 / 15, abs=0.01)
    assert ">8</text>" in html
    assert ">13</text>" in html


def test_a_step_chart_has_a_name_and_neither_style_nor_script():
    html = chart(Line("completed", [0], "is-main"), periods=1)
    assert 'role="img" aria-label="Done &lt;over&gt; time. From 0 to 8."' in html
    assert "<title>Done &lt;over&gt; time</title><desc>From 0 to 8.</desc>" in html
    assert "style" not in html
    assert "<script" not in html


def test_a_year_is_written_once_where_it_begins():
    html = chart(Line("completed", [0, 1, 1, 2, 2], "is-main"), periods=5)
    assert html.count(">2025</text>") == 1
    assert html.count(">2026</text>") == 1
    many = chart(Line("completed", [1] * 16, "is-main"), periods=16)
    assert len(re.findall(r">Q\d</text>", many)) <= step_chart.MAX_TICKS_ON_X


@pytest.mark.parametrize(("highest", "step"), [(0, 1), (5, 1), (6, 2), (13, 5), (26, 10), (251, 100)])
def test_the_axis_has_at_most_five_lines_of_round_numbers(highest, step):
    assert step_chart._step(highest) == step
