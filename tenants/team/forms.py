"""Forms of the team page: invite, change roles, transfer the coordinator role."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tenants.models import ALLIANCE_ROLES, CITY_ROLES, Affiliation, Jurisdiction, Role

# Text for each role on the page; the roles that allow most come first.
ROLE_DESCRIPTIONS: dict[str, Any] = {
    Role.COORDINATOR: _("everything here, also publishing and the team"),
    Role.PLAN_EDITOR: _("the plan, its import, and pages in draft"),
    Role.DEPARTMENT_LEAD: _("progress on the department’s own actions"),
    Role.CONTRIBUTOR: _("pages in draft, for the coordinator to publish"),
    Role.VIEWER: _("reads the workspace"),
    Role.MEMBER: _("reads what members share, nothing here"),
    Role.STAFF_ADMIN: _("everything of the alliance, also its team"),
    Role.STAFF_ONBOARDING: _("opens jurisdictions and looks after them"),
    Role.LIBRARY_CURATOR: _("the library and the alliance’s pages"),
}


def assignable_roles(jurisdiction: Jurisdiction) -> list[Role]:
    """Roles that can be held at a jurisdiction; those that allow most come first."""
    allowed = CITY_ROLES if jurisdiction.is_tenant else ALLIANCE_ROLES
    return [Role(role) for role in ROLE_DESCRIPTIONS if role in allowed]


class RolesField(forms.MultipleChoiceField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label=_("Roles"), widget=forms.CheckboxSelectMultiple, **kwargs)


class TeamForm(forms.Form):
    """A form with the roles of its jurisdiction."""

    def __init__(self, *args: Any, jurisdiction: Jurisdiction, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [
            (role.value, f"{role.label}: {ROLE_DESCRIPTIONS[role]}")
            for role in assignable_roles(jurisdiction)
        ]
        self.fields["roles"].choices = choices  # type: ignore[attr-defined]
        if not jurisdiction.is_tenant:
            self.fields["department"].help_text = ""
            self.fields.pop("is_public", None)


class InviteForm(TeamForm):
    email = forms.EmailField(label=_("Email address"), widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    name = forms.CharField(label=_("Name"), max_length=120, required=False)
    title = forms.CharField(label=_("Job title"), max_length=120, required=False)
    department = forms.CharField(
        label=_("Department"),
        max_length=120,
        required=False,
        help_text=_("As the plan names it. A department lead reports on this department’s actions."),
    )
    roles = RolesField()


class PersonForm(TeamForm):
    title = forms.CharField(label=_("Job title"), max_length=120, required=False)
    department = forms.CharField(label=_("Department"), max_length=120, required=False)
    is_public = forms.BooleanField(label=_("The name may be shown on public pages"), required=False)
    roles = RolesField()


class TransferCoordinatorForm(forms.Form):
    to = forms.ModelChoiceField(label=_("Who takes over"), queryset=Affiliation.objects.none())

    def __init__(self, *args: Any, others: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["to"]
        field.queryset = others  # type: ignore[attr-defined]
        field.label_from_instance = lambda affiliation: f"{affiliation.user} ({affiliation.user.email})"  # type: ignore[attr-defined]
