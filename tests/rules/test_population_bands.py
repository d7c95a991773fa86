"""The sizes of jurisdictions as readers see them: bands that meet without a gap and without an overlap."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

from cohort.models import PublicPlan
from cohort.progress.selectors import build_progress_rows
from tenants.models import Jurisdiction
from tests.rules.planted import Case, Fault, faults_of, planted, table_of, wrong_cases

BANDS = "tenants.models.jurisdictions:Jurisdiction.PopulationBand"
STAFF = "tenants.models.jurisdictions:Jurisdiction.StaffBand"

# the code of a band: its label, the smallest and the largest number in it (None: no limit)
POPULATION = {
    "under_10k": ("Under 10,000", 0, 9_999),
    "10k_50k": ("10,000 to 49,999", 10_000, 49_999),
    "50k_100k": ("50,000 to 99,999", 50_000, 99_999),
    "100k_250k": ("100,000 to 249,999", 100_000, 249_999),
    "250k_500k": ("250,000 to 499,999", 250_000, 499_999),
    "500k_1m": ("500,000 to 999,999", 500_000, 999_999),
    "over_1m": ("1 million or more", 1_000_000, None),
}
EMPLOYEES = {
    "under_100": ("Under 100 employees", 0, 99),
    "100_500": ("100 to 499 employees", 100, 499),
    "500_1000": ("500 to 999 employees", 500, 999),
    "1000_5000": ("1,000 to 4,999 employees", 1_000, 4_999),
    "over_5000": ("5,000 employees or more", 5_000, None),
}
TABLE = [
    *[
        Case(f"population {code}", {"kind": "population", "code": code}, label)
        for code, (label, *_) in POPULATION.items()
    ],
    *[
        Case(f"staff {code}", {"kind": "staff", "code": code}, label)
        for code, (label, *_) in EMPLOYEES.items()
    ],
    Case("not known", {"kind": "population", "code": ""}, ""),
]


def label_of(kind, code):
    """The size in a city's row of the progress page; the staff in the list of choices."""
    if kind == "staff":
        return dict(Jurisdiction.StaffBand.choices)[code]
    plan = PublicPlan(jurisdiction=Jurisdiction(name="City of Riverton", population_band=code))
    plan.overdue_by_status = None
    return build_progress_rows([plan], on=dt.date(2027, 4, 8))[0]["size"]


@table_of(TABLE)
def test_a_band_says_its_first_and_last_number(case):
    assert label_of(**case.given) == case.expected


def test_the_table_has_all_bands_in_order_without_gap_or_overlap():
    assert list(POPULATION) == Jurisdiction.PopulationBand.values
    assert list(EMPLOYEES) == Jurisdiction.StaffBand.values
    for bands in (list(POPULATION.values()), list(EMPLOYEES.values())):
        for (_label, _first, last), (_next_label, first, _last) in pairwise(bands):
            assert first == last + 1


@faults_of(
    [
        Fault(BANDS, "10,000 to 49,999", "10,000 to 50,000"),
        Fault(BANDS, "50,000 to 99,999", "50,001 to 99,999"),
        Fault(BANDS, "1 million or more", "More than 1 million"),
        Fault(BANDS, "Under 10,000", "Up to 10,000"),
        Fault(STAFF, "100 to 499", "100 to 500"),
        Fault(STAFF, "5,000 employees or more", "Over 5,000 employees"),
        Fault("tenants.formats:_choice_label", "str(choices(value).label)", "value"),
    ]
)
def test_a_wrong_band_is_noticed(fault):
    with planted(fault):
        assert any(wrong_cases(label_of, TABLE))
