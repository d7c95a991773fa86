"""Labels of actions, and the values in their change log."""

import datetime as dt

import pytest

from tenants.dashboard.action_list import ActionFilterSet
from tenants.models import ActionStage
from tenants.plans import change_log, labels
from tenants.plans.forms.action import ActionForm
from tenants.plans.imports.forms import ROLE_LABELS
from tenants.plans.models import Action, Plan, PlanLogEntry

JUNE = dt.date(2027, 6, 30)


@pytest.mark.parametrize(
    ("code", "own_labels", "expected"),
    [
        ("off_track", {}, "Off track"),
        ("off_track", {"off_track": "Delayed"}, "Delayed"),
        ("off_track", {"off_track": "", "at_risk": "Watch"}, "Off track"),
        ("", {}, "No status yet"),
        (None, {}, "No status yet"),
        (None, {"none": "Not reported"}, "Not reported"),
        ("none", {}, "No status yet"),
    ],
)
def test_status(code, own_labels, expected):
    assert labels.status_label(code, own_labels) == expected


def test_every_status_has_a_rank_in_both_orders():
    codes = {*Action.Status.values, labels.NO_STATUS, labels.OVERDUE}
    assert set(labels.STATUSES_BY_URGENCY) == set(labels.STATUSES_BY_PROGRESS) == codes


def test_stages():
    assert [labels.stage_label(stage) for stage in ["", *ActionStage.values]] == [
        "Not set", "Normalize", "Organize", "Operationalize",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("due", "precision", "is_continuous", "expected"),
    [
        (JUNE, "day", False, "June 30, 2027"),
        (JUNE, "month", False, "June 2027"),
        (JUNE, "quarter", False, "2027 Q2"),
        (JUNE, "year", False, "2027"),
        (JUNE, "", False, "June 30, 2027"),
        (None, "", True, "Ongoing (no end date)"),
        (None, "", False, "No due date"),
    ],
)
def test_due(due, precision, is_continuous, expected):
    assert labels.format_due(due, precision, is_continuous) == expected


@pytest.mark.parametrize(
    ("department", "vacant_since", "expected"),
    [
        ("", None, "Not assigned"),
        ("Library", None, "Library"),
        ("", JUNE, "Vacant since June 30, 2027"),
        ("R&D", JUNE, 'R&amp;D <span class="micro soft">(vacant since June 30, 2027)</span>'),
    ],
)
def test_accountable(department, vacant_since, expected):
    assert labels.format_accountable(department, vacant_since) == expected


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [(None, None, ""), (dt.date(2025, 7, 1), None, "2025"), (dt.date(2025, 7, 1), JUNE, "2025–2027")],
)
def test_period(start, end, expected):
    assert labels.format_period(Plan(period_start=start, period_end=end)) == expected


def test_counts_by_status():
    counts = {"off_track": 1, "completed": 1240, None: 0, "none": 2}
    assert labels.format_status_counts(counts, {}) == "1,240 completed, 1 off track, 2 no status yet"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("title", None, ""),
        ("title", "", ""),
        ("sectors", [], ""),
        ("status", "off_track", "Off track"),
        ("status", "unheard_of", "unheard_of"),
        ("stage", "organize", "Organize"),
        ("is_continuous", True, "yes"),
        ("is_continuous", False, "no"),
        ("position", 0, "1"),
        ("owner", 7, "Ada Obi"),
        ("owner", 8, "8"),
        ("due_date", "2027-06-30", "June 30, 2027"),
        ("title", "2027-06-31", "2027-06-31"),
        ("responsible", ["Library", "Parks"], "Library; Parks"),
        ("measures", [{"kind": "how_much", "text": "Cards"}], "Cards"),
        (
            "milestones",
            [
                {"title": "Half", "due": "2027-06-30", "precision": "month"},
                {"title": "", "due": "2027-12-31"},
            ],
            "Half, June 2027; December 31, 2027",
        ),
        ("progress_note", {"on": "2027-06-30", "text": "Open."}, "Open., June 30, 2027"),
    ],
)
def test_logged_values(name, value, expected):
    assert labels.format_logged_value(name, value, owners={7: "Ada Obi"}) == expected


def test_a_logged_status_has_the_citys_own_label():
    own_labels = {"at_risk": "Delayed"}
    assert labels.format_logged_value("status", "at_risk", status_labels=own_labels) == "Delayed"
    assert labels.format_logged_value("status", "on_track", status_labels=own_labels) == "On track"


def test_a_changed_date_has_the_precision_that_it_had_then():
    """Newest first: the date was set, became a month, was moved, became a quarter, then ongoing."""
    log = [
        PlanLogEntry(fields={"due_date": ["2027-06-30", None], "is_continuous": [False, True]}),
        PlanLogEntry(
            fields={"due_date": ["2027-05-31", "2027-06-30"], "due_precision": ["month", "quarter"]}
        ),
        PlanLogEntry(fields={"due_date": ["2027-04-30", "2027-05-31"]}),
        PlanLogEntry(fields={"due_precision": [None, "month"]}),
        PlanLogEntry(fields={"due_date": ["2027-04-15", "2027-04-30"]}),
    ]
    current = {"due_date": None, "due_precision": "quarter", "is_continuous": True}
    pairs = [change_log.date_changes(entry, current)["due_date"] for entry in log]
    assert [[labels.format_logged_date("due_date", fields) for fields in pair] for pair in pairs] == [
        ["2027 Q2", "Ongoing (no end date)"],
        ["May 2027", "2027 Q2"],
        ["April 2027", "May 2027"],
        ["April 30, 2027", "April 2027"],
        ["April 15, 2027", "April 30, 2027"],
    ]


def test_a_date_of_a_deleted_action_has_days():
    entry = PlanLogEntry(fields={"start_date": [None, "2027-06-30"], "title": ["A", "B"]})
    changes = change_log.date_changes(entry, {})
    assert list(changes) == ["start_date"]
    texts = [labels.format_logged_date("start_date", fields) for fields in changes["start_date"]]
    assert texts == ["", "June 30, 2027"]


def test_forms_tables_and_the_change_log_call_a_field_the_same():
    columns = dict(ActionFilterSet.base_filters["sort"].extra["choices"])
    form_labels = {name: field.label for name, field in ActionForm.base_fields.items()}
    for name, in_form, column in (("accountable", "accountable", "department"), ("due_date", "due", "due")):
        label = labels.FIELD_LABELS[name]
        assert form_labels[in_form] == columns[column] == label
        assert change_log.field_label("action", name) == label.lower()
    assert form_labels["stage"] == ROLE_LABELS["stage"] == "Strategy"
