"""Pages of the import: choose a file, map its columns, check, commit, undo; and the download of the plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from tenants.access import Permission, permission_required
from tenants.plans import change_log, labels
from tenants.plans.imports.export import export_as_bytes
from tenants.plans.imports.forms import ColumnsForm, ReasonForm, UploadForm
from tenants.plans.imports.promises import verdicts_on_promises
from tenants.plans.imports.services import check_import, commit_import, upload_sheet
from tenants.plans.imports.undo import can_undo, undo_import
from tenants.plans.models import ImportJob
from tenants.plans.selectors import current_jurisdiction, current_plan
from tenants.plans.services import is_adopted
from tenants.plans.views.common import add_errors, get_plan

PAGE_SIZE = 25
STEPS = [
    gettext_lazy("Choose a file"),
    gettext_lazy("Match columns"),
    gettext_lazy("Check"),
    gettext_lazy("Done"),
]
MESSAGE_LABELS: dict[str, Any] = {
    "no_date": gettext_lazy("No date"),
    "several_parties": gettext_lazy("Several departments"),
    "no_party": gettext_lazy("Not assigned"),
    "no_measure": gettext_lazy("No measure"),
    "ambiguous_date": gettext_lazy("Date not clear"),
    "unread_date": gettext_lazy("No date found"),
    "dates_reversed": gettext_lazy("Start after end"),
    "unknown_status": gettext_lazy("Unknown status"),
    "unknown_stage": gettext_lazy("Unknown strategy"),
    "continued_row": gettext_lazy("Continued row"),
    "no_goal": gettext_lazy("No goal above"),
    "no_outcome": gettext_lazy("No outcome above"),
    "note_kept": gettext_lazy("Saved as a note"),
    "other_sheet": gettext_lazy("Another sheet"),
    "hidden_sheet": gettext_lazy("Hidden sheet"),
    "comment": gettext_lazy("Comment"),
    "refused_cell": gettext_lazy("Not imported"),
}
FIELD_LABELS: dict[str, Any] = {
    "number": gettext_lazy("Number"),
    "label": gettext_lazy("Label"),
    "title": gettext_lazy("Wording"),
    "details": gettext_lazy("Details"),
    "story": gettext_lazy("Where we stand"),
    "department": gettext_lazy("Department"),
    "accountability": labels.FIELD_LABELS["accountable"],
    "timeline": gettext_lazy("Timeline"),
    "milestones": gettext_lazy("Milestones"),
    "measures": gettext_lazy("Measures"),
    "progress_notes": gettext_lazy("Progress notes"),
    "status": gettext_lazy("Status"),
    "stage": labels.FIELD_LABELS["stage"],
    "indicator_text": gettext_lazy("Community indicator"),
    "resources": gettext_lazy("Resources"),
    "implementation_plan": gettext_lazy("Steps"),
    "changes": gettext_lazy("What changed"),
    "notes": gettext_lazy("Notes"),
    "parent": gettext_lazy("Part of"),
}


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.IMPORT_PLAN)
def imports(request: HttpRequest) -> HttpResponse:
    """The upload form and the past imports."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            job = upload_sheet(
                filename=file.name,
                content=file.read(),
                by=request.user,
                date_order=form.cleaned_data["date_order"],
            )
        except ValidationError as error:
            form.add_error("file", error)
        else:
            return redirect(
                "plans:import-columns" if job.state == job.State.UPLOADED else "plans:import", pk=job.pk
            )
    past_imports = (
        ImportJob.objects.filter(state__in=[ImportJob.State.COMMITTED, ImportJob.State.UNDONE])
        .defer("content", "tree", "before")
        .select_related("created_by")
        .order_by("-committed_at", "-pk")
    )
    page = Paginator(past_imports, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "section": "import",
        "form": form,
        "page": page,
        "lines": [{"job": job, "can_undo": can_undo(job)} for job in page],
        "steps": STEPS,
    }
    return render(request, "plans/imports.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.IMPORT_PLAN)
def columns(request: HttpRequest, pk: int) -> HttpResponse:
    """The guessed role of each column, with three of its cells, and a form to correct it."""
    job = get_object_or_404(ImportJob, pk=pk)
    if job.state not in (job.State.UPLOADED, job.State.CHECKED):
        return redirect("plans:import", pk=job.pk)
    form = ColumnsForm(
        request.POST or None,
        sheets=job.result.get("sheets", []),
        date_order=job.options.get("date_order", ""),
    )
    if request.method == "POST" and form.is_valid():
        try:
            job = check_import(
                job,
                by=request.user,
                mapping=job.mapping | form.mapping(),
                date_order=form.cleaned_data["date_order"],
            )
        except ValidationError as error:
            form.add_error(None, error)
        else:
            if job.state == job.State.CHECKED:
                return redirect("plans:import", pk=job.pk)
            form.add_error(None, job.result["error"])
    context = {"section": "import", "job": job, "form": form, "steps": STEPS, "blocks": form.blocks()}
    return render(request, "plans/import_columns.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD"])
