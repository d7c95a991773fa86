"""Template tags that need no `{% load %}`: icons, status labels, freshness, partial dates, query strings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django import template
from django.forms import BaseForm
from django.http import QueryDict
from django.templatetags.static import static
from django.utils import formats
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from tenants.memo import said_once
from tenants.models import Jurisdiction

register = template.Library()

# code -> icon, glyph, label. The codes are those of Action.Status; "none": no status yet.
STATUS = {
    "completed": ("check_circle", "mark_completed", _("Completed")),
    "on_track": ("trending_up", "mark_on_track", _("On track")),
    "at_risk": ("warning", "mark_at_risk", _("At risk")),
    "off_track": ("error", "mark_off_track", _("Off track")),
    "on_hold": ("hourglass_empty", "mark_on_hold", _("On hold")),
    "not_started": ("radio_button_unchecked", "mark_not_started", _("Not started")),
    "cancelled": ("close", "mark_left_out", _("Cancelled")),
    "merged": ("close", "mark_left_out", _("Merged")),
    "none": ("remove", "mark_none", _("No status yet")),
}
FRESHNESS = {
    "fresh": ("check", _("Up to date")),
    "due": ("schedule", _("Due now")),
    "overdue": ("alarm", _("Overdue")),
    "stale": ("history", _("Stale")),
    "none": ("remove", _("No update yet")),
}


@register.simple_tag
def alliance_url(name: str, *args: Any) -> str:
    """Like `url`, on the alliance's host: `{% alliance_url "cohort:directory" %}`."""
    return Jurisdiction(schema_name="public").build_url(name, *args)


@register.simple_tag
@said_once
def icon(name: str, css: str = "") -> SafeString:
    """An icon of the sprite. It is hidden from screen readers: always put a label beside it."""
    return format_html(
        '<svg class="{}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        f"usa-icon {css}".rstrip(),
        static("img/icons.svg"),
        name,
    )


@register.simple_tag
def tag(code: str, symbol: str, label: str, big: bool = False) -> SafeString:
    """A label on a status color with an icon, if it is not an action's status: `{% tag "at_risk" "warning" label %}`."""
    css = f"tag tag--{code}" + (" tag--big" if big else "")
    return format_html('<span class="{}">{}{}</span>', css, icon(symbol), label)


@register.simple_tag
@said_once
def status(code: str | None, label: str = "", big: bool = False) -> SafeString:
    """A status as label, icon and color. `label` is a city's own label for the code."""
    symbol, _glyph, default_label = STATUS[code or "none"]
    return tag(code or "none", symbol, label or str(default_label), big)


@register.simple_tag
def status_glyph(code: str | None) -> SafeString:
    """A small glyph for one action in a row of glyphs; the text beside the row has the meaning."""
    return icon(STATUS[code or "none"][1], f"is-{code or 'none'}")


@register.simple_tag
def status_glyphs(codes: Iterable[str | None]) -> SafeString:
    """A row of glyphs."""
    return _status_glyphs(tuple(codes))


@said_once
def _status_glyphs(codes: tuple[str | None, ...]) -> SafeString:
    return SafeString("\n".join([status_glyph(code) for code in codes]))


@register.simple_tag
def status_icon(code: str | None) -> SafeString | str:
    """The icon of a status; empty for any other value."""
    return icon(STATUS[code][0]) if code in STATUS else ""


@register.filter
def status_label(code: str | None) -> str:
    """The portal's label for a status: "Off track"."""
    return str(STATUS[code or "none"][2])


@register.simple_tag
@said_once
def freshness(state: str, days: int | None = None) -> SafeString:
    """The freshness of an action's last update: label, icon and age in days."""
    symbol, label = FRESHNESS[state]
    if days is None:
        return format_html(
            '<span class="fresh fresh--{}">{}<span>{}</span></span>', state, icon(symbol), label
        )
    return format_html(
        '<span class="fresh fresh--{}">{}<span>{} <small>{}</small></span></span>',
        state,
        icon(symbol),
        label,
        days_ago(days),
    )


@register.filter
def days_ago(days: int) -> str:
    """ "today", "1 day ago", "1,240 days ago"; negative days (in the future) count as today."""
    if days <= 0:
        return gettext("today")
    return ngettext("%(days)s day ago", "%(days)s days ago", days) % {
        "days": formats.number_format(days, force_grouping=True)
    }


@register.filter
def partial_date(date: dt.date | None, precision: str = "day") -> str:
    """A date with the given precision: "June 30, 2027", "Jun 2027", "2027 Q2", "2027"; "" without a date."""
    if date is None:
        return ""
    if precision == "year":
        return str(date.year)
    if precision == "quarter":
        return gettext("%(year)s Q%(quarter)s") % {"year": date.year, "quarter": (date.month - 1) // 3 + 1}
    if precision == "month":
        return formats.date_format(date, "M Y")
    return formats.date_format(date, "DATE_FORMAT")


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


@register.simple_tag(takes_context=True)
def hidden_inputs(context: dict[str, Any], *excluded: str) -> SafeString:
    """The page's query as hidden inputs of a GET form, without `page` and the form's own fields (`excluded`)."""
    query: QueryDict = context["request"].GET
    return SafeString(
        "".join(
            format_html('<input type="hidden" name="{}" value="{}">', name, value)
            for name, values in query.lists()
            if name not in {*excluded, "page"}
            for value in values
        )
    )


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
