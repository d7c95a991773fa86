"""Template tags that need no `{% load %}`: icons, labels, dates, query strings."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterable, Sequence
from typing import Any

from django import template
from django.forms import BaseForm
from django.http import QueryDict
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from tenants import formats
from tenants.charts import bars
from tenants.jurisdictions.contact import mailto_url, phone_url
from tenants.models import Jurisdiction
from tenants.plans import labels
from tenants.plans.models import Action, Plan

register = template.Library()

# code -> icon, glyph. The codes are those of tenants.plans.standing.
STATUS_ICONS = {
    "completed": ("check_circle", "mark_completed"),
    "on_track": ("trending_up", "mark_on_track"),
    "at_risk": ("warning", "mark_at_risk"),
    "off_track": ("error", "mark_off_track"),
    labels.OVERDUE: ("alarm", "mark_overdue"),
    "on_hold": ("hourglass_empty", "mark_on_hold"),
    "not_started": ("radio_button_unchecked", "mark_not_started"),
    "cancelled": ("close", "mark_left_out"),
    "merged": ("close", "mark_left_out"),
    labels.NO_STATUS: ("remove", "mark_none"),
}
LIBRARY_ICONS = {
    "tool": "build",
    "sample_policy": "verified",
    "practice": "groups",
    "case_study": "topic",
    "training": "school",
    "data_resource": "insights",
    "plan": "list",
    "narrative": "history",
    "report": "assessment",
    "template": "file_present",
    "video": "visibility",
    "toolkit": "local_library",
}
FRESHNESS_ICONS = {
    "fresh": "check",
    "due": "schedule",
    "late": "alarm",
    "stale": "history",
    "undated": "help",
    "none": "remove",
}


@register.simple_tag
def alliance_url(name: str, *args: Any) -> str:
    """Like `url`, on the alliance's host: `{% alliance_url "cohort:directory" %}`."""
    return Jurisdiction(schema_name="public").build_url(name, *args)


@register.simple_tag
def mailto(email: str, subject: str = "") -> str:
    """The URL of a new email: `{% mailto contact.contact_email subject %}`."""
    return mailto_url(email, subject=subject)


@register.simple_tag
def mailto_about(jurisdiction: Jurisdiction, action: Action) -> str:
    """The URL of a new email to the office of a jurisdiction, about one of its actions."""
    return mailto_url(
        jurisdiction.contact_email,
        subject=labels.format_subject(action),
        body=jurisdiction.build_url("dashboard:action", action.code) + "\n\n",
    )


@register.filter
def tel(phone: str) -> str:
    """The URL that dials a phone number."""
    return phone_url(phone)


@register.filter
def bare_url(url: str) -> str:
    """A website's address as people write it: "cityof.example/equity"."""
    return url.partition("://")[2].removeprefix("www.").rstrip("/")


@register.filter
def initials(jurisdiction: Jurisdiction) -> str:
    """What stands for the logo of a jurisdiction without one: "MB"."""
    return formats.initials(jurisdiction.short_name)


@register.simple_tag
@functools.cache
def icon(name: str, css: str = "") -> SafeString:
    """An icon of the sprite. It is hidden from screen readers: always put a label beside it."""
    return format_html(
        '<svg class="{}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        f"usa-icon {css}".rstrip(),
        static("img/icons.svg"),
        name,
    )


@register.simple_tag
def library_icon(item_type: str) -> SafeString:
    """The icon of a library item's type; put its name beside it."""
    return icon(LIBRARY_ICONS[item_type])


@register.simple_tag
@functools.lru_cache(4096, typed=True)  # typed, because a SafeString equals the text that has to be escaped
def tag(code: str, symbol: str, label: str, big: bool = False) -> SafeString:
    """A label on a status color with an icon, if it is not an action's status: `{% tag "at_risk" "warning" label %}`."""
    css = f"tag tag--{code}" + (" tag--big" if big else "")
    return format_html('<span class="{}">{}{}</span>', css, icon(symbol), label)


@register.simple_tag
def status(code: str | None, label: str = "", big: bool = False) -> SafeString:
    """A status as label, icon and color. `label` is a city's own label for the code."""
    code = code or labels.NO_STATUS
    return tag(code, STATUS_ICONS[code][0], label or labels.status_label(code), big)


@register.simple_tag
def action_status(action: Action) -> SafeString:
    """The standing of an action in the words of its plan; load the action with `outcome__goal__plan`."""
    plan = action.outcome.goal.plan
    texts = labels.standing_texts(action.status, action.due_date, plan, on=timezone.localdate())
    return status(texts["state"], texts["status"]) + standing_note(texts["note"])


@register.simple_tag
def standing_note(text: str) -> SafeString:
    """What stands below a status: the report of an overdue action, or that there is none. Empty for no text."""
    return format_html('<span class="standing-note">{}</span>', text) if text else SafeString("")


@register.simple_tag
def status_glyph(code: str | None) -> SafeString:
    """A small glyph for one action in a row of glyphs; the text beside the row has the meaning."""
    code = code or labels.NO_STATUS
    return icon(STATUS_ICONS[code][1], f"is-{code}")