@permission_required(Permission.IMPORT_PLAN)
def show_import(request: HttpRequest, pk: int) -> HttpResponse:
    """The check before the commit; after it, the result and the button that undoes it."""
    job = get_object_or_404(ImportJob.objects.select_related("created_by"), pk=pk)
    if job.state == job.State.UPLOADED:
        return redirect("plans:import-columns", pk=job.pk)
    if job.state != job.State.CHECKED:
        context = {"section": "import", "job": job, "can_undo": can_undo(job), "steps": STEPS}
        return render(request, "plans/import_done.html", context | {"result": job.result})
    return _render_check(request, job)


def _render_check(
    request: HttpRequest,
    job: ImportJob,
    error: str = "",
    *,
    form: ReasonForm | None = None,
    choices: Mapping[str, str] | None = None,
) -> HttpResponse:
    """The check; after a refused commit with its error, and with the reason and the choices as they were sent."""
    form, result = form or ReasonForm(), job.result
    plan = current_plan()
    verdicts = verdicts_on_promises(result["rows"]) if plan and is_adopted(plan) else set()
    form.fields["reason"].required = "sheet" in verdicts  # of conflicts alone, the choices decide
    filters = _filters(result)
    names = {filter_["url_value"]: name for name, filter_ in filters.items()}
    show = names.get(request.GET.get("show", ""), "")
    if not show:
        show = next((name for name in ("conflict", "to_check") if filters[name]["count"]), "new")
    page = Paginator(filters[show]["rows"], PAGE_SIZE).get_page(request.GET.get("page"))
    titles = {row["uuid"]: row["title"] for row in result["rows"] if row["uuid"]}
    own_labels = plan.status_labels if plan else {}
    lines = (
        _message_lines(page) if show == "to_check" else [_row_line(row, titles, own_labels) for row in page]
    )
    counts = result["counts"]["action"]
    context = {
        "section": "import",
        "job": job,
        "result": result,
        "counts": counts,
        "action_count": sum(counts[state] for state in ("new", "changed", "same", "conflict", "retired")),
        "is_changing": any(
            kind_counts[state]
            for kind_counts in result["counts"].values()
            for state in ("new", "changed", "conflict")
        ),
        "filters": filters,
        "show": show,
        "page": page,
        "lines": lines,
        "conflicts": [_row_line(row, titles, own_labels, choices) for row in filters["conflict"]["rows"]],
        "error": error,
        "form": form,
        "asks_for_reason": bool(verdicts or form.errors),
        "steps": STEPS,
    }
    return render(request, "plans/import_check.html", context, status=422 if error or form.errors else 200)


def _filters(result: dict[str, Any]) -> dict[str, Any]:
    """The rows of the check by filter: {"to_check": {"label", "count", "rows", "url_value"}, …}."""
    rows = result["rows"]
    state_labels = {
        "conflict": _("Changed on both sides"),
        "new": _("New"),
        "changed": _("Changed"),
        "same": _("Same"),
        "retired": _("Archived in the portal"),
    }
    filters = {"to_check": {"label": _("To review"), "rows": [*result["messages"]], "url_value": "look"}}
    for state, label in state_labels.items():
        matching = [row for row in rows if row["state"] == state]
        filters[state] = {"label": label, "rows": matching, "url_value": state}
    absent = [row | {"state": "absent", "fields": {}, "row": None, "sheet": None} for row in result["absent"]]
    filters["absent"] = {"label": _("Not in your file"), "rows": absent, "url_value": "absent"}
    return {name: filter_ | {"count": len(filter_["rows"])} for name, filter_ in filters.items()}


