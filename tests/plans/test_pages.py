"""The workspace's pages: who may use them, what they say, what they save."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from tenants.models import Jurisdiction
from tenants.plans import selectors, services
from tenants.plans.models import Action, Change, Goal, ImportJob, Outcome, Plan
from tests.plans.factories import ActionFactory, DepartmentFactory, GoalFactory, OutcomeFactory
from tests.plans.sample_sheets import DATA
from tests.plans.test_import import SHEET, sheet_of

SAMPLE = "marrow-bend-plan.xlsx"
URLCONF = "config.urls_city"


def url(name: str, *args: Any) -> str:
    return reverse(f"plans:{name}", urlconf=URLCONF, args=args)


@pytest.fixture
def coordinator(make_user: Any, riverton: Any) -> Any:
    return make_user(riverton, "coordinator", first_name="Rosa", last_name="Delgado")


@pytest.fixture
def coordinator_client(client_for: Any, riverton: Any, coordinator: Any) -> Any:
    """A coordinator's browser at Riverton."""
    return client_for(riverton, coordinator)


def csv(text: str = SHEET, name: str = "plan.csv") -> dict[str, Any]:
    return {"file": SimpleUploadedFile(name, text.encode()), "date_order": "month/day/year"}


def make(in_city: Any, jurisdiction: Any, factory: Any, **fields: Any) -> Any:
    with in_city(jurisdiction):
        return factory(**fields)


def starter_action(in_city: Any, jurisdiction: Any) -> Action:
    with in_city(jurisdiction):
        return Action.objects.select_related("outcome__goal__plan").order_by("pk").first()


# ---- Who -------------------------------------------------------------------------------------------------
PAGES = ["home", "updates", "editor", "retired", "history"]
EDITOR_PAGES = ["edit-plan", "add-goal", "imports"]
COORDINATOR_PAGES = ["publish", "unpublish", "adopt", "settings"]


@pytest.mark.parametrize("name", PAGES + EDITOR_PAGES + COORDINATOR_PAGES)
def test_a_person_without_a_session_is_sent_to_sign_in(client_for, riverton, name):
    response = client_for(riverton).get(url(name))
    assert response.status_code == 302
    assert response["Location"].startswith("/sign-in/?next=")


@pytest.mark.parametrize("name", PAGES + EDITOR_PAGES + COORDINATOR_PAGES)
def test_a_coordinator_of_another_city_finds_nothing(client_for, riverton, ashford, make_user, name):
    assert client_for(riverton, make_user(ashford, "coordinator")).get(url(name)).status_code == 404


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("coordinator", PAGES + EDITOR_PAGES + COORDINATOR_PAGES),
        ("plan_editor", PAGES + EDITOR_PAGES),
        ("department_lead", PAGES),
        ("contributor", PAGES),
        ("viewer", PAGES),
    ],
)
def test_each_role_opens_its_pages_only(client_for, riverton, make_user, role, may):
    client = client_for(riverton, make_user(riverton, role))
    found = {name: client.get(url(name)).status_code for name in PAGES + EDITOR_PAGES + COORDINATOR_PAGES}
    assert found == {name: 200 if name in may else 404 for name in found}


def test_a_viewer_sees_no_button_that_is_not_theirs(client_for, riverton, make_user):
    text = client_for(riverton, make_user(riverton, "viewer")).get(url("editor")).text
    assert "Example: hold a foundation training" in text
    for word in ("Retire", "Add an action", "Move up", ">Edit<", "Publish"):
        assert word not in text


# ---- Home ------------------------------------------------------------------------------------------------
def test_a_new_citys_home_is_a_checklist_from_the_data(coordinator_client):
    text = coordinator_client.get(url("home")).text
    assert "Welcome, Rosa." in text
    assert "Bring in your plan" in text
    assert "Nothing you enter here is public until you open your site." in text


def test_a_running_citys_home_says_who_owes_an_update(coordinator_client, riverton, in_city):
    with in_city(riverton):
        services.import_sheet(filename=SAMPLE, content=(DATA / SAMPLE).read_bytes(), by=None)
        services.publish_plan(selectors.current_plan(), by=None, launch=True)
    response = coordinator_client.get(url("home"))
    assert "Who still owes an update" in response.text
    assert "Plan health" in response.text
    assert "imported" in response.text


