"""An invitation ends fourteen days after it was sent, to the second."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import transaction

from tenants.models import Invitation
from tenants.people import invitations
from tests.rules.planted import Case, Fault, faults_of, planted, table_of, wrong_cases

MODULE = "tenants.people.invitations"
# what became of the link: (found when it is followed, accepted, marked as expired by the nightly job)
OPEN, CLOSED, EXPIRED = (True, True, False), (False, False, False), (False, False, True)


def case(name, expected, sent, now, state="sent"):
    return Case(name, {"sent": sent, "now": now, "state": state}, expected)


TABLE = [
    case("just sent", OPEN, "2027-04-08T17:00:00Z", "2027-04-08T17:00:00Z"),
    case("opened before", OPEN, "2027-04-08T17:00:00Z", "2027-04-09T17:00:00Z", "opened"),
    case("thirteen days later", OPEN, "2027-04-08T17:00:00Z", "2027-04-21T17:00:00Z"),
    case("a second before", OPEN, "2027-04-08T17:00:00Z", "2027-04-22T16:59:59Z"),
    case("a second before, opened", OPEN, "2027-04-08T17:00:00Z", "2027-04-22T16:59:59Z", "opened"),
    case("at the second", EXPIRED, "2027-04-08T17:00:00Z", "2027-04-22T17:00:00Z"),
    case("at the second, opened", EXPIRED, "2027-04-08T17:00:00Z", "2027-04-22T17:00:00Z", "opened"),
    case("a second after", EXPIRED, "2027-04-08T17:00:00Z", "2027-04-22T17:00:01Z"),
    # Fourteen times 24 hours, also where the clocks change and over a leap day.
    case("clocks go back: a second before", OPEN, "2026-10-25T17:00:00Z", "2026-11-08T16:59:59Z"),
    case("clocks go back: at the second", EXPIRED, "2026-10-25T17:00:00Z", "2026-11-08T17:00:00Z"),
    case("over February 29: a second before", OPEN, "2028-02-20T12:00:00Z", "2028-03-05T11:59:59Z"),
    case("over February 29: at the second", EXPIRED, "2028-02-20T12:00:00Z", "2028-03-05T12:00:00Z"),
    # Closed ones stay as they are.
    case("accepted", CLOSED, "2027-04-08T17:00:00Z", "2027-04-09T17:00:00Z", "accepted"),
    case("revoked", CLOSED, "2027-04-08T17:00:00Z", "2027-04-09T17:00:00Z", "revoked"),
    case("revoked long ago", CLOSED, "2027-04-08T17:00:00Z", "2027-06-01T17:00:00Z", "revoked"),
    case("expired", CLOSED, "2027-04-08T17:00:00Z", "2027-06-01T17:00:00Z", "expired"),
]

FAULTS = [
    Fault(f"{MODULE}:TOKEN_LIFETIME", "14", "13"),
    Fault(f"{MODULE}:TOKEN_LIFETIME", "14", "15"),
    Fault(f"{MODULE}:find_by_token", "expires_at__gt=", "expires_at__gte="),
    Fault(f"{MODULE}:find_by_token", ", expires_at__gt=timezone.now()", ""),
    Fault(f"{MODULE}:find_by_token", ", state__in=Invitation.OPEN_STATES", ""),
    Fault(f"{MODULE}:accept", "expires_at__gt=", "expires_at__gte="),
    Fault(f"{MODULE}:accept", ", state__in=Invitation.OPEN_STATES", ""),
    Fault(f"{MODULE}:expire_overdue", "expires_at__lte=", "expires_at__lt="),
    Fault(f"{MODULE}:expire_overdue", "state__in=Invitation.OPEN_STATES, ", ""),
    Fault("tenants.models.people:Invitation.OPEN_STATES", ", State.OPENED", ","),
    Fault("tenants.models.people:Invitation.OPEN_STATES", "State.SENT, ", ""),
]


@pytest.fixture
def link_in(riverton, monkeypatch):
    """What becomes of a link at a moment after it was sent; leaves no row behind."""

    def follow(sent, now, state):
        monkeypatch.setattr(invitations.secrets, "token_urlsafe", lambda _size: "the-token")
        with transaction.atomic():
            with time_machine.travel(sent, tick=False):
                invitation = invitations.invite(riverton, email="ada@city.example", roles=["viewer"], by=None)
            Invitation.objects.filter(pk=invitation.pk).update(state=state)
            with time_machine.travel(now, tick=False):
                is_found = invitations.find_by_token("the-token") is not None
                is_accepted = accept()
                Invitation.objects.filter(pk=invitation.pk).update(state=state)
                is_expired = invitations.expire_overdue() == 1
            transaction.set_rollback(True)
        return is_found, is_accepted, is_expired

    return follow


def accept() -> bool:
    try:
        invitations.accept("the-token", name="Ada Lovelace", password="correct horse battery staple")
    except ValidationError:
        return False
    return True


@table_of(TABLE)
def test_a_link_works_until_fourteen_days_have_passed(case, link_in):
    assert link_in(**case.given) == case.expected


@faults_of(FAULTS)
def test_a_wrong_end_of_an_invitation_is_noticed(fault, link_in):
    with planted(fault):
        assert any(wrong_cases(link_in, TABLE))


def test_a_link_sent_again_has_fourteen_days_again(riverton):
    with time_machine.travel("2027-04-08T17:00:00Z", tick=False):
        invitation = invitations.invite(riverton, email="ada@city.example", roles=["viewer"], by=None)
    with time_machine.travel("2027-04-20T17:00:00Z", tick=False):
        assert invitations.resend(invitation, by=None).expires_at == dt.datetime(
            2027, 5, 4, 17, tzinfo=dt.UTC
        )