@register.simple_tag
def status_glyphs(codes: Iterable[str | None]) -> SafeString:
    """A row of glyphs."""
    return SafeString("\n".join([status_glyph(code) for code in codes]))


@register.simple_tag
def status_icon(code: str | None) -> SafeString | str:
    """The icon of a status; empty for any other value."""
    return icon(STATUS_ICONS[code][0]) if code in STATUS_ICONS else ""


@register.inclusion_tag("partials/status_bar.html")
def status_bar(
    parts: Sequence[dict[str, Any]],
    whole: int,
    label: str,
    heads: Sequence[dict[str, Any]] = (),
    css: str = "",
) -> dict[str, Any]:
    """A bar of counts that are links: [{"state", "label", "count", "url"}], with "is_current" for the list shown.

    `label` names the bar; `heads` are sums above it: [{"count", "label", "parts"}], with the number of parts below each.
    """
    return {
        "segments": bars.segments(parts, whole),
        "heads": [head | {"units": bars.units(head["count"], whole)} for head in heads],
        "whole": bars.units(whole, whole),
        "label": label,
        "css": css,
    }


@register.inclusion_tag("partials/status_bar_mini.html")
def status_bar_mini(
    parts: Sequence[dict[str, Any]], largest: int, label: str, css: str = "sbar--mini"
) -> dict[str, Any]:
    """A small bar of counts, [{"state", "count"}], at the scale of a bar of `largest`; `label` says the same in words."""
    segments, whole = bars.segments(parts, largest), bars.units(largest, largest)
    rest = max(0, whole - sum(part["units"] for part in segments))
    return {"segments": segments, "whole": whole, "rest": rest, "label": label, "css": css}


@register.inclusion_tag("partials/bars_by_count.html")
def bars_by_count(lines: Sequence[dict[str, Any]], largest: int, labelled_by: str) -> dict[str, Any]:
    """A bar for each line, [{"label", "count", "url", "is_none"}]; `labelled_by` is the id of their heading."""
    return {
        "segments": bars.segments(lines, largest),
        "whole": bars.units(largest, largest),
        "labelled_by": labelled_by,
    }


@register.simple_tag
def field_label(name: str) -> str:
    """What columns and pages call a field of an action: {% field_label "due_date" %}"""
    return str(labels.FIELD_LABELS[name])


@register.filter
def stage_label(code: str) -> str:
    """The label of an action's stage: "Organize"."""
    return labels.stage_label(code)


@register.filter
def without_period(title: str) -> str:
    """The title of an action as a heading, for places where its number stands apart."""
    return formats.action_heading("", title)


@register.filter
def due(action: Action) -> str:
    """When an action is due: "June 2027"."""
    return labels.format_due(action.due_date, action.due_precision, action.is_continuous)


@register.filter
def accountable(action: Action) -> str:
    """Who is accountable for an action: the department, or that the position is vacant."""
    department = str(action.accountable) if action.accountable else ""
    return labels.format_accountable(department, action.owner_vacant_since)


@register.simple_tag
def freshness(state: str, days: int | None = None) -> SafeString:
    """The freshness of an action's last update: an icon, and its age in days if there is one."""
    return _freshness(state, days, get_language())


@functools.lru_cache(4096)
def _freshness(state: str, days: int | None, _language: str | None) -> SafeString:
    text = labels.FRESHNESS_LABELS[state] if days is None else labels.format_age_of_update(state, days)
    return format_html(
        '<span class="fresh fresh--{}">{}<span>{}</span></span>', state, icon(FRESHNESS_ICONS[state]), text
    )


@register.filter
def partial_date(day: dt.date | None, precision: str = "day") -> str:
    """A date with the given precision: "June 2027"."""
    return formats.format_partial_date(day, precision)


@register.filter
def the_kind(jurisdiction: Jurisdiction) -> str:
    """The word for a jurisdiction in a sentence: "the county"; at its beginning `{{ jurisdiction|the_kind|capfirst }}`."""
    return formats.the_kind(jurisdiction.kind)


@register.filter
def years(plan: Plan) -> str:
    """The years of a plan: "2025–2029"."""
    return labels.format_period(plan)


@register.simple_tag(takes_context=True)
def query_with(context: dict[str, Any], *pair: Any, **changes: Any) -> str:
    """The page's query string with these values replaced; None or "" removes one: "?status=at_risk&page=2".

    A variable name comes first, followed by its value: `{% query_with facet.name choice.value page=None %}`.
    """
    query: QueryDict = context["request"].GET.copy()
    for name, value in [*zip(pair[::2], pair[1::2], strict=True), *changes.items()]:
        if value in (None, ""):
            query.pop(name, None)
        else:
            query[name] = str(value)
    return f"?{query.urlencode()}"


@register.filter
def error_count(form: BaseForm) -> int:
    """Number of errors of a form: of all its fields and of the form itself."""
    return sum(len(errors) for errors in form.errors.values())


@register.filter
def lead_in(text: Any) -> str:
    """A label with a colon, unless it ends in punctuation: "Email:", but "What is it about?"."""
    text = str(text)
    return text if text.endswith(("?", "!", ".", ":", "…")) else f"{text}:"


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """`mapping[key]`, or None; for variable keys."""
    try:
        return mapping[key]
    except (KeyError, IndexError, TypeError):
        return None
