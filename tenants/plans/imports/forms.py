"""Forms of the import pages: the file, and the mapping of its columns."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from tenants.plans import spreadsheets
from tenants.plans.imports.services import MAX_MEGABYTES
from tenants.plans.labels import FIELD_LABELS

DATE_ORDERS = [
    ("month/day/year", _("Month first: 05/06/2026 is May 6")),
    ("day/month/year", _("Day first: 05/06/2026 is June 5")),
    ("year/month/day", _("Year first: 2026/05/06")),
]
ROLE_LABELS = {
    "action": _("Action (and goals and outcomes between)"),
    "details": _("Details of the action"),
    "number": _("Number"),
    "code": _("Code"),
    "goal": _("Goal"),
    "outcome": _("Outcome"),
    "accountable": FIELD_LABELS["accountable"],
    "support": _("Supporting"),
    "start": _("Start"),
    "timeline": _("Timeline or due date"),
    "measures": _("Performance measures"),
    "measures_how_much": _("Measures: how much"),
    "measures_how_well": _("Measures: how well"),
    "measures_better_off": _("Measures: better off"),
    "indicator": _("Community indicator"),
    "status": _("Status"),
    "stage": FIELD_LABELS["stage"],
    "progress": _("Progress notes"),
    "resources": _("Resources"),
    "implementation_plan": _("Steps"),
    "changes": _("What changed"),
    "note": _("Save as a note"),
    "ignore": _("Leave out"),
}


class UploadForm(forms.Form):
    file = forms.FileField(
        label=_("Your plan’s spreadsheet"),
        help_text=_("XLSX or CSV, up to %(limit)d MB, in the layout you use today.")
        % {"limit": MAX_MEGABYTES},
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".xlsx,.csv"}),
    )
    date_order = forms.ChoiceField(label=_("Date format in your file"), choices=DATE_ORDERS)

    def clean_file(self) -> UploadedFile:
        file: UploadedFile = self.cleaned_data["file"]
        if (file.size or 0) > MAX_MEGABYTES * 1024 * 1024:
            raise ValidationError(
                _(
                    "“%(file)s” has %(size)d MB; the limit is %(limit)d MB. Save it without pictures, or as CSV."
                )
                % {"file": file.name, "size": (file.size or 0) // 1024 // 1024 + 1, "limit": MAX_MEGABYTES}
            )
        return file


class ReasonForm(forms.Form):
    """One reason for all rows of an import. The service decides whether it is needed."""

    reason = forms.CharField(
        label=_("Reason for these changes"),
        help_text=_("The plan is adopted. Changes to what was adopted are published with this reason."),
        required=False,
        max_length=300,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].is_required_for_some_changes = True  # type: ignore[attr-defined]


class ColumnsForm(forms.Form):
    """The role of each column, sheet by sheet; `mapping` is for `check_import`."""

    def __init__(self, *args: Any, sheets: list[dict[str, Any]], date_order: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sheets = [sheet for sheet in sheets if sheet["kind"] != "hidden"]
        choices = [(role, ROLE_LABELS[role]) for role in spreadsheets.COLUMN_ROLES]
        for index, sheet in enumerate(self.sheets):
            self.fields[f"s{index}_header"] = forms.IntegerField(
                label=_("Row with the column titles"),
                min_value=1,
                max_value=1_048_576,
                required=False,
                initial=sheet["header_row"],
            )
            for column in sheet["columns"]:
                if column["role"] != "id":
                    self.fields[f"s{index}_{column['letter']}"] = forms.ChoiceField(
                        label=_("Column %(letter)s") % {"letter": column["letter"]},
                        choices=choices,
                        initial=column["role"] if column["role"] in spreadsheets.COLUMN_ROLES else "note",
                    )
        self.fields["date_order"] = forms.ChoiceField(
            label=_("Date format in your file"),
            choices=DATE_ORDERS,
            initial=date_order or DATE_ORDERS[0][0],
        )

    def blocks(self) -> list[dict[str, Any]]:
        """Sections of the page: [{"sheet", "header": field, "columns": [{"letter", "header", "samples", "field"}]}]."""
        return [
            {
                "sheet": sheet,
                "header": self[f"s{index}_header"],
                "columns": [
                    column | {"field": self[f"s{index}_{column['letter']}"]}
                    for column in sheet["columns"]
                    if f"s{index}_{column['letter']}" in self.fields
                ],
            }
            for index, sheet in enumerate(self.sheets)
        ]

    def mapping(self) -> dict[str, Any]:
        """The sheets that differ from the guess: {"Plan": {"columns": {"A": "action", …}, "header_row": 3}}."""
        mapping: dict[str, Any] = {}
        for index, sheet in enumerate(self.sheets):
            changed = {}
            columns = {
                column["letter"]: self.cleaned_data[f"s{index}_{column['letter']}"]
                for column in sheet["columns"]
                if f"s{index}_{column['letter']}" in self.fields
            }
            if any(f"s{index}_{letter}" in self.changed_data for letter in columns):
                changed["columns"] = columns
            if f"s{index}_header" in self.changed_data and self.cleaned_data[f"s{index}_header"]:
                changed["header_row"] = self.cleaned_data[f"s{index}_header"]
            if changed:
                mapping[sheet["name"] or ""] = changed
        return mapping
