"""Tags every template may use without loading them: icons, status words, freshness, dates by precision, links."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import formats
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

register = template.Library()

# code -> icon, word. The codes are those of Action.Status; "none" stands for no status yet.
STATUS = {
    "completed": ("check_circle", _("Completed")),
    "on_track": ("trending_up", _("On track")),
    "at_risk": ("warning", _("At risk")),
    "off_track": ("error", _("Off track")),
    "on_hold": ("hourglass_empty", _("On hold")),
    "not_started": ("radio_button_unchecked", _("Not started")),
    "cancelled": ("close", _("Cancelled")),
    "merged": ("close", _("Merged")),
    "none": ("remove", _("No status yet")),
}
FRESHNESS = {
    "fresh": ("check", _("Up to date")),
    "due": ("schedule", _("Due now")),
    "overdue": ("alarm", _("Overdue")),
    "stale": ("history", _("Stale")),
    "none": ("remove", _("No update yet")),
}


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """An icon of the sprite, hidden from screen readers: always put a word beside it."""
    return format_html(
        '<svg class="usa-icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        css,
        static("img/icons.svg"),
        name,
    )


@register.simple_tag
def status(code: str | None, label: str = "", big: bool = False) -> SafeString:
    """A status in word, icon and color. `label` is a city's own word for the code."""
    symbol, word = STATUS[code or "none"]
    css = f"tag tag--{code or 'none'}" + (" tag--big" if big else "")
    return format_html('<span class="{}">{}{}</span>', css, icon(symbol), label or word)


@register.simple_tag
def status_mark(code: str | None) -> SafeString:
    """A small mark for one action in a row of marks; the row's words carry the meaning."""
    return icon(STATUS[code or "none"][0], f"is-{code or 'none'}")


@register.filter
def status_word(code: str | None) -> str:
    return str(STATUS[code or "none"][1])


@register.simple_tag
def freshness(state: str, days: int | None = None) -> SafeString:
    """How old the last word on an action is: state in word and icon, and its age in days."""
    symbol, word = FRESHNESS[state]
    if days is None:
        return format_html('<span class="fresh fresh--{}">{}<span>{}</span></span>', state, icon(symbol), word)
    if days == 0:
        age = gettext("today")
    else:
        age = ngettext("%(days)s day ago", "%(days)s days ago", days) % {"days": formats.number_format(days)}
    return format_html(
        '<span class="fresh fresh--{}">{}<span>{} <small>{}</small></span></span>', state, icon(symbol), word, age
    )


@register.filter
def promised(date: dt.date | None, precision: str = "day") -> str:
    """A date no more exact than it was meant: "June 30, 2027", "Jun 2027", "2027 Q2", "2027"; "" without a date."""
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
def query_with(context: dict[str, Any], **changes: Any) -> str:
    """The page's query string with these values instead; None or "" takes one out: "?status=at_risk&page=2"."""
    query = context["request"].GET.copy()
    for name, value in changes.items():
        if value in (None, ""):
            query.pop(name, None)
        else:
            query[name] = str(value)
    return f"?{query.urlencode()}"


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """`mapping[key]`, or None: for keys that are variables."""
    try:
        return mapping[key]
    except (KeyError, IndexError, TypeError):
        return None