def test_a_page_needs_as_many_queries_for_32_actions_as_for_2(
    coordinator_client, riverton, coordinator, in_city
):
    with in_city(riverton):
        Jurisdiction.objects.filter(pk=riverton.pk).update(site_state="launched")
        outcome = OutcomeFactory()
        old = timezone.localdate() - dt.timedelta(days=400)
    counts: dict[str, list[int]] = {}
    for number in (2, 6, 24):
        with in_city(riverton):
            for _ in range(number):
                action = ActionFactory(outcome=outcome, last_update_on=old)
                services.edit_action(action, by=coordinator, resources="One post")
        for name in ("home", "editor", "updates", "history", "publish"):
            coordinator_client.get(url(name))
            with CaptureQueriesContext(connection) as queries:
                assert coordinator_client.get(url(name)).status_code == 200
            counts.setdefault(name, []).append(len(queries))
    for name, (two, eight, thirty_two) in counts.items():
        assert eight == thirty_two, name
        assert two <= eight, name


# ---- Editor ----------------------------------------------------------------------------------------------
def test_the_tree_opens_one_goal_at_a_time_when_it_is_large(coordinator_client, riverton, in_city):
    with in_city(riverton):
        outcome = OutcomeFactory()
        ActionFactory.create_batch(70, outcome=outcome)
        other = GoalFactory(plan=outcome.goal.plan, title="Another goal")
        ActionFactory(outcome=OutcomeFactory(goal=other), title="Far below")
        last = outcome.actions.order_by("position").last()
    text = coordinator_client.get(url("editor")).text
    assert "Another goal" in text
    assert "Far below" not in text
    assert "Far below" in coordinator_client.get(url("editor"), {"goal": str(other.uuid)}).text
    assert last.title not in text
    assert last.title in coordinator_client.get(url("editor"), {"at": last.code}).text


def test_goal_outcome_and_action_are_added_by_pages(coordinator_client, riverton, in_city):
    coordinator_client.post(
        url("add-goal"), {"label": "Goal 4", "title": "Clean air", "story": "", "department": ""}
    )
    with in_city(riverton):
        goal = Goal.objects.get(title="Clean air")
    coordinator_client.post(
        url("add-outcome", goal.uuid), {"label": "A", "title": "No child breathes soot", "stage": "organize"}
    )
    with in_city(riverton):
        outcome = Outcome.objects.get(goal=goal)
    response = coordinator_client.post(
        url("add-action", outcome.uuid),
        {
            "title": "Plant trees",
            "accountable": "Parks",
            "due": "2027 Q2",
            "better_off": "Asthma visits\n\nShade",
        },
        follow=True,
    )
    assert "Added: Plant trees" in response.text
    with in_city(riverton):
        action = Action.objects.get(title="Plant trees")
        assert (action.due_date, action.due_precision) == (dt.date(2027, 6, 30), "quarter")
        assert action.timeline_raw == "2027 Q2"
        assert [m.text for m in action.measures.order_by("position")] == ["Asthma visits", "Shade"]


def form_of(coordinator_client: Any, code: str) -> dict[str, Any]:
    """What the action's form holds, as a browser would send it."""
    form = coordinator_client.get(url("edit-action", code)).context["form"]
    data = {name: form[name].value() for name in form.fields}
    return {name: value for name, value in data.items() if value not in (None, False)}


def test_saving_an_action_unchanged_changes_nothing(coordinator_client, riverton, in_city):
    with in_city(riverton):
        services.import_sheet(filename=SAMPLE, content=(DATA / SAMPLE).read_bytes(), by=None)
        actions = list(Action.objects.in_plan_order())
        before, changes = list(Action.objects.order_by("pk").values()), Change.objects.count()
    for action in actions[:12]:
        sent = {
            name: value.replace("\n", "\r\n") if isinstance(value, str) else value  # as browsers send them
            for name, value in form_of(coordinator_client, action.code).items()
        }
        assert coordinator_client.post(url("edit-action", action.code), sent).status_code == 302
    with in_city(riverton):
        goal = Goal.objects.order_by("pk").first()
        services.edit_goal(goal, by=None, story="One.\n\nTwo.")
        changes += 1
    form = coordinator_client.get(url("edit-goal", goal.uuid)).context["form"]
    sent = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    sent["story"] = "One.\r\n\r\nTwo."
    assert coordinator_client.post(url("edit-goal", goal.uuid), sent).status_code == 302
    with in_city(riverton):
        assert list(Action.objects.order_by("pk").values()) == before
        assert Change.objects.count() == changes