def _message_lines(messages_of_page: Any) -> list[dict[str, Any]]:
    return [
        message
        | {
            "kind_label": MESSAGE_LABELS.get(message["kind"], _("Review")),
            "is_error": message["level"] == "error",
        }
        for message in messages_of_page
    ]


def _row_line(
    row: dict[str, Any],
    titles: dict[str, str],
    status_labels: Mapping[str, str],
    choices: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A row of the check for the template.

    `titles` are the rows' titles by uuid, `status_labels` is Plan.status_labels, `choices` are those of conflicts.
    """

    def format_side(name: str, value: Any) -> str:
        return _format_field(name, value, titles, status_labels)

    return row | {
        "kind_label": change_log.OBJECT_LABELS[row["kind"]],
        "differences": [
            {
                "key": f"{row['uuid']}:{name}",
                "label": FIELD_LABELS.get(name, name),
                "base": format_side(name, field["base"]),
                "plan": format_side(name, field["plan"]),
                "sheet": format_side(name, field["sheet"]),
                "verdict": field["verdict"],
                "choice": (choices or {}).get(f"{row['uuid']}:{name}", "plan"),
            }
            for name, field in row["fields"].items()
        ],
    }


def _format_field(name: str, value: Any, titles: dict[str, str], status_labels: Mapping[str, str]) -> str:
    """One side's value of a field as text."""
    if not value:
        return ""
    if name == "parent":
        return titles.get(value, _("a new part of your file"))
    if name == "timeline":
        return str(value["raw"] or value["due"] or (_("Ongoing") if value["continuous"] else value["start"]))
    if name == "accountability":
        return str(value["raw"] or "; ".join(value["accountable"]))
    if name == "status":
        status = value["status"]
        return labels.status_label(status, status_labels) if status else str(value["raw"])
    if name == "milestones":
        return "; ".join(due for due, _precision, _measure in value)
    if name == "measures":
        return "; ".join(text for text, _kind in value)
    if name in ("progress_notes", "notes"):
        return "; ".join(f"{label}: {text}" if label else text for label, text in value)
    return labels.format_logged_value(name, value)


@require_POST
@permission_required(Permission.IMPORT_PLAN)
def commit(request: HttpRequest, pk: int) -> HttpResponse:
    """Commit the import. A field `take:<uuid>:<field>` of "sheet" or "plan" decides a conflict; `reason` is for all rows."""
    job = get_object_or_404(ImportJob, pk=pk)
    choices = {
        name.removeprefix("take:"): value
        for name, value in request.POST.items()
        if name.startswith("take:") and isinstance(value, str) and value in ("sheet", "plan")
    }
    form = ReasonForm(request.POST)
    if not form.is_valid() and job.state == job.State.CHECKED:
        return _render_check(request, job, form=form, choices=choices)
    try:
        commit_import(job, by=request.user, choices=choices, reason=form.cleaned_data.get("reason", ""))
    except ValidationError as error:
        if "reason" in getattr(error, "error_dict", {}):
            add_errors(form, error)
            return _render_check(request, job, form=form, choices=choices)
        job.refresh_from_db()
        if getattr(error, "code", "") == "unseen":
            job = check_import(job, by=request.user)
        if job.state != job.State.CHECKED:
            messages.error(request, " ".join(error.messages))
            return redirect("plans:import", pk=job.pk)
        return _render_check(request, job, " ".join(error.messages), form=form, choices=choices)
    return redirect("plans:import", pk=job.pk)


@require_POST
@permission_required(Permission.IMPORT_PLAN)
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    job = get_object_or_404(ImportJob, pk=pk)
    try:
        undo_import(job, by=request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("Import undone."))
    return redirect("plans:import", pk=job.pk)


@require_POST
@permission_required(Permission.SEE_WORKSPACE)
def download(request: HttpRequest) -> HttpResponse:
    """The plan as a spreadsheet. A POST, because it stores an ExportSnapshot."""
    plan = get_plan()
    try:
        content = export_as_bytes(plan, by=request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("plans:editor")
    response = HttpResponse(
        content, content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    )
    name = f"{current_jurisdiction().slug}-plan-{timezone.localdate():%Y-%m-%d}.xlsx"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
