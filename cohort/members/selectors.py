"""The members of the alliance. Reads the registry, never a city's schema."""

from __future__ import annotations

from typing import Any

from cohort.labels import site_url
from tenants.formats import choice_label, lowercase_first
from tenants.models import Jurisdiction


def members() -> Any:
    """The jurisdictions that belong to the alliance now."""
    return Jurisdiction.objects.tenants().exclude(entry_stage=Jurisdiction.MembershipStage.OFFBOARDED)


def members_by_stage() -> list[dict[str, Any]]:
    """The stages of joining in order, each with its members; sustaining members and mentors count to the last one.

    [{"stage": "onboarding", "label": "Onboarding", "jurisdictions": [{"name", "url", "note"}]}]; `url` is empty while
    the jurisdiction has no public site.
    """
    stage = Jurisdiction.MembershipStage
    steps = [stage.ONBOARDING, stage.LEARNING, stage.PLANNING, stage.ADOPTED_PLAN, stage.IMPLEMENTING]
    by_step: dict[str, list[dict[str, str]]] = {step: [] for step in steps}
    for jurisdiction in members().order_by("short_name"):
        is_beyond = jurisdiction.entry_stage in (stage.SUSTAINING, stage.MENTOR)
        step = stage.IMPLEMENTING if is_beyond else jurisdiction.entry_stage
        if step in by_step:
            note = lowercase_first(choice_label(stage, jurisdiction.entry_stage)) if is_beyond else ""
            by_step[step].append(
                {"name": jurisdiction.short_name, "url": site_url(jurisdiction), "note": note}
            )
    return [
        {"stage": step, "label": str(stage(step).label), "jurisdictions": jurisdictions}
        for step, jurisdictions in by_step.items()
    ]
