"""A spreadsheet's way into the plan, page by page: choose a file, match columns, check, done."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from tenants.access import Permission, permission_required
from tenants.plans import change_log, services
from tenants.plans.forms import ColumnsForm, UploadForm
from tenants.plans.models import ImportJob
from tenants.plans.views.histories import format_value

PAGE_SIZE = 25
STEPS = [
    gettext_lazy("Choose a file"),
    gettext_lazy("Match columns"),
    gettext_lazy("Check"),
    gettext_lazy("Done"),
]
MESSAGE_LABELS: dict[str, Any] = {
    "no_date": gettext_lazy("No date"),
    "several_parties": gettext_lazy("Several parties"),
    "no_party": gettext_lazy("Nobody named"),
    "no_measure": gettext_lazy("No measure"),
    "ambiguous_date": gettext_lazy("Two ways to read it"),
    "unread_date": gettext_lazy("No date found"),
    "dates_reversed": gettext_lazy("Start after end"),
    "unknown_status": gettext_lazy("Unknown status"),
    "unknown_stage": gettext_lazy("Unknown stage"),
    "continued_row": gettext_lazy("Goes on below"),
    "no_goal": gettext_lazy("No goal above"),
    "no_outcome": gettext_lazy("No outcome above"),
    "note_kept": gettext_lazy("Kept as a note"),
    "other_sheet": gettext_lazy("Another sheet"),
    "hidden_sheet": gettext_lazy("Hidden sheet"),
    "comment": gettext_lazy("Comment"),
    "refused_cell": gettext_lazy("Not taken"),
}
FIELD_LABELS: dict[str, Any] = {
    "number": gettext_lazy("Number"),
    "label": gettext_lazy("Label"),
    "title": gettext_lazy("Words"),
    "details": gettext_lazy("Details"),
    "story": gettext_lazy("Where we stand"),
    "department": gettext_lazy("Department"),
    "accountability": gettext_lazy("Who answers"),
    "timeline": gettext_lazy("Timeline"),
    "milestones": gettext_lazy("Milestones"),
    "measures": gettext_lazy("Measures"),
    "progress_notes": gettext_lazy("Progress notes"),
    "status": gettext_lazy("Status"),
    "stage": gettext_lazy("Kind of step"),
    "indicator_text": gettext_lazy("Community indicator"),
    "resources": gettext_lazy("Resources"),
    "implementation_plan": gettext_lazy("Steps"),
    "changes": gettext_lazy("What changed"),
    "notes": gettext_lazy("Notes"),
    "parent": gettext_lazy("Stands under"),
}


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.IMPORT_PLAN)
def imports(request: HttpRequest) -> HttpResponse:
    """Choose a file; below, the imports so far."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            job = services.upload_sheet(
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
    past = (
        ImportJob.objects.filter(state__in=[ImportJob.State.COMMITTED, ImportJob.State.UNDONE])
        .defer("content", "tree", "before")
        .select_related("created_by")
        .order_by("-committed_at", "-pk")
    )
    page = Paginator(past, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "section": "import",
        "form": form,
        "page": page,
        "lines": [{"job": job, "can_undo": services.can_undo(job)} for job in page],
        "steps": STEPS,
    }
    return render(request, "plans/imports.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.IMPORT_PLAN)
def columns(request: HttpRequest, pk: int) -> HttpResponse:
    """Which column is which: the guess, three cells of each, and a way to correct it."""
    job = get_object_or_404(ImportJob, pk=pk)
    if job.state not in (job.State.UPLOADED, job.State.CHECKED):
        return redirect("plans:import", pk=job.pk)
    form = ColumnsForm(
        request.POST or None,
        sheet_list=job.result.get("sheets", []),
        date_order=job.options.get("date_order", ""),
    )
    if request.method == "POST" and form.is_valid():
        try:
            job = services.check_import(
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
    """The check before the commit; after it, what was done and the way back."""
    job = get_object_or_404(ImportJob.objects.select_related("created_by"), pk=pk)
    if job.state == job.State.UPLOADED:
        return redirect("plans:import-columns", pk=job.pk)
    if job.state != job.State.CHECKED:
        context = {"section": "import", "job": job, "can_undo": services.can_undo(job), "steps": STEPS}
        return render(request, "plans/import_done.html", context | {"result": job.result})
    return _check(request, job)


def _check(request: HttpRequest, job: ImportJob, error: str = "") -> HttpResponse:
    result = job.result
    shows = _filters(result)
    show = request.GET.get("show", "")
    if show not in shows:
        show = "conflict" if shows["conflict"]["count"] else "look" if shows["look"]["count"] else "new"
    page = Paginator(shows[show]["rows"], PAGE_SIZE).get_page(request.GET.get("page"))
    kinds = {row["uuid"]: row["title"] for row in result["rows"] if row["uuid"]}
    ready = _messages(page) if show == "look" else [_line(row, kinds) for row in page]
    actions = result["counts"]["action"]
    context = {
        "section": "import",
        "job": job,
        "result": result,
        "actions": actions,
        "found": sum(actions[state] for state in ("new", "changed", "same", "conflict", "retired")),
        "changing": sum(
            counts[state] for counts in result["counts"].values() for state in ("new", "changed", "conflict")
        ),
        "chips": shows,
        "show": show,
        "page": page,
        "lines": ready,
        "conflicts": [_line(row, kinds) for row in shows["conflict"]["rows"]],
        "error": error,
        "steps": STEPS,
    }
    return render(request, "plans/import_check.html", context, status=422 if error else 200)


def _filters(result: dict[str, Any]) -> dict[str, Any]:
    """The chips: {"look": {"words", "count", "rows"}, …}."""
    rows = result["rows"]
    look = [*result["messages"]]
    states = {
        "conflict": _("Changed on both sides"),
        "new": _("New"),
        "changed": _("Changed"),
        "same": _("Same"),
        "retired": _("Retired here"),
    }
    found = {"look": {"words": _("Need a look"), "rows": look, "count": len(look)}}
    for state, words in states.items():
        mine = [row for row in rows if row["state"] == state]
        found[state] = {"words": words, "rows": mine, "count": len(mine)}
    absent = [row | {"state": "absent", "fields": {}, "row": None, "sheet": None} for row in result["absent"]]
    found["absent"] = {"words": _("Not in the sheet"), "rows": absent, "count": len(absent)}
    return found


def _messages(page: Any) -> list[dict[str, Any]]:
    return [
        message
        | {"kind_word": MESSAGE_LABELS.get(message["kind"], _("Look")), "stops": message["level"] == "error"}
        for message in page
    ]


def _line(row: dict[str, Any], titles: dict[str, str]) -> dict[str, Any]:
    return row | {
        "kind_word": change_log.OBJECT_LABELS[row["kind"]],
        "differences": [
            {
                "key": f"{row['uuid']}:{name}",
                "word": FIELD_LABELS.get(name, name),
                "base": _shown(name, field["base"], titles),
                "plan": _shown(name, field["plan"], titles),
                "sheet": _shown(name, field["sheet"], titles),
                "verdict": field["verdict"],
            }
            for name, field in row["fields"].items()
        ],
    }


def _shown(name: str, value: Any, titles: dict[str, str]) -> str:
    """One side of a difference in words."""
    if not value:
        return ""
    if name == "parent":
        return titles.get(value, _("a new part of the sheet"))
    if name == "timeline":
        return str(value["raw"] or value["due"] or (_("Ongoing") if value["continuous"] else value["start"]))
    if name == "accountability":
        return str(value["raw"] or "; ".join(value["accountable"]))
    if name == "status":
        return format_value("status", value["status"], {}) or str(value["raw"])
    if name == "milestones":
        return "; ".join(due for due, _precision, _measure in value)
    if name == "measures":
        return "; ".join(text for text, _kind in value)
    if name in ("progress_notes", "notes"):
        return "; ".join(f"{label}: {text}" if label else text for label, text in value)
    return format_value(name, value, {})


@require_POST
@permission_required(Permission.IMPORT_PLAN)
def commit(request: HttpRequest, pk: int) -> HttpResponse:
    """Write it. A field `take:<uuid>:<field>` with the value "sheet" decides a conflict for the sheet."""
    job = get_object_or_404(ImportJob, pk=pk)
    choices = {
        name.removeprefix("take:"): value
        for name, value in request.POST.items()
        if name.startswith("take:") and isinstance(value, str) and value in ("sheet", "plan")
    }
    try:
        services.commit_import(job, by=request.user, choices=choices)
    except ValidationError as error:
        job.refresh_from_db()
        if getattr(error, "code", "") == "unseen":
            job = services.check_import(job, by=request.user)
        if job.state != job.State.CHECKED:
            messages.error(request, " ".join(error.messages))
            return redirect("plans:import", pk=job.pk)
        return _check(request, job, " ".join(error.messages))
    return redirect("plans:import", pk=job.pk)


@require_POST
@permission_required(Permission.IMPORT_PLAN)
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    job = get_object_or_404(ImportJob, pk=pk)
    try:
        services.undo_import(job, by=request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(
            request, _("“%(file)s” is taken back. The plan is as it was.") % {"file": job.filename}
        )
    return redirect("plans:import", pk=job.pk)
