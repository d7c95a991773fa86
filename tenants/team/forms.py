from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tenants.models import Affiliation, Role

# What each role may do, in the words of the page; in the order of how much.
ROLES: list[tuple[str, Any]] = [
    (Role.COORDINATOR, _("Coordinator: everything here, also publishing and the team")),
    (Role.PLAN_EDITOR, _("Plan editor: the plan, its import, and pages in draft")),
    (Role.DEPARTMENT_LEAD, _("Department lead: progress on the department’s own actions")),
    (Role.CONTRIBUTOR, _("Contributor: pages in draft, for the coordinator to publish")),
    (Role.VIEWER, _("Viewer: reads the workspace")),
    (Role.MEMBER, _("Member of the cohort: reads what members share, nothing here")),
]


class RolesField(forms.MultipleChoiceField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label=_("Roles"), choices=ROLES, widget=forms.CheckboxSelectMultiple, **kwargs)


class InviteForm(forms.Form):
    email = forms.EmailField(label=_("Mail address"), widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    name = forms.CharField(label=_("Name"), max_length=120, required=False)
    title = forms.CharField(label=_("Job title"), max_length=120, required=False)
    department = forms.CharField(
        label=_("Department"),
        max_length=120,
        required=False,
        help_text=_("As the plan names it. A department lead reports on this department’s actions."),
    )
    roles = RolesField()


class PersonForm(forms.Form):
    title = forms.CharField(label=_("Job title"), max_length=120, required=False)
    department = forms.CharField(label=_("Department"), max_length=120, required=False)
    is_public = forms.BooleanField(label=_("The name may be shown on public pages"), required=False)
    roles = RolesField()


class HandOverForm(forms.Form):
    to = forms.ModelChoiceField(label=_("Who takes over"), queryset=Affiliation.objects.none())

    def __init__(self, *args: Any, others: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["to"]
        field.queryset = others  # type: ignore[attr-defined]
        field.label_from_instance = lambda one: f"{one.user} ({one.user.email})"  # type: ignore[attr-defined]
