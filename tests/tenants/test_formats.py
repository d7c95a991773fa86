"""How pages write dates, ages, numbers, choices and states, at the boundaries."""

import datetime as dt

import pytest
from django.utils import translation
from localflavor.us import us_states as localflavor_states

from tenants import formats
from tenants.models import ActionStage, Jurisdiction
from tenants.models.us_states import US_STATES, state_choices, state_name
from tenants.plans.models import Action, Goal, Outcome

DAY = dt.date(2027, 9, 5)


@pytest.mark.parametrize(
    ("day", "precision", "expected"),
    [
        (None, "day", ""),
        (DAY, "day", "September 5, 2027"),
        (DAY, "month", "September 2027"),
        (dt.date(2027, 6, 30), "month", "June 2027"),
        (DAY, "year", "2027"),
        (dt.date(2027, 1, 1), "quarter", "2027 Q1"),
        (dt.date(2027, 3, 31), "quarter", "2027 Q1"),
        (dt.date(2027, 4, 1), "quarter", "2027 Q2"),
        (dt.date(2027, 9, 30), "quarter", "2027 Q3"),
        (dt.date(2027, 10, 1), "quarter", "2027 Q4"),
        (dt.date(2027, 12, 31), "quarter", "2027 Q4"),
    ],
)
def test_partial_dates(day, precision, expected):
    assert formats.format_partial_date(day, precision) == expected


def test_dates_follow_the_language():
    with translation.override("es"):
        assert formats.format_partial_date(DAY) == "5 de septiembre de 2027"
        assert formats.format_partial_date(DAY, "month") == "septiembre de 2027"


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (-3, "today"),
        (0, "today"),
        (1, "1 day ago"),
        (2, "2 days ago"),
        (999, "999 days ago"),
        (1000, "1,000 days ago"),
    ],
)
def test_ages(days, expected):
    assert formats.days_ago(days) == expected
    assert formats.time_since(DAY, on=DAY + dt.timedelta(days=days)) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "0"), (999, "999"), (1000, "1,000"), (1240, "1,240"), (1234567, "1,234,567"), (-1240, "-1,240")],
)
def test_numbers(number, expected):
    assert formats.format_number(number) == expected


@pytest.mark.parametrize(
    ("number", "expected"), [(-1, "-1"), (0, "0"), (1, "one"), (9, "nine"), (10, "10"), (1240, "1,240")]
)
def test_spelled_numbers(number, expected):
    assert formats.spell_number(number) == expected


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, ""),
        (2025, None, "2025"),
        (None, 2029, "2029"),
        (2025, 2025, "2025"),
        (2025, 2029, "2025–2029"),
    ],
)
def test_years(start, end, expected):
    assert formats.format_years(start, end) == expected


def test_choices():
    assert formats.choice_label(ActionStage, "organize") == "Organize"
    assert formats.choice_label(ActionStage, "") == ""


@pytest.mark.parametrize(
    ("text", "expected"), [("", ""), ("On track", "on track"), ("A", "A"), ("HR leads", "HR leads")]
)
def test_text_for_the_middle_of_a_sentence(text, expected):
    assert formats.lowercase_first(text) == expected


@pytest.mark.parametrize(
    ("number", "title", "expected"),
    [
        ("4.1", "Eviction help.", "4.1 Eviction help"),
        ("", "Eviction help.", "Eviction help"),
        ("4.1", "Eviction help", "4.1 Eviction help"),
        ("4.1", "And so on...", "4.1 And so on..."),
    ],
)
def test_headings_of_actions_have_no_period(number, title, expected):
    assert formats.action_heading(number, title) == expected
    assert str(Action(number=number, title=title)) == expected


@pytest.mark.parametrize(("label", "expected"), [("3.2", "3.2: Fair fines"), ("", "Fair fines")])
def test_goals_and_outcomes_have_their_label_before_a_colon(label, expected):
    assert formats.title_with_label(label, "Fair fines") == expected
    for model in (Goal, Outcome):
        assert str(model(label=label, title="Fair fines")) == expected


def test_text_for_the_start_of_a_sentence():
    assert formats.capitalize_first("eight actions") == "Eight actions"


# ---- States ----------------------------------------------------------------------------------------------
def test_fifty_states_the_district_and_five_territories():
    assert len(US_STATES) == 56
    assert {"DC", "AS", "GU", "MP", "PR", "VI"} <= set(US_STATES)
    assert {code for code, _name in localflavor_states.US_STATES} < set(US_STATES)
    assert "AE" not in US_STATES  # mail for soldiers is not a state


