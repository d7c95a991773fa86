"""Forms of a progress note: a new report, its correction, its withdrawal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from tenants.formats import format_partial_date
from tenants.plans import labels, services
from tenants.plans.forms.fields import day_input
from tenants.plans.forms.plan import VersionMixin
from tenants.plans.models import Milestone, ProgressNote


class ProgressForm(forms.Form):
    """A progress note, and which milestones are done. The service checks which status needs a reason and a next step."""

    status = forms.ChoiceField(
        label=_("How is it going?"),
        choices=[(choice.value, choice.label) for choice in services.REPORTABLE_STATUSES],
        widget=forms.RadioSelect(attrs={"class": "choice choice--status"}),
    )
    text = forms.CharField(
        label=_("What happened?"),
        help_text=_("One or two sentences that a resident understands."),
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    reason = forms.CharField(
        label=_("What is in the way?"),
        help_text=_("Needed for at risk, off track, on hold and cancelled."),
        required=False,
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    next_step = forms.CharField(
        label=_("What is next?"),
        help_text=_("Needed for at risk, off track and on hold."),
        required=False,
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    on = forms.DateField(label=_("As of"), widget=day_input(), initial=timezone.localdate)

    def __init__(
        self,
        *args: Any,
        status_labels: dict[str, str] | None = None,
        milestones: Iterable[Milestone] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["status"]
        field.choices = [(code, labels.status_label(code, status_labels)) for code, _label in field.choices]
        self.milestones = list(milestones)
        for milestone in self.milestones:
            done, day = _names(milestone)
            # With what this person saw: only what they changed is saved, whatever others have ticked meanwhile.
            seen: dict[str, Any] = {"required": False, "show_hidden_initial": True}
            self.fields[done] = forms.BooleanField(
                label=_milestone_label(milestone), initial=milestone.done_date is not None, **seen
            )
            self.fields[day] = forms.DateField(
                label=_("Done on"), widget=day_input(), initial=milestone.done_date, **seen
            )

    def report_fields(self) -> list[forms.BoundField]:
        """The fields of the report itself, without the milestones."""
        own = {name for milestone in self.milestones for name in _names(milestone)}
        return [field for field in self.visible_fields() if field.name not in own]

    def milestone_fields(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """For each milestone the box “done” and its day."""
        return [(self[done], self[day]) for done, day in map(_names, self.milestones)]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        today = timezone.localdate()
        for milestone in self.milestones:
            done, day = _names(milestone)
            given = data.get(day)
            if given and given > today:
                self.add_error(day, _now("This date is in the future. Choose today or an earlier date."))
            elif given and not data.get(done) and day in self.changed_data:
                self.add_error(day, _now("Check the box if it is done, or leave the day empty."))
        return data

    def values(self) -> dict[str, Any]:
        """Fields for `services.record_progress`. A milestone that is done without a day was done on that of the report."""
        data = self.cleaned_data
        report = {name: data[name] for name in ("status", "text", "reason", "next_step", "on")}
        days: dict[UUID, dt.date | None] = {
            milestone.uuid: (data.get(day) or data["on"]) if data.get(done) else None
            for milestone in self.milestones
            for done, day in [_names(milestone)]
            if {done, day} & set(self.changed_data)
        }
        return report | {"milestones": days}


class CorrectionForm(VersionMixin, ProgressForm):
    """A report with other words. What an imported report never had, a day or a status, may stay empty."""

    def __init__(self, *args: Any, note: ProgressNote, **kwargs: Any) -> None:
        kwargs["initial"] = {
            "status": note.status,
            "text": note.text,
            "reason": note.reason,
            "next_step": note.next_step,
            "on": note.noted_on,
            "version": services.version_token(note),
        }
        super().__init__(*args, **kwargs)
        self.fields["on"].required = note.noted_on is not None
        if not note.status:
            field: Any = self.fields["status"]
            field.choices = [("", labels.status_label("")), *field.choices]
            field.required = False

    def values(self) -> dict[str, Any]:
        """Fields for `services.correct_progress`."""
        names = ("status", "text", "reason", "next_step", "on", "version")
        return {name: self.cleaned_data[name] for name in names}


class WithdrawForm(forms.Form):
    reason = forms.CharField(
        label=_("Why is it withdrawn?"), help_text=_("Stays in the history."), max_length=300
    )


def _names(milestone: Milestone) -> tuple[str, str]:
    return f"done-{milestone.uuid}", f"done-on-{milestone.uuid}"


def _milestone_label(milestone: Milestone) -> str:
    due = format_partial_date(milestone.due_date, milestone.due_precision)
    if milestone.title:
        return _now("%(title)s (due %(day)s)") % {"title": milestone.title, "day": due}
    return _now("Due %(day)s") % {"day": due}
