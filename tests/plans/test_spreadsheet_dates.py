"""Timelines as cities write them."""

from __future__ import annotations

import pytest

from tenants.plans.spreadsheets import DateConventions
from tenants.plans.spreadsheets.reading.date_parser import parse_timeline

JULY = DateConventions()


@pytest.mark.parametrize(
    ("text", "start", "due", "precision"),
    [
        ("November 2026", None, "2026-11-30", "month"),
        ("Nov. 2026", None, "2026-11-30", "month"),
        ("Nov-26", None, "2026-11-30", "month"),
        ("11/2026", None, "2026-11-30", "month"),
        ("2026-11", None, "2026-11-30", "month"),
        ("Q2 2026", None, "2026-06-30", "quarter"),
        ("2nd quarter of 2026", None, "2026-06-30", "quarter"),
        ("2026 Q2", None, "2026-06-30", "quarter"),
        ("Q3/Q4 2026", "2026-07-01", "2026-12-31", "quarter"),
        ("first half of 2026", None, "2026-06-30", "quarter"),
        ("Spring 2026", None, "2026-06-30", "quarter"),
        ("Winter 2025-26", None, "2026-03-31", "quarter"),
        ("mid-2026", None, "2026-06-30", "quarter"),
        ("Late 2026", None, "2026-12-31", "quarter"),
        ("2026", None, "2026-12-31", "year"),
        ("By end of 2027", None, "2027-12-31", "year"),
        ("2021–2023", "2021-01-01", "2023-12-31", "year"),
        ("2026-28", "2026-01-01", "2028-12-31", "year"),
        ("between 2026 and 2028", "2026-01-01", "2028-12-31", "year"),
        ("FY27", None, "2027-06-30", "year"),
        ("FY21 Q3", None, "2021-03-31", "quarter"),
        ("Q3 of FY 2021", None, "2021-03-31", "quarter"),
        ("FY 2025-26", None, "2026-06-30", "year"),
        ("FY25-FY27", "2024-07-01", "2027-06-30", "year"),
        ("FY26 Q1-Q3", "2025-07-01", "2026-03-31", "quarter"),
        ("December 31, 2026", None, "2026-12-31", "day"),
        ("by June 30th, 2026", None, "2026-06-30", "day"),
        ("31 December 2026", None, "2026-12-31", "day"),
        ("12/31/2026", None, "2026-12-31", "day"),
        ("31/12/2026", None, "2026-12-31", "day"),
        ("12/31/26", None, "2026-12-31", "day"),
        ("2026-12-31", None, "2026-12-31", "day"),
        ("2026-12-31 00:00:00", None, "2026-12-31", "day"),
        ("Sep - Dec 2026", "2026-09-01", "2026-12-31", "month"),
        ("Nov - Feb 2027", "2026-11-01", "2027-02-28", "month"),
        ("July 1, 2025 – June 30, 2026", "2025-07-01", "2026-06-30", "day"),
        ("March 1 - April 15, 2026", "2026-03-01", "2026-04-15", "day"),
        ("Starts July 2026, ends June 2027", "2026-07-01", "2027-06-30", "month"),
        ("Start: January 2026\nEnd: June 2027", "2026-01-01", "2027-06-30", "month"),
        ("Quarterly through June 2027", None, "2027-06-30", "month"),
    ],
)
def test_an_action_is_due_on_the_last_day_of_the_written_period(
    text: str, start: str | None, due: str, precision: str
) -> None:
    timeline = parse_timeline(text, JULY)
    assert (str(timeline.start) if timeline.start else None, str(timeline.due), timeline.precision) == (
        start,
        due,
        precision,
    )
    assert not timeline.continuous


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("Ongoing", None),
        ("On-going, each May", None),
        ("Every April, ongoing", None),
        ("Annually", None),
        ("Begins July 2026, ongoing", "2026-07-01"),
        ("September 2024, then ongoing", "2024-09-01"),
        ("2024-present", "2024-01-01"),
        ("Annually, starting 2026", "2026-01-01"),
    ],
)
def test_ongoing_actions_have_no_due_date(text: str, start: str | None) -> None:
    timeline = parse_timeline(text, JULY)
    assert timeline.continuous
    assert timeline.due is None
    assert (str(timeline.start) if timeline.start else None) == start


@pytest.mark.parametrize(
    "text",
    [
        "",
        "TBD",
        "Not set",
        "Year 1",
        "1-3 years",
        "Within 6 months",
        "February 30, 2026",
        "2/30/2026",
        "46022",
    ],
)
def test_a_text_without_a_date_gives_no_date(text: str) -> None:
    timeline = parse_timeline(text, JULY)
    assert (timeline.start, timeline.due, timeline.continuous, timeline.milestones) == (None, None, False, [])


def test_several_dates_are_milestones() -> None:
    timeline = parse_timeline("Draft 3/27, council 9/27\n\nlive 2028", JULY)
    assert [str(date) for date, _precision in timeline.milestones] == [
        "2027-03-31",
        "2027-09-30",
        "2028-12-31",
    ]
    assert str(timeline.due) == "2028-12-31"


def test_the_date_order_is_a_setting_and_ambiguous_dates_are_reported() -> None:
    american = parse_timeline("05/06/2026", JULY)
    european = parse_timeline("05/06/2026", DateConventions(date_order="day/month/year"))
    assert (str(american.due), american.ambiguous) == ("2026-05-06", ["05/06/2026"])
    assert (str(european.due), european.ambiguous) == ("2026-06-05", ["05/06/2026"])
    assert parse_timeline("9/30/2026", JULY).ambiguous == []


def test_the_fiscal_year_is_a_setting() -> None:
    october = DateConventions(fiscal_year_starts_in_month=10)
    january = DateConventions(fiscal_year_starts_in_month=1)
    assert str(parse_timeline("FY27 Q2", october).due) == "2027-03-31"
    assert str(parse_timeline("FY27", october).due) == "2027-09-30"
    assert str(parse_timeline("FY27 Q2", january).due) == "2027-06-30"


def test_a_period_that_ends_before_it_starts_keeps_only_its_end() -> None:
    timeline = parse_timeline("2028-2026", JULY)
    assert (timeline.start, str(timeline.due), timeline.is_reversed) == (None, "2026-12-31", True)
