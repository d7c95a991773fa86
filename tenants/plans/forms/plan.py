"""Forms of the plan, its goals and outcomes, and what the forms of plan items share."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy as _

from tenants.models import ActionStage, Sector
from tenants.plans.change_log import commitment_labels
from tenants.plans.forms.fields import day_input
from tenants.plans.labels import FIELD_LABELS, STAGE_HELP
from tenants.plans.models import Goal, Outcome, Plan

STAGES = [("", _("Not set")), *ActionStage.choices]
# Of texts whose columns have no limit: every page of the plan repeats titles, and a cell of a workbook holds 32,767.
MAX_LENGTHS = {"title": 2_000, "story": 20_000, "summary": 20_000, "vision": 20_000}


def stage_field() -> forms.ChoiceField:
    return forms.ChoiceField(
        label=FIELD_LABELS["stage"], help_text=STAGE_HELP, required=False, choices=STAGES
    )


class VersionMixin(forms.Form):
    """Carries the version of the row that the person saw, so that two people cannot overwrite each other.

    The input is named "seen": pages that are open during an upgrade send it by that name.
    """

    version = forms.CharField(required=False, widget=forms.HiddenInput)

    def add_prefix(self, field_name: str) -> str:
        return super().add_prefix("seen" if field_name == "version" else field_name)


class ReasonMixin(forms.Form):
    """The reason for a change; its hint names the commitments of `object_type`.

    With `is_adopted` these cannot change without one: then the label does not call it optional.
    """

    object_type: str
    reason = forms.CharField(label=_("Reason for the change"), required=False, max_length=300)

    def __init__(self, *args: Any, is_adopted: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].is_required_for_some_changes = is_adopted  # type: ignore[attr-defined]
        self.fields["reason"].help_text = _(
            "Kept in the history. If the plan is adopted, required and published for changes to: %(fields)s."
        ) % {"fields": commitment_labels(self.object_type)}


class PlanItemForm(VersionMixin, forms.ModelForm):
    """Form of a plan, goal or outcome; `values` are the fields for its service."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, limit in MAX_LENGTHS.items():
            field: Any = self.fields.get(name)
            if field is not None and field.max_length is None:
                field.max_length = limit
                field.validators.append(MaxLengthValidator(limit))
                field.widget.attrs["maxlength"] = str(limit)

    def values(self) -> dict[str, Any]:
        names = self._meta.fields or []
        return {name: self.cleaned_data[name] for name in names if name in self.cleaned_data}


class GoalForm(PlanItemForm, ReasonMixin):
    object_type = "goal"
    field_order = ["label", "title", "story", "department", "sectors", "reason"]
    sectors = forms.MultipleChoiceField(
        label=_("Sectors"), required=False, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = Goal
        fields = ["label", "title", "story", "department", "sectors"]
        widgets = {"title": forms.Textarea(attrs={"rows": 2}), "story": forms.Textarea(attrs={"rows": 4})}
        help_texts = {
            "label": _("As you number it, like “Goal 1”."),
            "story": _("How this goal is going, in your own words. Visible to the public."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sectors: Any = self.fields["sectors"]
        sectors.choices = list(Sector.objects.order_by("position").values_list("slug", "label"))
        if not sectors.choices:
            del self.fields["sectors"]


class OutcomeForm(PlanItemForm, ReasonMixin):
    object_type = "outcome"
    field_order = ["label", "title", "stage", "story", "reason"]

    class Meta:
        model = Outcome
        fields = ["label", "title", "stage", "story"]
        widgets = {"title": forms.Textarea(attrs={"rows": 2}), "story": forms.Textarea(attrs={"rows": 3})}
        help_texts = {
            "label": _("As you number it, like “A”."),
            "title": _("The change you commit to bring about, as a full sentence."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["stage"] = stage_field()


class PlanForm(PlanItemForm):
    class Meta:
        model = Plan
        fields = ["title", "summary", "vision", "period_start", "period_end", "cadence_days", "grace_days"]
        widgets = {
            "summary": forms.Textarea(attrs={"rows": 4}),
            "vision": forms.Textarea(attrs={"rows": 3}),
            "period_start": day_input(),
            "period_end": day_input(),
        }
        help_texts = {
            "summary": _("In plain language, for residents."),
            "cadence_days": _("An update is due this many days after the last one. 92 days is a quarter."),
            "grace_days": _("This many days after an update was due, the action shows “No recent update”."),
        }


class RetireForm(VersionMixin, forms.Form):
    reason = forms.CharField(
        label=_("Why is it archived?"), help_text=_("Stays in the history."), max_length=300
    )
