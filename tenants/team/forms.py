"""Forms of the team page: invite, change roles, transfer the coordinator role."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tenants.formats import format_number
from tenants.jurisdictions.fields import ChangesMixin
from tenants.models import ALLIANCE_ROLES, CITY_ROLES, Affiliation, Jurisdiction, Role
from tenants.team import departments

# Text for each role on the page; the roles that allow most come first.
ROLE_DESCRIPTIONS: dict[str, Any] = {
    Role.COORDINATOR: gettext_lazy("full access, including publishing and the team"),
    Role.PLAN_EDITOR: gettext_lazy("the plan, its import, and pages in draft"),
    Role.DEPARTMENT_LEAD: gettext_lazy("progress on the department’s own actions"),
    Role.CONTRIBUTOR: gettext_lazy("pages in draft, for the coordinator to publish"),
    Role.VIEWER: gettext_lazy("reads the workspace"),
    Role.MEMBER: gettext_lazy("reads what members share, but not this workspace"),
    Role.STAFF_ADMIN: gettext_lazy("full access to the alliance, including its team"),
    Role.STAFF_ONBOARDING: gettext_lazy("adds jurisdictions and supports them"),
    Role.LIBRARY_CURATOR: gettext_lazy("the library and the alliance’s pages"),
}


def assignable_roles(jurisdiction: Jurisdiction) -> list[Role]:
    """Roles that can be held at a jurisdiction; those that allow most come first."""
    allowed = CITY_ROLES if jurisdiction.is_tenant else ALLIANCE_ROLES
    return [Role(role) for role in ROLE_DESCRIPTIONS if role in allowed]


class RolesField(forms.MultipleChoiceField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label=gettext_lazy("Roles"), widget=forms.CheckboxSelectMultiple, **kwargs)


class TeamForm(forms.Form):
    """A form with the roles of its jurisdiction and, at a city, the departments of its plan.

    A person whose department the plan does not name keeps it until another one is chosen, unless the person leads it.
    """

    def __init__(self, *args: Any, jurisdiction: Jurisdiction, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [
            (role.value, f"{role.label}: {ROLE_DESCRIPTIONS[role]}")
            for role in assignable_roles(jurisdiction)
        ]
        self.fields["roles"].choices = choices  # type: ignore[attr-defined]
        self.departments = departments.of_the_plan() if jurisdiction.is_tenant else []
        if jurisdiction.is_tenant:
            self._offer_departments()
        else:
            self.fields["department"].help_text = ""
            self.fields.pop("is_public", None)

    def _offer_departments(self) -> None:
        current = self.initial.get("department", "").strip()
        known = departments.find(self.departments, current)
        choices = [("", _("None")), *((each.name, describe_department(each)) for each in self.departments)]
        if known:
            self.initial["department"] = known.name
        elif current:
            choices.append((current, _("%(name)s (not in the plan)") % {"name": current}))
        field = self.fields["department"]
        self.fields["department"] = DepartmentField(
            label=field.label, required=False, choices=choices, help_text=field.help_text
        )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        leads = Role.DEPARTMENT_LEAD in cleaned.get("roles", [])
        if (
            leads
            and "department" in cleaned
            and not departments.find(self.departments, cleaned["department"])
        ):
            self.add_error("department", self._why_no_lead(cleaned["department"]))
        return cleaned

    def _why_no_lead(self, name: str) -> str:
        if not self.departments:
            return _(
                "The plan has no departments yet. Assign its actions to departments first; "
                "then this person can report for one."
            )
        if name:
            return _("The plan has no department “%(name)s”. Choose the one this person reports for.") % {
                "name": name
            }
        return _("Choose the department this person reports for.")


def describe_department(department: departments.PlanDepartment) -> str:
    """The department as a choice: "Human Resources: reports on 3 actions"."""
    return ngettext(
        "%(name)s: reports on %(count)s action", "%(name)s: reports on %(count)s actions", department.actions
    ) % {"name": department.name, "count": format_number(department.actions)}


class DepartmentField(forms.ChoiceField):
    default_error_messages: ClassVar[dict[str, Any]] = {
        "invalid_choice": gettext_lazy("The plan has no department “%(value)s”. Choose one from the list."),
    }


class InviteForm(TeamForm):
    email = forms.EmailField(
        label=gettext_lazy("Email address"), widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120, required=False)
    title = forms.CharField(label=gettext_lazy("Job title"), max_length=120, required=False)
    roles = RolesField()
    department = forms.CharField(
        label=gettext_lazy("Department"),
        max_length=120,
        required=False,
        help_text=gettext_lazy("A department lead needs one, and reports on its actions."),
    )


class PersonForm(ChangesMixin, TeamForm):
    title = forms.CharField(label=gettext_lazy("Job title"), max_length=120, required=False)
    roles = RolesField()
    department = forms.CharField(
        label=gettext_lazy("Department"),
        max_length=120,
        required=False,
        help_text=gettext_lazy("A department lead needs one, and reports on its actions."),
    )
    is_public = forms.BooleanField(
        label=gettext_lazy("The name may be shown on public pages"), required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.carry_initial_values()


class TransferCoordinatorForm(forms.Form):
    to = forms.ModelChoiceField(label=gettext_lazy("Who takes over"), queryset=Affiliation.objects.none())

    def __init__(self, *args: Any, others: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["to"]
        field.queryset = others  # type: ignore[attr-defined]
        field.label_from_instance = lambda affiliation: f"{affiliation.user} ({affiliation.user.email})"  # type: ignore[attr-defined]
