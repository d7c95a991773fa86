"""A folded goal of the editor: its status bar, and the counts in words."""

from __future__ import annotations

import datetime as dt
import re

from django.utils import timezone
from django.utils.html import strip_tags

from tenants.plans.models import Action, Goal, Plan
from tests.plans.factories import ActionFactory
from tests.plans.pages import url
from tests.plans.test_editor_tree import goal_of


def text_of(html: str) -> str:
    return " ".join(strip_tags(html).split())


def summary_of(text: str, goal: Goal) -> str:
    return goal_of(text, goal).split("<summary>")[1].split("</summary>")[0]


def test_the_summary_of_a_goal_has_its_status_bar_and_the_same_in_words(
    coordinator_client, riverton, in_city, django_assert_num_queries
):
    with in_city(riverton):
        Plan.objects.update(lifecycle="implementing", status_labels={"on_track": "Moving"})
        Action.objects.update(retired_at=timezone.now())
        goal, unreported, *_rest = Goal.objects.order_by("position")
        outcome, due = goal.outcomes.first(), timezone.localdate() - dt.timedelta(days=1)
        for status in ("completed", "on_track", "on_track", "cancelled", None):
            ActionFactory(outcome=outcome, status=status, due_date=None)
        ActionFactory(outcome=outcome, status="on_track", due_date=due)
        ActionFactory(outcome=outcome, status=None, due_date=due)
        ActionFactory(outcome=unreported.outcomes.first(), status=None, due_date=due)
    summary = summary_of(coordinator_client.get(url("editor")).text, goal)
    words = "1 completed, 2 moving, 1 overdue, 2 no status yet, 1 cancelled"
    bar, text = re.search(r'<span class="sbar.*?</span>\s*</span>', summary, re.S)[0], text_of(summary)
    assert re.findall(r'class="u-(\d+) is-(\w+)"', bar) == [
        ("1", "completed"),
        ("2", "on_track"),
        ("1", "overdue"),
        ("2", "none"),
    ]
    assert "t-6" in bar
    assert f'role="img" aria-label="{words}"' in bar
    assert "7 actions" in text
    assert text.endswith(words)
    nothing = summary_of(coordinator_client.get(url("editor")).text, unreported)
    assert "sbar" not in nothing
    assert text_of(nothing).endswith("1 action 1 no status yet")
    with in_city(riverton):
        Plan.objects.update(lifecycle="draft")
    draft = summary_of(coordinator_client.get(url("editor")).text, goal)
    assert "sbar" not in draft
    assert "overdue" not in draft
