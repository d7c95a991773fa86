"""Pages of the import, from the upload to the undo."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tenants.plans import imports, services
from tenants.plans.models import Action, ImportJob, Plan
from tests.plans.import_samples import SHEET, sheet_of
from tests.plans.pages import csv, url


def test_a_sheet_goes_from_upload_to_undo(coordinator_client, riverton, in_city):
    response = coordinator_client.post(url("imports"), csv(), follow=True)
    assert "Check before anything is saved" in response.text
    assert "Import 2 actions" in response.text
    with in_city(riverton):
        job = ImportJob.objects.get()
        assert Action.objects.filter(source__starter=True).exists()
    done = coordinator_client.post(url("import-commit", job.pk), follow=True)
    assert "Your plan was imported" in done.text
    with in_city(riverton):
        assert Action.objects.count() == 2
    assert "Import undone." in coordinator_client.post(url("import-undo", job.pk), follow=True).text
    with in_city(riverton):
        assert Action.objects.filter(source__starter=True).count() == 6


@pytest.mark.parametrize(
    "show", ["look", "new", "same", "changed", "absent", "retired", "conflict", "nonsense"]
)
def test_the_check_shows_each_kind_of_row(coordinator_client, riverton, in_city, show):
    with in_city(riverton):
        imports.import_sheet(filename="a.csv", content=sheet_of(40).encode(), by=None)
    coordinator_client.post(url("imports"), csv(sheet_of(60).replace("June 2027", "2028", 5)))
    with in_city(riverton):
        job = ImportJob.objects.latest("pk")
    assert coordinator_client.get(url("import", job.pk), {"show": show, "page": "2"}).status_code == 200


def test_a_conflict_is_decided_on_the_page(coordinator_client, riverton, in_city):
    with in_city(riverton):
        imports.import_sheet(filename="a.csv", content=SHEET.encode(), by=None)
        action = Action.objects.get(title="Repair the lights")
        services.edit_action(action, by=None, title="Repair all lights")
    coordinator_client.post(
        url("imports"), csv(SHEET.replace("Repair the lights", "Repair the street lights"))
    )
    with in_city(riverton):
        job = ImportJob.objects.latest("pk")
    page = coordinator_client.get(url("import", job.pk)).text
    assert f'name="take:{action.uuid}:title"' in page
    coordinator_client.post(url("import-commit", job.pk), {f"take:{action.uuid}:title": "sheet"})
    with in_city(riverton):
        action.refresh_from_db()
        assert action.title == "Repair the street lights"


def test_the_check_says_a_status_in_the_citys_own_words(coordinator_client, riverton, in_city):
    header, *rows = SHEET.splitlines()
    text = "\n".join([f"{header},Status", *(f"{row},{'At risk' if row[0] == ',' else ''}" for row in rows)])
    with in_city(riverton):
        imports.import_sheet(filename="a.csv", content=text.encode(), by=None)
        Plan.objects.update(status_labels={"at_risk": "Delayed"})
    coordinator_client.post(url("imports"), csv(text.replace("At risk", "On track")))
    with in_city(riverton):
        job = ImportJob.objects.latest("pk")
    page = coordinator_client.get(url("import", job.pk), {"show": "changed"}).text
    assert '<span class="was">Delayed</span> On track' in page


def test_a_plan_edited_after_the_check_is_checked_again(coordinator_client, riverton, in_city):
    with in_city(riverton):
        imports.import_sheet(filename="a.csv", content=SHEET.encode(), by=None)
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


def test_columns_are_mapped_by_hand(coordinator_client, riverton, in_city):
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
def test_a_file_that_is_no_sheet_is_refused_with_a_message(
    coordinator_client, riverton, in_city, content, name
):
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


def test_the_history_shows_an_import(coordinator_client, riverton, in_city):
    coordinator_client.post(url("imports"), csv())
    with in_city(riverton):
        job = ImportJob.objects.get()
    coordinator_client.post(url("import-commit", job.pk))
    assert "Spreadsheet import: plan.csv" in coordinator_client.get(url("history")).text
    assert "Repair the lights" not in coordinator_client.get(url("history")).text
    assert "Repair the lights" in coordinator_client.get(url("history"), {"rows": "all"}).text
