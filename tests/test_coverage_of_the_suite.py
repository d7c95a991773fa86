"""The judgments of a full run about coverage notice what they are for."""

from __future__ import annotations

import tomllib

from django.views import View

from tests import coverage_of_the_suite as suite
from tests.access.addresses import ALLIANCE, CITY, addresses


def test_each_module_below_the_threshold_must_be_listed_as_it_is() -> None:
    percents = {"a.py": 89.9, "b.py": 90.0, "c.py": 60.0, "d.py": 59.0, "e.py": 96.0, "f.py": 91.0}
    listed = {name: {"percent": 60} for name in ("c.py", "d.py", "e.py", "f.py", "gone.py")}
    assert list(suite.problems_of_modules(percents, listed)) == [
        '89.9 %, not listed: "a.py" = { percent = 89, why = "…" }',
        "59.0 %, listed with 60 %: d.py",
        "96.0 %, take it off the list: e.py",
        "listed, but no module: gone.py",
    ]


class Sample(View):
    def get(self, request):
        return None


def sample(request):
    return None


def test_a_view_without_an_executed_line_is_noticed() -> None:
    here = "tests/test_coverage_of_the_suite.py"
    views = {"one": sample, "two": Sample.as_view()}
    entered = {(here, "sample"): True, (here, "Sample.get"): True}
    assert list(suite.views_never_entered(views, entered)) == []
    assert list(suite.views_never_entered(views, entered | {(here, "sample"): False})) == [
        f"one: sample in {here}"
    ]
    assert list(suite.views_never_entered(views, {(here, "sample"): True})) == [f"two: Sample.get in {here}"]


def test_the_function_of_each_view_of_ours_is_known() -> None:
    unknown = [
        address.name
        for urlconf in (CITY, ALLIANCE)
        for address in addresses(urlconf)
        if address.is_own and not any(map(suite._is_ours, suite.handlers(address.view)))
    ]
    assert unknown == []


def test_every_reason_of_the_list_is_given() -> None:
    listed = tomllib.loads(suite.LIST.read_text(encoding="utf-8"))
    assert [
        path for path, line in listed.items() if len(line["why"]) < 20 or not (suite.ROOT / path).exists()
    ] == []
