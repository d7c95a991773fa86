"""On which days a person is on a team: from the first to the last, both included, by the day in UTC."""

from __future__ import annotations

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from tenants.models import Affiliation
from tenants.people import affiliations
from tests.rules.planted import Case, Fault, day, faults_of, planted, table_of, wrong_cases

ACTIVE = "tenants.models.people:AffiliationQuerySet.active"


def case(name, expected, start, end, on, *, may_sign_in=True):
    return Case(name, {"start": start, "end": end, "on": on, "may_sign_in": may_sign_in}, expected)


TABLE = [
    case("the day before the first", False, "2027-04-08", None, "2027-04-07"),
    case("the first day", True, "2027-04-08", None, "2027-04-08"),
    case("the second day", True, "2027-04-08", None, "2027-04-09"),
    case("years later, without an end", True, "2027-04-08", None, "2037-04-08"),
    case("the day before the last", True, "2027-01-01", "2027-04-08", "2027-04-07"),
    case("the last day", True, "2027-01-01", "2027-04-08", "2027-04-08"),
    case("the day after the last", False, "2027-01-01", "2027-04-08", "2027-04-09"),
    case("a single day, the day before", False, "2027-04-08", "2027-04-08", "2027-04-07"),
    case("a single day", True, "2027-04-08", "2027-04-08", "2027-04-08"),
    case("a single day, the day after", False, "2027-04-08", "2027-04-08", "2027-04-09"),
    case("ends on February 29, on that day", True, "2027-01-01", "2028-02-29", "2028-02-29"),
    case("ends on February 29, on March 1", False, "2027-01-01", "2028-02-29", "2028-03-01"),
    case("begins on February 29, on the day before", False, "2028-02-29", None, "2028-02-28"),
    case("a person who may not sign in", False, "2027-01-01", None, "2027-04-08", may_sign_in=False),
]

FAULTS = [
    Fault(ACTIVE, "start_date__lte=", "start_date__lt="),
    Fault(ACTIVE, "Q(start_date__lte=on), ", ""),
    Fault(ACTIVE, "end_date__gte=", "end_date__gt="),
    Fault(ACTIVE, "Q(end_date=None) | Q(end_date__gte=on)", "Q(end_date=None)"),
    Fault(ACTIVE, "Q(end_date=None) | Q(end_date__gte=on)", "Q(end_date__gte=on)"),
    Fault(ACTIVE, ", user__is_active=True", ""),
]


@pytest.fixture
def on_team(riverton, make_user):
    user = make_user(riverton, "viewer")

    def active(start, end, on, may_sign_in):
        with transaction.atomic():
            type(user).objects.filter(pk=user.pk).update(is_active=may_sign_in)
            Affiliation.objects.filter(user=user).update(start_date=day(start), end_date=day(end))
            is_active = Affiliation.objects.active(on=day(on)).filter(user=user).exists()
            transaction.set_rollback(True)
        return is_active

    return active


@table_of(TABLE)
def test_a_person_is_on_the_team_from_the_first_day_to_the_last(case, on_team):
    assert on_team(**case.given) is case.expected


@faults_of(FAULTS)
def test_a_wrong_day_on_a_team_is_noticed(fault, on_team):
    with planted(fault):
        assert any(wrong_cases(on_team, TABLE))


# ---- Today, and who left -----------------------------------------------------------------------------------
# The last day is April 8, 2027 in UTC; in Chicago that is from April 7, 19:00 to April 8, 19:00.
TODAY = [
    Case(name, {"start": start, "end": end, "moment": moment}, expected)
    for name, start, end, moment, expected in [
        ("last second of the last day", "2027-01-01", "2027-04-08", "2027-04-08T23:59:59Z", True),
        ("first second after, still April 8 in Chicago", "2027-01-01", "2027-04-08", "2027-04-09T00:00:00Z", False),
        ("last second before the first day", "2027-04-08", None, "2027-04-07T23:59:59Z", False),
        ("first second, still April 7 in Chicago", "2027-04-08", None, "2027-04-08T00:00:00Z", True),
    ]
]  # fmt: skip


@pytest.fixture
def on_team_now(riverton, make_user):
    user = make_user(riverton, "viewer")

    def active(start, end, moment):
        with transaction.atomic(), timezone.override("America/Chicago"):
            Affiliation.objects.filter(user=user).update(start_date=day(start), end_date=day(end))
            with time_machine.travel(moment, tick=False):
                is_active = Affiliation.objects.active().filter(user=user).exists()
            transaction.set_rollback(True)
        return is_active

    return active


@table_of(TODAY)
def test_days_on_a_team_begin_and_end_at_midnight_in_utc(case, on_team_now):
    assert on_team_now(**case.given) is case.expected


@faults_of(
    [
        Fault("tenants.models.people:utc_today", "timezone.now().date()", "timezone.localdate()"),
        Fault(ACTIVE, "end_date__gte=", "end_date__gt="),
        Fault(ACTIVE, "start_date__lte=", "start_date__lt="),
    ]
)
def test_a_wrong_midnight_is_noticed(fault, on_team_now):
    with planted(fault):
        assert any(wrong_cases(on_team_now, TODAY))


# joined, left on April 8, 2027: the first and last day that stay written
LEFT = [
    Case("left long after joining", {"joined": "2025-01-01"}, ("2025-01-01", "2027-04-07", False)),
    Case("left the day after joining", {"joined": "2027-04-07"}, ("2027-04-07", "2027-04-07", False)),
    Case("left on the day of joining", {"joined": "2027-04-08"}, ("2027-04-07", "2027-04-07", False)),
]


@pytest.fixture
def leave(riverton, make_user):
    user = make_user(riverton, "viewer")

    def leave(joined):
        with transaction.atomic(), time_machine.travel("2027-04-08T17:00:00Z", tick=False):
            Affiliation.objects.filter(user=user).update(start_date=day(joined), end_date=None)
            ended = affiliations.end_affiliation(Affiliation.objects.get(user=user), by=None)
            is_on_team = Affiliation.objects.active().filter(user=user).exists()
            transaction.set_rollback(True)
        return ended.start_date.isoformat(), ended.end_date.isoformat(), is_on_team

    return leave


@table_of(LEFT)
def test_who_leaves_is_off_the_team_at_once(case, leave):
    assert leave(**case.given) == case.expected


@faults_of(
    [
        Fault("tenants.people.affiliations:end_affiliation", " - dt.timedelta(days=1)", ""),
        Fault("tenants.people.affiliations:end_affiliation", "timedelta(days=1)", "timedelta(days=2)"),
        Fault("tenants.people.affiliations:end_affiliation", "= min(affiliation", "= max(affiliation"),
    ]
)
def test_a_wrong_last_day_of_who_leaves_is_noticed(fault, leave):
    with planted(fault):
        assert any(wrong_cases(leave, LEFT))
