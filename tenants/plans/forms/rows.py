"""The rows of an action's form: measures, milestones and the departments that help. Each carries the id of its record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, cast

from django import forms
from django.forms.formsets import TOTAL_FORM_COUNT, BaseFormSet
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from tenants.plans.forms.fields import PartialDateField, day_input, format_partial_date
from tenants.plans.models import Action, ActionParty, Milestone, PerformanceMeasure

KIND_FIELDS = {
    "how_much": _("How much will we do?"),
    "how_well": _("How well will we do it?"),
    "better_off": _("Is anyone better off?"),
}
BLANK_ROWS = 2
MAX_ROWS = 200
MAX_DIGITS = 18  # of a number that a form carries


class RowForm(forms.Form):
    """One record. A row without an id and without text is not there; one that is to go is ticked, never just emptied."""

    id = forms.IntegerField(required=False, widget=forms.HiddenInput)
    remove = forms.BooleanField(label=_("Remove"), required=False)
    texts: tuple[str, ...]  # the fields that make a row
    needed: str  # the field that a row must have
    needed_message: Any

    @property
    def is_blank(self) -> bool:
        data = getattr(self, "cleaned_data", {})
        return not any(data.get(name) not in (None, "", (None, "")) for name in self.texts)

    def values(self) -> dict[str, Any]:
        """The fields of the record, for the services."""
        raise NotImplementedError

    @property
    def is_existing(self) -> bool:
        return bool(self.initial.get("id"))

    def says_the_same(self, record: dict[str, Any]) -> bool:
        """Whether the row, of another id or of none, has the values of a record, given as initial values of a row."""
        row = type(self)(record)
        row.full_clean()
        return all(
            self.cleaned_data.get(name) == row.cleaned_data.get(name) for name in record if name != "id"
        )

    @property
    def visible_inputs(self) -> list[forms.BoundField]:
        return [field for field in self.visible_fields() if field.name != "remove"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("remove"):
            self.errors.clear()  # nobody has to mend what goes
            return data
        value = data.get(self.needed)
        if (
            self.needed not in self.errors
            and value in (None, "", (None, ""))
            and (self.is_existing or not self.is_blank)
        ):
            self.add_error(self.needed, self.needed_message)
        return data


class MeasureRow(RowForm):
    text = forms.CharField(
        label=_("Measure"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2})
    )
    kind = forms.ChoiceField(
        label=_("Question"),
        choices=list(KIND_FIELDS.items()),
        initial=PerformanceMeasure.Kind.HOW_MUCH,
        required=False,
    )
    baseline = forms.CharField(label=_("Baseline"), required=False, max_length=200)
    target = forms.CharField(label=_("Target"), required=False, max_length=200)
    texts = ("text", "baseline", "target")
    needed, needed_message = "text", _("Write the measure, or check “Remove”.")

    def clean_text(self) -> str:
        return str(self.cleaned_data["text"]).replace("\r\n", "\n")

    def clean_kind(self) -> str:
        return self.cleaned_data["kind"] or PerformanceMeasure.Kind.HOW_MUCH

    @staticmethod
    def initial_of(measure: PerformanceMeasure) -> dict[str, Any]:
        names = ("text", "kind", "baseline", "target")
        return {"id": measure.pk} | {name: getattr(measure, name) for name in names}

    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("text", "kind", "baseline", "target")}


class MilestoneRow(RowForm):
    title = forms.CharField(label=_("Milestone"), required=False, max_length=300)
    due = PartialDateField(label=_("Due"))
    done_date = forms.DateField(label=_("Done on"), required=False, widget=day_input())
    texts = ("title", "due", "done_date")
    needed, needed_message = "due", _("Add a date, or check “Remove”.")

    @staticmethod
    def initial_of(step: Milestone) -> dict[str, Any]:
        due = format_partial_date(step.due_date, step.due_precision or "day")
        return {"id": step.pk, "title": step.title, "due": due, "done_date": step.done_date}

    def values(self) -> dict[str, Any]:
        """What changed: an untouched date stays as exact as it is."""
        data = self.cleaned_data
        names = ("title", "done_date")
        values = {name: data[name] for name in names if not self.is_existing or name in self.changed_data}
        if not self.is_existing or "due" in self.changed_data:
            values["due_date"], values["due_precision"] = data["due"]
        return values


class PartyRow(RowForm):
    department = forms.CharField(
        label=_("Department or partner"),
        required=False,
        max_length=160,
        widget=forms.TextInput(attrs={"list": "departments", "autocomplete": "off"}),
    )
    role = forms.ChoiceField(
        label=_("Role"),
        choices=ActionParty.Role.choices,
        initial=ActionParty.Role.RESPONSIBLE,
        required=False,
    )
    texts = ("department",)
    needed, needed_message = "department", _("Name the department, or check “Remove”.")

    def clean_role(self) -> str:
        return self.cleaned_data["role"] or ActionParty.Role.RESPONSIBLE

    @staticmethod
    def initial_of(party: ActionParty) -> dict[str, Any]:
        return {"id": party.pk, "department": party.department.name, "role": party.role}

    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("department", "role")}


class RowSet(BaseFormSet):  # type: ignore[type-arg]
    """The rows of one kind: those of the action, and blank ones. A posted row belongs to the record whose id it has."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "missing_management_form": _("The form was not sent completely. Open it again."),
    }
    title: Any  # of one row: "Measure 2"
    known: dict[int, dict[str, Any]]  # the action's records as initial values of rows, by id

    @classmethod
    def build(cls, data: Any, records: Iterable[Any], *, prefix: str) -> RowSet:
        """The rows of a form. `data` without such rows, as an older page or a script sends it, changes none."""
        form_class = cast(Any, cls.form)
        known = {record.pk: form_class.initial_of(record) for record in records}
        if data is None or f"{prefix}-{TOTAL_FORM_COUNT}" not in data:
            rows = cls(initial=list(known.values()), prefix=prefix)
        else:
            rows = cls(data, initial=[known.get(pk, {}) for pk in _posted_ids(data, prefix)], prefix=prefix)
        rows.known = known
        return rows

    def named(self) -> list[tuple[str, RowForm]]:
        """The rows with their names: [("Measure 1", form)]."""
        return [(f"{self.title} {number}", cast(RowForm, form)) for number, form in enumerate(self.forms, 1)]

    def error_links(self) -> list[SafeString]:
        """The errors of all rows, each as a link to its field."""
        links = [format_html("{}", error) for error in self.non_form_errors()]
        for name, row in self.named():
            for field in row:
                links += [
                    format_html('<a href="#{}">{}, {}: {}</a>', field.id_for_label, name, field.label, error)
                    for error in field.errors
                ]
        return links

    def values(self) -> list[dict[str, Any]]:
        """All rows, in order, for the services. What somebody added meanwhile stays: rows only go when they are ticked."""
        rows: list[dict[str, Any]] = []
        seen = set()
        for form in cast(Sequence[RowForm], self.forms):
            if form.is_existing:
                seen.add(form.initial["id"])
            if form.cleaned_data.get("remove") or form.is_blank:
                continue
            rows.append(form.values() | ({"id": form.initial["id"]} if form.is_existing else {}))
        rows += [self._unchanged(pk) for pk in self.known if pk not in seen]
        return rows

    def has_unsaved(self) -> bool:
        """True if a row differs from its record, or has none that says the same, as after going back and saving again."""
        if not self.is_bound:
            return False
        posted = {form.initial.get("id") for form in self.forms}
        others = [record for pk, record in self.known.items() if pk not in posted]
        for form in cast(Sequence[RowForm], self.forms):
            if form.is_existing:
                if form.has_changed():
                    return True
            elif not (form.is_blank or form.cleaned_data.get("remove")):
                same = next((record for record in others if form.says_the_same(record)), None)
                if same is None:
                    return True
                others.remove(same)
        return False

    def _unchanged(self, pk: int) -> dict[str, Any]:
        return {"id": pk}