def test_names_of_states():
    assert state_name("MN") == state_name("mn") == "Minnesota"
    assert state_name("DC") == "District of Columbia"
    assert state_name("XX") == "XX"
    assert state_name("") == "No state given"


def test_choices_of_states_are_in_order_of_their_names():
    names = [name for _code, name in state_choices()]
    assert names == sorted(names)
    assert len(names) == 56


@pytest.mark.parametrize("code", ["MN", "DC", "PR"])
def test_a_jurisdiction_may_be_in_each_of_them(code):
    Jurisdiction(name="City of Elm Ford", short_name="Elm Ford", slug="elm-ford", state=code).clean()


@pytest.mark.parametrize(
    ("title", "heading"),
    [
        ("HIRING AND RECRUITMENT", "Hiring and recruitment"),
        ("SERVICES THAT REACH EVERYBODY. BY 2027", "Services that reach everybody. By 2027"),
        ("ADA, HR AND THE FY27 BUDGET", "ADA, HR and the FY27 budget"),
        ("FAIR-CHANCE HIRING (DPW)", "Fair-chance hiring (DPW)"),
        ("U.S. CENSUS TRACTS", "U.S. census tracts"),
        ("ÉCOLE “ÉGALITÉ” OPENS", "École “égalité” opens"),
        ("WORKFORCE", "Workforce"),
        ("PARKS", "PARKS"),  # one short word may be an abbreviation
        ("LGBTQIA", "LGBTQIA"),
        ("GARE", "GARE"),
        ("HIRING and retention", "HIRING and retention"),
        ("2027 2028", "2027 2028"),
        ("", ""),
    ],
)
def test_a_title_in_capitals_is_a_sentence_in_headings(title, heading):
    assert formats.sentence_case(title) == heading
    assert formats.action_heading("", title + "") == heading.removesuffix(".")
    assert formats.title_with_label("GOAL 1", title) == f"Goal 1: {heading}"


@pytest.mark.parametrize(
    ("title", "heading"),
    [
        ("LATE BUSES IN MARROW BEND", "Late buses in Marrow Bend"),
        ("MARROW BEND’S HUD GRANT", "Marrow Bend’s HUD grant"),
        ("TALKS WITH BLACK AND LATINO OWNERS", "Talks with Black and Latino owners"),
        ("JUNETEENTH AND THE FIRST MONDAY OF JUNE", "Juneteenth and the first Monday of June"),
        ("WHAT MAY MARCH ON", "What may march on"),
        ("LESSONS FROM NEW MEXICO", "Lessons from New Mexico"),
        ("AMERICANA AND BLACKTOP", "Americana and blacktop"),
        ("WORK WITH RIVERTON", "Work with riverton"),
    ],
)
def test_known_names_keep_their_first_letter(title, heading):
    assert formats.sentence_case(title, jurisdiction_name="City of Marrow Bend (Sample)") == heading
    assert formats.action_heading("", title, jurisdiction_name="City of Marrow Bend") == heading
    marked = title.replace("MARROW", "\ue000MARROW\ue001").replace("BEND", "\ue000BEND\ue001")
    shown = formats.title_with_label("", marked, jurisdiction_name="Marrow Bend")
    assert shown.replace("\ue000", "").replace("\ue001", "") == heading
    assert shown.count("\ue000") == marked.count("\ue000")


def test_on_its_own_host_a_jurisdiction_need_not_be_named(riverton, in_city):
    with in_city(riverton):
        assert formats.action_heading("1", "WORK WITH RIVERTON.") == "1 Work with Riverton"
    assert formats.action_heading("1", "WORK WITH RIVERTON.", jurisdiction_name="") == "1 Work with riverton"


def test_every_kind_of_jurisdiction_has_its_word():
    words = {kind: formats.the_kind(kind) for kind in Jurisdiction.Kind.values}
    assert words["city"] == "the city"
    assert words["county"] == "the county"
    assert words["school_or_park_district"] == "the district"
    assert words["tribal"] == "the tribe"
    assert [kind for kind, word in words.items() if "city" in word] == ["city"]


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Marrow Bend", "MB"), ("O’Fallon d’Été", "OD"), ("Riverton", "R"), ("29 Palms", "P"), ("New York City", "NY"),
     ("", ""), ("42", "")],
)  # fmt: skip
def test_initials_stand_for_a_missing_logo(name, letters):
    assert formats.initials(name) == letters
