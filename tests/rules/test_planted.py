"""Planting faults: the portal runs the changed source, and is as before afterwards."""

from __future__ import annotations

import datetime as dt

import pytest

from tenants.dashboard import statistics
from tenants.plans.models import Action, freshness
from tests.rules.planted import Fault, planted

FRESHNESS = "tenants.plans.models:freshness"
DAY = dt.date(2027, 4, 8)


def age_zero():
    return statistics.freshness(DAY, on=DAY, cadence_days=0, grace_days=0)


def test_a_planted_fault_is_there_for_every_caller_and_gone_afterwards():
    assert statistics.freshness is freshness
    with planted(Fault(FRESHNESS, "age <= cadence_days:", "age < cadence_days:")):
        assert age_zero() == "due"
    assert age_zero() == "fresh"


def test_a_set_can_lack_a_status():
    with planted(Fault("tenants.plans.models:Action.CLOSED", '"merged"', "")):
        assert "merged" not in Action.CLOSED
    assert "merged" in Action.CLOSED


@pytest.mark.parametrize("text", ["no such text", "cadence_days"])
def test_a_fault_that_no_longer_fits_the_source_fails(text):
    with (
        pytest.raises(AssertionError, match="Plant the fault elsewhere"),
        planted(Fault(FRESHNESS, text, "")),
    ):
        pass