class PartySet(RowSet):
    title = _("Department")

    def _unchanged(self, pk: int) -> dict[str, Any]:
        return self.known[pk]

    def names(self, role: str) -> list[str]:
        return [row["department"] for row in self.values() if row["role"] == role]


class MeasureSet(RowSet):
    title = _("Measure")


class MilestoneSet(RowSet):
    title = _("Milestone")


def _posted_ids(data: Any, prefix: str) -> list[int | None]:
    """The id of each posted row; None for a new one. None at all without their number: then the rows are not valid."""
    total = _number(data[f"{prefix}-{TOTAL_FORM_COUNT}"]) or 0
    return [_number(data.get(f"{prefix}-{index}-id", "")) for index in range(min(total, MAX_ROWS))]


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= MAX_DIGITS else None


def _factory(form: type[RowForm], formset: type[RowSet]) -> type[Any]:
    return forms.formset_factory(form, formset=formset, extra=BLANK_ROWS, max_num=MAX_ROWS)


MeasureRows = _factory(MeasureRow, MeasureSet)
MilestoneRows = _factory(MilestoneRow, MilestoneSet)
PartyRows = _factory(PartyRow, PartySet)


def rows_of(action: Action | None, related: Any, data: Any) -> dict[str, RowSet]:
    """The rows of an action's form, by prefix; `related` are its RelatedRows."""
    measures = related.measures[action.pk] if action else []
    milestones = related.milestones[action.pk] if action else []
    parties = related.parties[action.pk] if action else []
    return {
        "measures": MeasureRows.build(data, measures, prefix="measures"),
        "milestones": MilestoneRows.build(data, milestones, prefix="milestones"),
        "parties": PartyRows.build(data, parties, prefix="parties"),
    }
