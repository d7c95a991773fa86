"""The plan of several departments, titles in capitals, and the plan as a spreadsheet for everybody."""

from __future__ import annotations

import io

import pytest
from openpyxl import load_workbook

from tenants.plans.models import Action, ExportSnapshot, Goal, Outcome, Plan
from tests.dashboard.responses import csv_rows, visible_text
from tests.plan_factories import ActionFactory, NoteFactory, OutcomeFactory


@pytest.fixture
def county_plan(launched_city, public_plan, in_city):
    """Two goals of one department with one of another between them, and titles in capitals."""
    with in_city(launched_city):
        Goal.objects.filter(label="Goal 1").update(
            department="HEALTH DEPARTMENT", label="1", title="HIRING AND RECRUITMENT"
        )
        Goal.objects.filter(label="Goal 2").update(department="Library", label="1")
        last = OutcomeFactory(
            goal__plan=public_plan,
            goal__department="HEALTH DEPARTMENT",
            goal__label="2",
            goal__title="RETENTION",
            goal__position=5,
            label="",
            title="NOBODY LEAVES HR BY 2027",
        )
        ActionFactory(outcome=last, code="t20", number="2.1.1", title="PAY THE ADA COORDINATOR.")
    return public_plan


def workbook(client):
    response = client.get("/data/plan.xlsx")
    assert response.status_code == 200, response
    return load_workbook(io.BytesIO(response.content))


def texts(client):
    return [
        str(cell.value).strip()
        for sheet in workbook(client)
        for row in sheet.iter_rows()
        for cell in row
        if cell.value
    ]


def test_goals_stand_under_their_departments(county_plan, anonymous_client):
    page = anonymous_client.get("/plan/")
    assert page.text.count('<h2 class="department">') == 2
    text = visible_text(page)
    assert text.index("Health department 1: Hiring and recruitment") < text.index(
        "Library 1: Housing stability"
    )
    body = page.text.partition('<h2 class="department">')[2]
    assert body.index("2: Retention") < body.index("Library</h2>") < body.index("1: Housing stability")


def test_department_of_the_goal_on_the_page_of_an_action_and_in_lists(county_plan, anonymous_client):
    page = anonymous_client.get("/plan/actions/t20/")
    text = visible_text(page)
    assert "Plan Health department 2: Retention Action 2.1.1" in text
    assert (
        "Action 2.1.1, Health department, part of “Nobody leaves HR by 2027” Pay the ADA coordinator" in text
    )
    names = [
        row["name"] for row in csv_rows(anonymous_client.get("/data/numbers.csv")) if row["by"] == "goal"
    ]
    assert names[0] == "1: Hiring and recruitment (HEALTH DEPARTMENT)"
    assert "1: Hiring and recruitment (HEALTH DEPARTMENT)" in visible_text(anonymous_client.get("/"))


def test_rows_of_the_front_page_say_whose_plan_they_are_from(county_plan, anonymous_client):
    text = visible_text(anonymous_client.get("/"))
    rows = text.partition("Every action")[2]
    assert "1.1 End overdue fines Health department" in rows
    assert "2.1.1 Pay the ADA coordinator Health department" in rows
    assert "By responsible office" in text
    assert "By department" not in text


def test_stored_titles_stay_as_they_are_written(county_plan, anonymous_client, launched_city, in_city):
    row = next(row for row in csv_rows(anonymous_client.get("/data/actions.csv")) if row["code"] == "t20")
    assert (row["action"], row["outcome"]) == ("PAY THE ADA COORDINATOR.", "NOBODY LEAVES HR BY 2027")
    with in_city(launched_city):
        assert Goal.objects.filter(title="HIRING AND RECRUITMENT").exists()


def test_a_plan_without_departments_has_no_such_headings(public_plan, anonymous_client):
    page = anonymous_client.get("/plan/").text
    assert 'class="department"' not in page
    assert "<h2 id=" in page


def test_a_long_plan_is_shown_on_one_page_for_printing(launched_city, public_plan, anonymous_client, in_city):
    with in_city(launched_city):
        ActionFactory.create_batch(120, outcome=Outcome.objects.get(title__startswith="Nobody loses"))
    assert "?page=all" in anonymous_client.get("/plan/").text
    page = anonymous_client.get("/plan/?page=all").text
    assert page.count('<th scope="row"><a href="/plan/actions/') == 128
    assert "?page=all" not in page


def test_the_workbook_has_the_plan_and_nothing_internal(
    launched_city, county_plan, anonymous_client, in_city
):
    note = [{"label": "Cost code", "text": "CANARY-4-11"}]
    with in_city(launched_city):
        Goal.objects.update(extra_columns=note, source={"sheet": "CANARY sheet", "row": 3})
        Outcome.objects.update(
            extra_columns=note, source={"sheet": "CANARY sheet", "row": 4}, story="CANARY story"
        )
        Action.objects.update(
            extra_columns=note,
            source={"sheet": "CANARY sheet", "row": 5, "code": "CANARY 1.1"},
            status_raw="CANARY wording",
            accountability_raw="CANARY and others",
        )
        before = ExportSnapshot.objects.count()
    cells = texts(anonymous_client)
    assert "Eviction help at the courthouse" in cells
    assert "Department: HEALTH DEPARTMENT" in cells
    assert "2.1.1" in cells
    assert "Off track" in cells
    assert any("The lead left." in text for text in cells)
    assert not [text for text in cells if "CANARY" in text]
    assert not [name for name in workbook(anonymous_client).sheetnames if "CANARY" in name]
    assert "Taken out" not in cells
    with in_city(launched_city):
        assert ExportSnapshot.objects.count() == before


def test_the_workbook_of_an_action_with_many_reports_has_the_newest(
    launched_city, public_plan, anonymous_client, in_city
):
    with in_city(launched_city):
        action = Action.objects.get(code="t2")
        for number in range(40):
            NoteFactory(action=action, text=f"Report {number}: " + "word " * 200, position=number + 5)
        Action.objects.filter(code="t2").update(details="long " * 8000)
    cells = texts(anonymous_client)
    assert any("Report 39:" in text for text in cells)
    assert not any("Report 0:" in text for text in cells)


@pytest.mark.parametrize("visibility", ["internal", "cohort"])
def test_the_workbook_of_a_plan_that_is_not_public_is_not_there(
    launched_city, public_plan, anonymous_client, in_city, visibility
):
    with in_city(launched_city):
        Plan.objects.update(visibility=visibility)
    assert anonymous_client.get("/data/plan.xlsx").status_code == 404


def test_an_empty_plan_has_no_workbook_and_no_link_to_one(
    launched_city, public_plan, anonymous_client, in_city
):
    with in_city(launched_city):
        Goal.objects.all().delete()
    assert anonymous_client.get("/data/plan.xlsx").status_code == 404
    for url in ("/plan/", "/data/"):
        assert "plan.xlsx" not in anonymous_client.get(url).text


def test_the_plan_page_and_the_data_page_link_the_workbook(public_plan, anonymous_client):
    assert 'href="/data/plan.xlsx"' in anonymous_client.get("/plan/").text
    assert 'href="/data/plan.xlsx"' in anonymous_client.get("/data/").text
    assert (
        anonymous_client.get("/data/plan.xlsx")["Content-Disposition"]
        == 'attachment; filename="riverton-plan.xlsx"'
    )
