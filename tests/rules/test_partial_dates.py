"""A year, quarter, month or day as a city writes it: its last day, in a form and on the pages."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.core.exceptions import ValidationError

from tenants.plans import labels
from tenants.plans.forms import fields
from tenants.plans.spreadsheets import DateConventions
from tenants.plans.spreadsheets.reading.date_parser import parse_date
from tests.rules.planted import Case, Fault, day, faults_of, planted, table_of, wrong_cases

EXPRESSIONS = "tenants.plans.spreadsheets.reading.date_expressions"
FORM = "tenants.plans.forms.fields"


# ---- Partial dates ---------------------------------------------------------------------------------------
# as the city writes it, the month in which its fiscal year starts: first day, last day, precision
SPANS = [
    Case(f"{text}, fiscal year from month {month}", {"text": text, "month": month}, expected)
    for text, month, expected in [
        ("2027", 7, ("2027-01-01", "2027-12-31", "year")),
        ("2027", 1, ("2027-01-01", "2027-12-31", "year")),
        ("2027 Q1", 7, ("2027-01-01", "2027-03-31", "quarter")),
        ("2027 Q2", 7, ("2027-04-01", "2027-06-30", "quarter")),
        ("2027 Q3", 7, ("2027-07-01", "2027-09-30", "quarter")),
        ("2027 Q4", 7, ("2027-10-01", "2027-12-31", "quarter")),
        ("H1 2027", 7, ("2027-01-01", "2027-06-30", "quarter")),
        ("H2 2027", 7, ("2027-07-01", "2027-12-31", "quarter")),
        ("January 2027", 7, ("2027-01-01", "2027-01-31", "month")),
        ("February 2027", 7, ("2027-02-01", "2027-02-28", "month")),
        ("February 2028", 7, ("2028-02-01", "2028-02-29", "month")),
        ("June 2027", 7, ("2027-06-01", "2027-06-30", "month")),
        ("December 2027", 7, ("2027-12-01", "2027-12-31", "month")),
        ("2027-06", 7, ("2027-06-01", "2027-06-30", "month")),
        ("June 30, 2027", 7, ("2027-06-30", "2027-06-30", "day")),
        ("2028-02-29", 7, ("2028-02-29", "2028-02-29", "day")),
        ("2027-02-29", 7, None),
        ("February 30, 2028", 7, None),
        ("FY2027", 1, ("2027-01-01", "2027-12-31", "year")),
        ("FY2027", 2, ("2026-02-01", "2027-01-31", "year")),
        ("FY2027", 3, ("2026-03-01", "2027-02-28", "year")),
        ("FY2028", 3, ("2027-03-01", "2028-02-29", "year")),
        ("FY2027", 4, ("2026-04-01", "2027-03-31", "year")),
        ("FY2027", 5, ("2026-05-01", "2027-04-30", "year")),
        ("FY2027", 6, ("2026-06-01", "2027-05-31", "year")),
        ("FY2027", 7, ("2026-07-01", "2027-06-30", "year")),
        ("FY2027", 8, ("2026-08-01", "2027-07-31", "year")),
        ("FY2027", 9, ("2026-09-01", "2027-08-31", "year")),
        ("FY2027", 10, ("2026-10-01", "2027-09-30", "year")),
        ("FY2027", 11, ("2026-11-01", "2027-10-31", "year")),
        ("FY2027", 12, ("2026-12-01", "2027-11-30", "year")),
        ("FY27 Q1", 1, ("2027-01-01", "2027-03-31", "quarter")),
        ("FY27 Q4", 1, ("2027-10-01", "2027-12-31", "quarter")),
        ("FY27 Q1", 7, ("2026-07-01", "2026-09-30", "quarter")),
        ("FY27 Q2", 7, ("2026-10-01", "2026-12-31", "quarter")),
        ("FY27 Q3", 7, ("2027-01-01", "2027-03-31", "quarter")),
        ("FY27 Q4", 7, ("2027-04-01", "2027-06-30", "quarter")),
        ("FY27 Q1", 2, ("2026-02-01", "2026-04-30", "quarter")),
        ("FY27 Q4", 2, ("2026-11-01", "2027-01-31", "quarter")),
        ("FY28 Q4", 3, ("2027-12-01", "2028-02-29", "quarter")),
    ]
]


def span(text, month):
    span = parse_date(text, DateConventions(month))
    return span and (span.first.isoformat(), span.last.isoformat(), span.precision)


@table_of(SPANS)
def test_a_partial_date_ends_on_the_last_day_of_its_period(case):
    assert span(**case.given) == case.expected


@faults_of(
    [
        Fault(f"{EXPRESSIONS}:_months", "count - 1,", "count,"),
        Fault(f"{EXPRESSIONS}:_month_end", "calendar.monthrange(year, month)[1]", "28"),
        Fault(f"{EXPRESSIONS}:_month_end", "calendar.monthrange(year, month)", "calendar.monthrange(2027, month)"),
        Fault(f"{EXPRESSIONS}:_fiscal_start", "fiscal_year - 1", "fiscal_year"),
        Fault(f"{EXPRESSIONS}:_fiscal_start", "month == 1", "month <= 2"),
        Fault(f"{EXPRESSIONS}:_fiscal_start", "month == 1", "month == 0"),
        Fault(f"{EXPRESSIONS}:_fiscal_part", "(number_in_year - 1)", "number_in_year"),
        Fault(f"{EXPRESSIONS}:_quarter", "* 3 - 2", "* 3"),
        Fault(f"{EXPRESSIONS}:_half", "* 6 - 5", "* 6 - 6"),
    ]
)  # fmt: skip
def test_a_wrong_last_day_is_noticed(fault):
    with planted(fault):
        assert any(wrong_cases(span, SPANS))


# ---- Partial dates in a form -----------------------------------------------------------------------------
@pytest.fixture
def form_field(monkeypatch):
    """form_field(text, month, start): what the field makes of a text, and the text it shows for that the next time."""

    def read(text, month, start):
        tenant = SimpleNamespace(fiscal_year_start_month=month)
        monkeypatch.setattr(fields, "connection", SimpleNamespace(tenant=tenant))
        date, precision = fields.PartialDateField(is_start=start).clean(text)
        last = fields.last_day_of_period(date, precision) if start else date
        return date and date.isoformat(), precision, fields.format_partial_date(last, precision)

    return read


FORM_DATES = [
    Case(
        f"{text}, {'start' if start else 'due'}, fiscal year from month {month}",
        {"text": text, "month": month, "start": start},
        expected,
    )
    for text, month, start, expected in [
        ("", 7, False, (None, "", "")),
        ("June 30, 2027", 7, False, ("2027-06-30", "day", "June 30, 2027")),
        ("2028-02-29", 7, False, ("2028-02-29", "day", "February 29, 2028")),
        ("June 2027", 7, False, ("2027-06-30", "month", "June 2027")),
        ("June 2027", 7, True, ("2027-06-01", "month", "June 2027")),
        ("Feb 2028", 7, False, ("2028-02-29", "month", "February 2028")),
        ("2027 Q1", 7, False, ("2027-03-31", "quarter", "2027 Q1")),
        ("2027 Q1", 7, True, ("2027-01-01", "quarter", "2027 Q1")),
        ("2027 Q4", 7, False, ("2027-12-31", "quarter", "2027 Q4")),
        ("2027 Q4", 7, True, ("2027-10-01", "quarter", "2027 Q4")),
        ("2027", 7, False, ("2027-12-31", "year", "2027")),
        ("2027", 7, True, ("2027-01-01", "year", "2027")),
        ("FY2027", 1, False, ("2027-12-31", "year", "2027")),
        ("FY2027", 2, False, ("2027-01-31", "year", "FY2027")),
        ("FY2027", 2, True, ("2026-02-01", "year", "FY2027")),
        ("FY2028", 3, False, ("2028-02-29", "year", "FY2028")),
        ("FY2027", 7, False, ("2027-06-30", "year", "FY2027")),
        ("FY2027", 7, True, ("2026-07-01", "year", "FY2027")),
        ("FY2027", 10, False, ("2027-09-30", "year", "FY2027")),
        ("FY2027", 12, False, ("2027-11-30", "year", "FY2027")),
        ("FY27 Q1", 7, False, ("2026-09-30", "quarter", "2026 Q3")),
        ("FY27 Q1", 7, True, ("2026-07-01", "quarter", "2026 Q3")),
        ("FY27 Q1", 10, False, ("2026-12-31", "quarter", "2026 Q4")),
        # Quarters that do not begin with one of the calendar are shown as the city counts them.
        ("FY27 Q1", 2, False, ("2026-04-30", "quarter", "FY2027 Q1")),
        ("FY27 Q1", 2, True, ("2026-02-01", "quarter", "FY2027 Q1")),
        ("FY27 Q4", 2, False, ("2027-01-31", "quarter", "FY2027 Q4")),
        ("FY27 Q4", 2, True, ("2026-11-01", "quarter", "FY2027 Q4")),
        ("FY28 Q4", 3, False, ("2028-02-29", "quarter", "FY2028 Q4")),
        ("FY28 Q1", 3, False, ("2027-05-31", "quarter", "FY2028 Q1")),
        ("FY27 Q2", 12, False, ("2027-05-31", "quarter", "FY2027 Q2")),
        ("FY27 Q1", 12, True, ("2026-12-01", "quarter", "FY2027 Q1")),
    ]
]


@table_of(FORM_DATES)
def test_a_form_keeps_the_day_that_a_partial_date_means(case, form_field):
    assert form_field(**case.given) == case.expected


@table_of(FORM_DATES)
def test_saving_a_form_again_does_not_move_a_date(case, form_field):
    date, precision, shown = form_field(**case.given)
    assert form_field(**case.given | {"text": shown}) == (date, precision, shown)


@pytest.mark.parametrize("text", ["soon", "February 30, 2028", "2026 or 2027", "June 2027 and July 2027"])
def test_a_text_that_is_no_single_date_is_refused(text, form_field):
    with pytest.raises(ValidationError, match="is not a date"):
        form_field(text, 7, start=False)


@faults_of(
    [
        Fault(f"{FORM}:format_partial_date", "fiscal != 1 and ", "fiscal == 1 and "),
        Fault(f"{FORM}:format_partial_date", "fiscal, 1) - dt.timedelta(days=1)", "fiscal, 1)"),
        Fault(f"{FORM}:format_partial_date", "and day.month % 3 and", "and"),
        Fault(f"{FORM}:format_partial_date", "and day.month % 3 and", "and False and"),
        Fault(f"{FORM}:format_partial_date", "(day.month >= fiscal)", "(day.month > fiscal + 2)"),
        Fault(f"{FORM}:format_partial_date", "(day.month >= fiscal)", "1"),
        Fault(f"{FORM}:format_partial_date", "% 12 // 3 + 1", "% 12 // 3"),
        Fault(f"{FORM}:last_day_of_period", 'not in ("quarter", "year")', '!= "year"'),
        Fault(f"{FORM}:last_day_of_period", "3 if precision", "4 if precision"),
        Fault(f"{FORM}:last_day_of_period", "day.month - 1 + months", "day.month + months"),
        Fault(f"{FORM}:last_day_of_period", " - dt.timedelta(days=1)", ""),
    ]
)  # fmt: skip
def test_a_wrong_date_in_a_form_is_noticed(fault, form_field):
    with planted(fault):
        assert any(wrong_cases(form_field, FORM_DATES))


# ---- As readers see it -----------------------------------------------------------------------------------
SHOWN = [
    Case(f"{when}, {precision or 'nothing'} promised", {"when": when, "precision": precision}, expected)
    for when, precision, expected in [
        ("2027-01-01", "year", "2027"),
        ("2027-12-31", "year", "2027"),
        ("2027-01-01", "quarter", "2027 Q1"),
        ("2027-03-31", "quarter", "2027 Q1"),
        ("2027-04-01", "quarter", "2027 Q2"),
        ("2027-06-30", "quarter", "2027 Q2"),
        ("2027-07-01", "quarter", "2027 Q3"),
        ("2027-09-30", "quarter", "2027 Q3"),
        ("2027-10-01", "quarter", "2027 Q4"),
        ("2027-12-31", "quarter", "2027 Q4"),
        ("2028-02-29", "month", "February 2028"),
        ("2028-02-29", "day", "February 29, 2028"),
        ("2027-06-30", "", "June 30, 2027"),
        (None, "", "No due date"),
    ]
]


def shown(when, precision):
    return labels.format_due(day(when), precision, False)


@table_of(SHOWN)
def test_a_promised_date_is_shown_as_exactly_as_it_was_promised(case):
    assert shown(**case.given) == case.expected


@faults_of(
    [
        Fault("tenants.formats:_partial_date", "(day.month + 2) // 3", "day.month // 3 + 1"),
        Fault("tenants.formats:_partial_date", "(day.month + 2) // 3", "(day.month + 3) // 3"),
        Fault("tenants.formats:_partial_date", 'precision == "year"', "precision"),
        Fault("tenants.plans.labels:format_due", "precision or Precision.DAY", "precision or Precision.MONTH"),
    ]
)  # fmt: skip
def test_a_date_shown_wrongly_is_noticed(fault):
    with planted(fault):
        assert any(wrong_cases(shown, SHOWN))