def test_an_edit_by_htmx_gives_the_row_back_with_a_toast(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    data = form_of(coordinator_client, action.code) | {"title": "Write our story", "due": "June 2027"}
    response = coordinator_client.post(url("edit-action", action.code), data, headers={"HX-Request": "true"})
    assert response.status_code == 200
    assert "<html" not in response.text
    assert "Write our story" in response.text
    assert "Saved: Write our story" in response.text
    assert "HX-Request" in response["Vary"]


def test_a_date_nobody_can_read_is_told_in_words_and_changes_nothing(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    data = form_of(coordinator_client, action.code) | {"due": "soonish", "title": "Other words"}
    response = coordinator_client.post(url("edit-action", action.code), data)
    assert response.status_code == 422
    assert "“soonish” is not a date" in response.text
    assert "Other words" in response.text
    with in_city(riverton):
        assert not Change.objects.filter(object_uuid=action.uuid).exists()


def test_the_second_of_two_people_keeps_the_input_and_is_told_what_changed(
    coordinator_client, client_for, riverton, in_city, make_user
):
    action = starter_action(in_city, riverton)
    mine = form_of(coordinator_client, action.code) | {"resources": "Two posts"}
    other = client_for(riverton, make_user(riverton, "plan_editor", first_name="Ann", last_name="Lee"))
    other.post(url("edit-action", action.code), form_of(other, action.code) | {"details": "Hers"})
    response = coordinator_client.post(url("edit-action", action.code), mine)
    assert response.status_code == 422
    assert "Ann Lee changed this after you opened the page" in response.text
    assert "Two posts" in response.text
    assert "Hers" in response.text
    with in_city(riverton):
        action.refresh_from_db()
        assert (action.details, action.resources) == ("Hers", "")
    again = mine | {"details": "Hers", "seen": response.context["form"]["seen"].value()}
    assert coordinator_client.post(url("edit-action", action.code), again).status_code == 302
    with in_city(riverton):
        action.refresh_from_db()
        assert (action.details, action.resources) == ("Hers", "Two posts")


def test_an_action_moves_down_and_to_another_outcome(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    coordinator_client.post(url("move", "action", action.uuid), {"direction": "down"})
    with in_city(riverton):
        assert [a.pk for a in action.outcome.actions.order_by("position")][1] == action.pk
        other = Outcome.objects.exclude(pk=action.outcome_id).order_by("pk").last()
    coordinator_client.post(
        url("edit-action", action.code), form_of(coordinator_client, action.code) | {"outcome": other.pk}
    )
    with in_city(riverton):
        action.refresh_from_db()
        assert action.outcome_id == other.pk


def test_retire_and_bring_back(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    address = url("retire", "action", action.uuid)
    assert coordinator_client.post(address, {"reason": ""}).status_code == 422
    assert (
        "Taken out of the plan" in coordinator_client.post(address, {"reason": "Not ours."}, follow=True).text
    )
    assert "Not ours." in coordinator_client.get(url("retired")).text
    coordinator_client.post(url("restore", "action", action.uuid))
    with in_city(riverton):
        action.refresh_from_db()
        assert action.retired_at is None


def test_a_foreign_uuid_is_404_and_changes_nothing(coordinator_client, riverton, ashford, in_city):
    foreign = starter_action(in_city, ashford)
    for kind in ("retire", "restore", "move"):
        assert (
            coordinator_client.post(
                url(kind, "action", foreign.uuid), {"reason": "x", "direction": "up"}
            ).status_code
            == 404
        )
    with in_city(ashford):
        assert Action.objects.get(pk=foreign.pk).retired_at is None


def test_the_plan_downloads_as_a_sheet(coordinator_client):
    response = coordinator_client.post(url("download"))
    assert response["Content-Disposition"].startswith('attachment; filename="riverton-plan-')
    assert response.content.startswith(b"PK")
    assert coordinator_client.get(url("download")).status_code == 405


# ---- Progress --------------------------------------------------------------------------------------------
REPORT = {"status": "on_track", "text": "Half is done.", "reason": "", "next_step": ""}


def report(**changes: Any) -> dict[str, Any]:
    return REPORT | {"on": timezone.localdate().isoformat()} | changes


def test_an_update_is_saved_and_seen(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    response = coordinator_client.post(url("record-progress", action.code), report(), follow=True)
    assert "is saved" in response.text
    assert "Half is done." in coordinator_client.get(url("action-history", action.code)).text


def test_at_risk_without_a_reason_is_422_beside_the_field(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    response = coordinator_client.post(url("record-progress", action.code), report(status="at_risk"))
    assert response.status_code == 422
    assert "needs a reason" in response.text
    assert "Half is done." in response.text
    with in_city(riverton):
        assert not action.progress_notes.exists()


def test_a_department_lead_gets_404_for_an_action_of_another_department(
    client_for, riverton, in_city, make_user
):
    lead = make_user(riverton, "department_lead")
    lead.affiliations.update(department="Library")
    with in_city(riverton):
        mine = ActionFactory(accountable=DepartmentFactory(name="Library"))
        other = ActionFactory()
    client = client_for(riverton, lead)
    assert client.get(url("record-progress", mine.code)).status_code == 200
    assert client.post(url("record-progress", other.code), report()).status_code == 404
    with in_city(riverton):
        assert not other.progress_notes.exists()


# ---- Import ----------------------------------------------------------------------------------------------
def test_a_sheet_goes_from_upload_to_undo(coordinator_client, riverton, in_city):
    response = coordinator_client.post(url("imports"), csv(), follow=True)
    assert "Check before anything is saved" in response.text
    assert "Import 2 actions" in response.text
    with in_city(riverton):
        job = ImportJob.objects.get()
        assert Action.objects.filter(source__starter=True).exists()
    done = coordinator_client.post(url("import-commit", job.pk), follow=True)
    assert "Your plan is in" in done.text
    with in_city(riverton):
        assert Action.objects.count() == 2
    assert "The plan is as it was." in coordinator_client.post(url("import-undo", job.pk), follow=True).text
    with in_city(riverton):
        assert Action.objects.filter(source__starter=True).count() == 6


@pytest.mark.parametrize(
    "show", ["look", "new", "same", "changed", "absent", "retired", "conflict", "nonsense"]
)
def test_the_check_shows_each_kind_of_row(coordinator_client, riverton, in_city, show):
    with in_city(riverton):
        services.import_sheet(filename="a.csv", content=sheet_of(40).encode(), by=None)
    coordinator_client.post(url("imports"), csv(sheet_of(60).replace("June 2027", "2028", 5)))
    with in_city(riverton):
        job = ImportJob.objects.latest("pk")
    assert coordinator_client.get(url("import", job.pk), {"show": show, "page": "2"}).status_code == 200


def test_a_conflict_is_decided_on_the_page(coordinator_client, riverton, in_city):
    with in_city(riverton):
        services.import_sheet(filename="a.csv", content=SHEET.encode(), by=None)
        mine = Action.objects.get(title="Repair the lights")
        services.edit_action(mine, by=None, title="Repair all lights")
    coordinator_client.post(
        url("imports"), csv(SHEET.replace("Repair the lights", "Repair the street lights"))
    )
    with in_city(riverton):
        job = ImportJob.objects.latest("pk")
    page = coordinator_client.get(url("import", job.pk)).text
    assert f'name="take:{mine.uuid}:title"' in page
    coordinator_client.post(url("import-commit", job.pk), {f"take:{mine.uuid}:title": "sheet"})
    with in_city(riverton):
        mine.refresh_from_db()
        assert mine.title == "Repair the street lights"


def test_a_plan_edited_after_the_check_is_checked_again(coordinator_client, riverton, in_city):
    with in_city(riverton):
        services.import_sheet(filename="a.csv", content=SHEET.encode(), by=None)
    coordinator_client.post(
        url("imports"), csv(SHEET.replace("Repair the lights", "Repair the street lights"))
    )
    with in_city(riverton):
        job = ImportJob.objects.latest("pk")
        services.edit_action(
            Action.objects.get(title="Repair the lights"), by=None, title="Repair all lights"
        )
    response = coordinator_client.post(url("import-commit", job.pk))
    assert response.status_code == 422
    assert "Nothing was saved" in response.text
    assert "take:" in response.text
    with in_city(riverton):
        assert Action.objects.filter(title="Repair all lights").exists()


def test_columns_are_corrected_by_hand(coordinator_client, riverton, in_city):
    text = "Xyz,Abc\nPaint crossings,Public Works\nRepair lights,Public Works\n"
    response = coordinator_client.post(url("imports"), csv(text), follow=True)
    assert response.status_code in (200, 422)
    with in_city(riverton):
        job = ImportJob.objects.first()
    assert job is not None, response.text
    page = coordinator_client.get(url("import-columns", job.pk))
    form = page.context["form"]
    data = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    letters = [name for name in form.fields if name.startswith("s0_") and name != "s0_header"]
    data |= {"s0_header": 1} | dict(zip(letters, ["action", "accountable"], strict=False))
    response = coordinator_client.post(url("import-columns", job.pk), data, follow=True)
    assert "Check before anything is saved" in response.text
    coordinator_client.post(url("import-commit", job.pk))
    with in_city(riverton):
        assert Action.objects.get(title="Repair lights").accountable.name == "Public Works"


@pytest.mark.parametrize(
    ("content", "name"),
    [(b"", "plan.csv"), (b"%PDF-1.7 x", "plan.xlsx"), (b"PK\x03\x04 broken", "plan.xlsx")],
)
def test_a_file_that_is_no_sheet_is_refused_in_words(coordinator_client, riverton, in_city, content, name):
    response = coordinator_client.post(
        url("imports"), {"file": SimpleUploadedFile(name, content), "date_order": "month/day/year"}
    )
    assert response.status_code == 422
    assert name in response.text
    with in_city(riverton):
        assert not ImportJob.objects.exists()


def test_script_in_a_cell_is_shown_as_text(coordinator_client):
    response = coordinator_client.post(
        url("imports"), csv(SHEET.replace("Repair the lights", "<script>alert(1)</script>")), follow=True
    )
    assert (
        "&lt;script&gt;alert(1)&lt;/script&gt;"
        in coordinator_client.get(response.redirect_chain[-1][0] + "?show=new").text
    )
    assert "<script>alert(1)" not in response.text


def test_an_import_of_another_city_is_404(coordinator_client, client_for, ashford, make_user, in_city):
    coordinator_client.post(url("imports"), csv())
    other = client_for(ashford, make_user(ashford, "coordinator"))
    assert other.get(url("import", 1)).status_code == 404
    assert other.post(url("import-commit", 1)).status_code == 404


# ---- Publishing ------------------------------------------------------------------------------------------
def test_publish_names_gaps_and_opens_the_site(coordinator_client, riverton, in_city, client_for):
    page = coordinator_client.get(url("publish")).text
    assert "6 actions are still starter text" in page
    refused = coordinator_client.post(url("publish"), {"visibility": "public", "launch": "on"})
    assert refused.status_code == 422
    coordinator_client.post(url("publish"), {"visibility": "public", "launch": "on", "confirmed": "on"})
    riverton.refresh_from_db()
    assert riverton.is_launched
    with in_city(riverton):
        assert Plan.objects.get().visibility == "public"
    assert client_for(riverton).get("/plan/").status_code == 200
    coordinator_client.post(url("unpublish"), {"reason": "Numbers are wrong.", "close_site": "on"})
    riverton.refresh_from_db()
    assert not riverton.is_launched
    assert client_for(riverton).get("/plan/").status_code == 404


def test_adoption_in_the_future_is_refused(coordinator_client, riverton, in_city):
    tomorrow = timezone.localdate() + dt.timedelta(days=1)
    response = coordinator_client.post(url("adopt"), {"on": tomorrow.isoformat(), "body": "City Council"})
    assert response.status_code == 422
    assert "after the vote" in response.text
    with in_city(riverton):
        assert Plan.objects.get().lifecycle == "draft"


# ---- Settings --------------------------------------------------------------------------------------------
SETTINGS = {
    "short_name": "Riverton",
    "tagline": "On the river",
    "brand_color": "#0d5257",
    "accent_color": "#f2b632",
    "timezone": "America/Denver",
    "languages": "en, es",
    "fiscal_year_start_month": "10",
}


def picture(kind: str = "JPEG", size: tuple[int, int] = (900, 300)) -> bytes:
    kept = io.BytesIO()
    Image.new("RGB", size, "#0d5257").save(kept, kind)
    return kept.getvalue()


def test_settings_are_saved_and_the_logo_is_made_anew(coordinator_client, riverton, in_city, media_folder):
    saved = coordinator_client.post(
        url("settings"), SETTINGS | {"logo": SimpleUploadedFile("x.jpg", picture())}
    )
    assert saved.status_code == 302
    riverton.refresh_from_db()
    assert (riverton.tagline, riverton.fiscal_year_start_month) == ("On the river", 10)
    with in_city(riverton):
        kept = Image.open(riverton.logo)
        assert (kept.format, kept.size) == ("PNG", (512, 171))
    coordinator_client.post(url("settings"), SETTINGS | {"remove_logo": "on"})
    riverton.refresh_from_db()
    assert not riverton.logo


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"brand_color": "#ffcc00"}, "Choose a darker color"),
        ({"brand_color": "red;}"}, "is not a color"),
        ({"fiscal_year_start_month": "13"}, "Select a valid choice"),
        ({"logo": SimpleUploadedFile("x.png", b"<svg onload=alert(1)>")}, "not a picture"),
        ({"logo": SimpleUploadedFile("x.png", picture("PNG", (7000, 10)))}, "is the most"),
    ],
)
def test_settings_that_cannot_stay_are_refused_and_change_nothing(coordinator_client, riverton, change, told):
    before = Jurisdiction.objects.filter(pk=riverton.pk).values().get()
    response = coordinator_client.post(url("settings"), SETTINGS | change)
    assert response.status_code == 422
    assert told in response.text
    assert Jurisdiction.objects.filter(pk=riverton.pk).values().get() == before


def test_a_history_tells_the_words_of_an_import(coordinator_client, riverton, in_city):
    coordinator_client.post(url("imports"), csv())
    with in_city(riverton):
        job = ImportJob.objects.get()
    coordinator_client.post(url("import-commit", job.pk))
    assert "Spreadsheet import: plan.csv" in coordinator_client.get(url("history")).text
    assert "Repair the lights" not in coordinator_client.get(url("history")).text
    assert "Repair the lights" in coordinator_client.get(url("history"), {"rows": "all"}).text


# ---- Measures and milestones -----------------------------------------------------------------------------
def test_a_measure_gets_a_baseline_and_a_target(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    coordinator_client.post(
        url("edit-action", action.code),
        form_of(coordinator_client, action.code) | {"better_off": "Renters who stay"},
    )
    page = coordinator_client.get(url("edit-measures", action.code))
    data = {"m-TOTAL_FORMS": "3", "m-INITIAL_FORMS": "1", "seen": page.context["form"]["seen"].value()}
    data |= {
        "m-0-kind": "better_off",
        "m-0-text": "Renters who stay",
        "m-0-baseline": "61%",
        "m-0-target": "80%",
    }
    data |= {"m-1-kind": "how_much", "m-1-text": "Talks held", "m-2-kind": "how_much", "m-2-text": ""}
    assert coordinator_client.post(url("edit-measures", action.code), data).status_code == 302
    with in_city(riverton):
        found = list(action.measures.order_by("position").values_list("text", "baseline", "target"))
    assert found == [("Renters who stay", "61%", "80%"), ("Talks held", "", "")]
    # the first form keeps what it does not show
    coordinator_client.post(
        url("edit-action", action.code),
        form_of(coordinator_client, action.code) | {"how_much": "Talks held\nPeople who came"},
    )
    with in_city(riverton):
        assert action.measures.get(text="Renters who stay").baseline == "61%"
    again = coordinator_client.post(url("edit-measures", action.code), data)
    assert again.status_code == 422
    assert "Nothing of yours was saved" in again.text


def test_milestones_are_lines_with_a_date_first(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    lines = "June 2027: 150 households helped\n2028 Q1"
    coordinator_client.post(
        url("edit-action", action.code), form_of(coordinator_client, action.code) | {"milestones": lines}
    )
    with in_city(riverton):
        found = list(action.milestones.order_by("position").values_list("title", "due_date", "due_precision"))
    assert found == [
        ("150 households helped", dt.date(2027, 6, 30), "month"),
        ("", dt.date(2028, 3, 31), "quarter"),
    ]
    refused = coordinator_client.post(
        url("edit-action", action.code),
        form_of(coordinator_client, action.code) | {"milestones": "Soon: done"},
    )
    assert refused.status_code == 422
    assert "does not begin with a date" in refused.text
    with in_city(riverton):
        assert action.milestones.count() == 2
