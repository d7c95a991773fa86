"""The states, the District of Columbia and the territories of the United States, by their postal codes."""

from __future__ import annotations

from django.utils.translation import gettext as _
from localflavor.us.us_states import CONTIGUOUS_STATES, NON_CONTIGUOUS_STATES, US_TERRITORIES

US_STATES = dict(CONTIGUOUS_STATES + NON_CONTIGUOUS_STATES + US_TERRITORIES)


def state_choices() -> list[tuple[str, str]]:
    """The choices of a form, by name."""
    return sorted(((code, str(name)) for code, name in US_STATES.items()), key=lambda choice: choice[1])


def state_name(code: str) -> str:
    """Name of a state; the code itself if it is unknown, "No state given" if it is empty."""
    return str(US_STATES.get(code.upper(), code)) if code else _("No state given")
