"""Page, CSV and API print the same fact alike: pages as text, files and the API as code, ISO date or plain number."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from html import unescape

import pytest

from cohort.models import PublicPlan
from tenants.formats import choice_label, format_number
from tenants.models import Jurisdiction
from tenants.models.us_states import state_name
from tenants.plans import labels
from tenants.plans.models import Action, Plan
from tenants.signals import plan_published
from tests.dashboard.sample import write_plan

pytestmark = pytest.mark.usefixtures("in_april")


def cells(response, row):
    """The texts of the table row whose HTML has `row`."""
    html = next(part for part in response.text.split("<tr")[1:] if row in part).partition("</tr>")[0]
    parts = re.split(r"<t[hd][ >]", html)[1:]
    return [" ".join(unescape(re.sub(r"<[^>]+>|^[^>]*>", " ", part)).split()) for part in parts]


def csv_rows(response):
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


@pytest.fixture
def city(riverton, in_city, publish):
    """Riverton: an open site and the public plan of tests.dashboard.sample; one label is the city's own."""
    for name, value in {"entry_stage": "implementing", "population_band": "250k_500k"}.items():
        setattr(riverton, name, value)
    riverton.save()
    publish(riverton)
    with in_city(riverton):
        Plan.objects.all().delete()
        plan = write_plan(riverton, visibility="public", adopted_on=dt.date(2025, 1, 14))
        Plan.objects.filter(pk=plan.pk).update(status_labels={"off_track": "Delayed"})
        Action.objects.filter(code="t1").update(due_date=dt.date(2027, 12, 31), due_precision="year")
        Action.objects.filter(code="t3").update(due_date=dt.date(2027, 9, 30), due_precision="quarter")
        plan_published.send(Plan, jurisdiction=riverton, plan_id=plan.pk)
    return riverton


def test_each_action(city, alliance, client_for):
    page, site = client_for(city), client_for(alliance)
    listed = page.get("/")
    exported = {row["code"]: row for row in csv_rows(page.get("/data/actions.csv"))}
    api = {row["code"]: row for row in site.get("/api/v1/actions").json()["results"]}
    assert exported.keys() == api.keys() == {f"t{n}" for n in range(1, 9)}
    for code, row in api.items():
        status = labels.status_label(row["status"], {"off_track": "Delayed"})
        due = row["due_date"] and dt.date.fromisoformat(row["due_date"])
        due_text = labels.format_due(due, row["due_precision"] or "", row["is_continuous"])
        _title, shown_status, shown_due, shown_owner, _updated = cells(listed, f"/plan/actions/{code}/")
        assert (shown_status, exported[code]["status_words"]) == (status, status)
        assert exported[code]["status"] == (row["status"] or "")
        assert shown_due.startswith(due_text)
        assert exported[code]["promised_by"] == (row["due_date"] or "")
        assert exported[code]["promised_by_precision"] == (row["due_precision"] or "")
        assert exported[code]["goes_on"] == str(row["is_continuous"])
        assert shown_owner.startswith(row["accountable"] or "Not assigned")
        assert exported[code]["who_answers"] == (row["accountable"] or "")
        assert exported[code]["kind_of_step"] == (row["stage"] or "")
        detail = page.get(f"/plan/actions/{code}/").text
        assert status in detail
        assert due_text in detail
        assert labels.stage_label(row["stage"]) in detail


def test_a_plan_with_more_than_a_thousand_actions(city, alliance, client_for):
    PublicPlan.objects.update(actions=1240, completed=1000, needs_attention=12, no_status=3)
    site = client_for(alliance)
    shown = cells(site.get("/progress/"), "City of Riverton")
    [exported] = csv_rows(site.get("/progress/plans.csv"))
    [row] = site.get("/api/v1/plans").json()["results"]
    for column, name in [
        ("actions_counted", "actions"),
        ("completed", "completed"),
        ("no_status", "no_status"),
    ]:
        assert exported[column] == str(row[name])
    assert f"{format_number(row['completed'])} of {format_number(row['actions'])}" in " ".join(shown)
    assert format_number(row["actions"]) == "1,240"
    assert (exported["last_update"], row["last_update_on"]) == ("2027-04-01", "2027-04-01")
    assert "April 1, 2027" in shown


def test_a_jurisdiction(city, alliance, client_for):
    site = client_for(alliance)
    text = " ".join(unescape(re.sub(r"<[^>]+>", " ", site.get("/jurisdictions/").text)).split())
    exported = next(
        row for row in csv_rows(site.get("/jurisdictions/list.csv")) if row["jurisdiction"] == city.name
    )
    row = site.get("/api/v1/jurisdictions/riverton").json()
    size = choice_label(Jurisdiction.PopulationBand, row["size"])
    kind = choice_label(Jurisdiction.Kind, row["kind"])
    stage = choice_label(Jurisdiction.MembershipStage, row["stage"])
    assert (exported["people"], exported["kind"], exported["state"]) == (size, kind, row["state"])
    assert exported["stage"] == f"{stage}, year 3"
    assert f"{kind}, {size} people, {state_name(row['state'])}" in text
    assert exported["stage"] in text
