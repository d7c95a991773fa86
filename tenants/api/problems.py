"""Errors of the API as problem details (RFC 9457): what was given, what is expected, what to do next."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.signals import got_request_exception
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.log import log_response
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.views import set_rollback

from tenants.api import PREFIX

CONTENT_TYPE = "application/problem+json"
# status: (fragment of `type`, description in the reference)
PROBLEM_TYPES: dict[int, tuple[str, str]] = {
    400: (
        "bad-request",
        "An unknown parameter or an invalid value; `errors` lists each.",
    ),
    404: ("not-found", "There is nothing at this address, or nothing that you can see."),
    405: ("method-not-allowed", "The API is read-only: use GET, HEAD or OPTIONS."),
    406: ("not-acceptable", "`Accept` asks for a format that is not available."),
    429: ("too-many-requests", "Wait the number of seconds in `Retry-After`."),
    500: ("server-error", "Something went wrong on our side. Try again later."),
}


class InvalidParameters(exceptions.APIException):
    """Parameters that cannot be read: [{"parameter": "page_size", "value": "0", "detail": "Write 1 to 100."}]."""

    status_code = 400

    def __init__(self, errors: Sequence[Mapping[str, str]]) -> None:
        self.errors = list(errors)
        first = self.errors[0]
        single = _("The parameter %(parameter)s is “%(value)s”. %(detail)s") % first
        many = _("%(n)d parameters are invalid; “errors” lists them.") % {"n": len(self.errors)}
        super().__init__(single if len(self.errors) == 1 else many)


def problem_response(
    request: HttpRequest, *, status: int, detail: str, errors: Sequence[Mapping[str, str]] = ()
) -> HttpResponse:
    """Return a problem response; `type` links to its description in the reference."""
    kind, _description = PROBLEM_TYPES.get(status, ("", ""))
    problem: dict[str, Any] = {
        "type": request.build_absolute_uri(f"{_docs_path()}#{kind}") if kind else "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": request.get_full_path(),
    }
    if errors:
        problem["errors"] = list(errors)
    response = JsonResponse(
        problem, status=status, content_type=CONTENT_TYPE, json_dumps_params={"ensure_ascii": False}
    )
    response["Cache-Control"] = "no-store"
    return response


def exception_handler(error: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """Turn an exception of a view into a problem response; with DEBUG, Django's own page shows internal errors."""
    # REST framework's request parses a body on attribute access, which may be what failed.
    request: HttpRequest = context["request"]._request
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, exceptions.APIException):
        set_rollback()
        response = problem_response(
            request,
            status=error.status_code,
            detail=_detail(error, request),
            errors=getattr(error, "errors", ()),
        )
        if isinstance(error, exceptions.Throttled):
            response["Retry-After"] = str(_wait(error))
        return response
    if settings.DEBUG:
        return None
    set_rollback()
    got_request_exception.send(sender=None, request=request)
    response = server_error(request)
    log_response(
        "Internal Server Error: %s", request.path, response=response, request=request, exception=error
    )
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    detail = _(
        "Something went wrong on our side. Try again later. If it keeps happening, tell the alliance’s staff."
    )
    return problem_response(request, status=500, detail=detail)


def _docs_path() -> str:
    return reverse("api:docs", urlconf=settings.PUBLIC_SCHEMA_URLCONF)


def _wait(error: exceptions.Throttled) -> int:
    """Seconds to wait, rounded up."""
    return math.ceil(getattr(error, "wait", None) or 1)


def _detail(error: exceptions.APIException, request: HttpRequest) -> str:
    if isinstance(error, exceptions.Throttled):
        return _(
            "Too many requests from this address. Try again in %(n)d seconds and send fewer requests; an ETag "
            "sent back as If-None-Match and pages of 100 rows help."
        ) % {"n": _wait(error)}
    if isinstance(error, exceptions.MethodNotAllowed):
        return _("%(method)s is not allowed: the API is read-only. Use GET, HEAD or OPTIONS.") % {
            "method": request.method
        }
    if isinstance(error, exceptions.NotAcceptable):
        accept = request.headers.get("Accept", "")[:200]
        return _("“%(asked)s” is not available here. Accept application/json, or text/csv for lists.") % {
            "asked": accept
        }
    if isinstance(error, exceptions.NotFound) and error.detail == exceptions.NotFound.default_detail:
        return _("There is nothing at %(path)s that you can see. The index is at %(root)s.") % {
            "path": request.path,
            "root": PREFIX,
        }
    return str(error.detail)
