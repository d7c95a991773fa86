"""Form of a progress note."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.plans import labels, services
from tenants.plans.forms.fields import day_input


class ProgressForm(forms.Form):
    """A progress note. The service checks which status needs a reason and a next step."""

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

    def __init__(self, *args: Any, status_labels: dict[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["status"]
        field.choices = [(code, labels.status_label(code, status_labels)) for code, _label in field.choices]
