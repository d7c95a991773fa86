"""A form that was sent and could not be saved, because its session had ended: the text comes back.

The page of the refusal shows every text that was sent, to be read and copied, and holds it in hidden inputs. Once the
person has signed in again, in another tab, a button sends these to the same address with `KEPT_FIELD`. Such a request is
made a GET before any view sees it, so it saves nothing: the view shows its form, filled with the text, and the person
saves it. Nothing is stored meanwhile. Passwords are never kept, files cannot be. See docs/adr/0015-interrupted-forms.md.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.urls import Resolver404, resolve, reverse
from django.utils.cache import add_never_cache_headers
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import defaults

logger = logging.getLogger(__name__)
KEPT_FIELD = "kept-text"
PERSON_HEADER = "X-Person"  # of requests by htmx: for whom the page was made
TOKEN_HEADER = "X-CSRF-Token"  # noqa: S105  (a name)
NEVER_KEPT = re.compile(r"password|csrfmiddlewaretoken|" + KEPT_FIELD, re.IGNORECASE)
# Sent along, but written by the page: kept without being shown.
WRITTEN_BY_THE_PAGE = re.compile(
    r"^initial-|(^|-)(seen|id|uuid|direction|(TOTAL|INITIAL|MIN_NUM|MAX_NUM)_FORMS)$"
)

KEPT_CHARACTERS = 300_000  # of all names and texts; the page holds each of them twice, escaped
SHOWN_NAME = 100  # characters of a field's name, if there is too much to keep

# Names of fields that do not say what was asked. Without a session no form is at hand to tell.
LABELS = {
    "on": gettext_lazy("As of"),
    "text": gettext_lazy("What happened?"),
    "reason": gettext_lazy("Reason"),
    "next_step": gettext_lazy("What is next?"),
    "story": gettext_lazy("Where we stand"),
    "is_continuous": gettext_lazy("Ongoing (no end date)"),
}


def keeps_text(view: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a view: it shows its form filled with `request.POST` for a GET, and saves for a POST alone."""
    view.keeps_text = True  # type: ignore[attr-defined]
    return view


class KeptTextMiddleware:
    """Make a GET of the request that brings kept text back. Before the check of CSRF tokens: such a GET saves nothing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if request.method != "POST" or not getattr(view, "keeps_text", False):
            return None
        if KEPT_FIELD not in request.POST:
            return None
        if not _is_same_origin(request):
            return render(request, "403_csrf.html", status=403)
        request.method = "GET"
        if request.user.is_authenticated:
            messages.info(
                request,
                _("You are signed in as %(person)s. Your text is not saved yet: check it, then save.")
                % {"person": request.user},
            )
        return None


def brings_text_back(request: HttpRequest) -> bool:
    return KEPT_FIELD in request.POST


def signed_out(request: HttpRequest) -> HttpResponse:
    """The answer to a form that was sent without a session, and to htmx: 401, and nothing is lost."""
    sign_in = reverse("signin:login", query={"next": reverse("signin:back-to-your-text")})
    if request.headers.get("HX-Request"):
        return _refuse(HttpResponse(status=401))
    context = _kept_text(request, can_return=_form_is_here(request)) | {"sign_in": sign_in}
    return _refuse(render(request, "not_saved.html", context, status=401))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The answer to a request whose CSRF token is missing or of an earlier session (the setting CSRF_FAILURE_VIEW)."""
    if request.headers.get("HX-Request"):
        return _refuse(_htmx_token_failure(request))
    if not _is_same_origin(request):  # another site must not put words on this page
        return _refuse(render(request, "403_csrf.html", status=403))
    can_return = _can_return(request)
    if _keeps_text(request) and not request.user.is_authenticated:
        return signed_out(request)
    is_wagtails = request.path.startswith(reverse("wagtailadmin_home"))  # its editor sends no readable text
    context = {} if is_wagtails else _kept_text(request, can_return=can_return)
    return _refuse(render(request, "403_csrf.html", context, status=403))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The 404 of every address: with the text of a form, as its page may have closed since it was opened."""
    if _sent_text(request):
        return _refuse(render(request, "not_saved_404.html", _kept_text(request), status=404))
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """The answer to an error of the portal: with the text of a form, if that much still works."""
    try:
        if _sent_text(request):
            context = _kept_text(request, can_return=_can_return(request))
            return _refuse(render(request, "not_saved_500.html", context, status=500))
    except Exception:
        logger.exception("The text of a form could not be shown.")
    return defaults.server_error(request)


def _htmx_token_failure(request: HttpRequest) -> HttpResponse:
    """401 without a session; otherwise 403, with the new token if the page was made for the person who is signed in."""
    if not request.user.is_authenticated:
        return HttpResponse(status=401)
    response = HttpResponse(status=403)
    if _is_same_origin(request) and request.headers.get(PERSON_HEADER) == str(request.user.pk):
        response[TOKEN_HEADER] = get_token(request)
    return response


def _refuse(response: HttpResponse) -> HttpResponse:
    add_never_cache_headers(response)
    return response


def _is_same_origin(request: HttpRequest) -> bool:
    """True if a page of this host sent the request, as the browser says."""
    origin = request.headers.get("Origin")
    if origin is None:
        return request.headers.get("Sec-Fetch-Site") == "same-origin"
    return origin == f"{request.scheme}://{request.get_host()}"


def _form_page(request: HttpRequest) -> str:
    """The page with the form, on this host."""
    referer = urlsplit(request.headers.get("Referer", ""))
    if referer.netloc == request.get_host():
        return "/" + referer.path.lstrip("/") + (f"?{referer.query}" if referer.query else "")
    return request.get_full_path()


def _sent_text(request: HttpRequest) -> bool:
    """True if a form of this host was sent with some text, to a page of the portal's own."""
    is_form = request.method == "POST" and not request.headers.get("HX-Request") and _is_same_origin(request)
    is_own = not request.path.startswith(reverse("wagtailadmin_home"))
    return is_form and is_own and bool(_kept_text(request)["texts"])


def _keeps_text(request: HttpRequest) -> bool:
    try:
        return getattr(resolve(request.path_info).func, "keeps_text", False)
    except Resolver404:
        return False


def _can_return(request: HttpRequest) -> bool:
    """True if the address can show its form again, with the text."""
    return _keeps_text(request) and _form_is_here(request)


def _form_is_here(request: HttpRequest) -> bool:
    """True if the form is sent to the address of its own page, which can show it again."""
    return urlsplit(_form_page(request)).path == request.path


def _kept_text(request: HttpRequest, *, can_return: bool = False) -> dict[str, Any]:
    """What was sent: {"texts": [{"label", "text"}] to read, "inputs": [(name, value)] to send again, "files": names}.

    Of more than `KEPT_CHARACTERS` only the start of each text is shown, and nothing can be sent again.
    """
    kept = [(name, values) for name, values in request.POST.lists() if not NEVER_KEPT.search(name)]
    count = sum(len(values) for _name, values in kept)
    is_too_long = sum(len(name) + len(value) for name, values in kept for value in values) > KEPT_CHARACTERS
    if is_too_long:
        shown = KEPT_CHARACTERS // count
        kept = [(name[:SHOWN_NAME], [value[:shown] for value in values]) for name, values in kept]
    texts = [
        {"label": LABELS.get(name) or _label(name), "text": _readable(text)}
        for name, values in kept
        if not WRITTEN_BY_THE_PAGE.search(name)
        for text in values
        if text.strip()
    ]
    return {
        "texts": texts,
        "inputs": [] if is_too_long else [(name, value) for name, values in kept for value in values],
        "files": [file.name for name in request.FILES for file in request.FILES.getlist(name)],
        "form_page": _form_page(request),
        "is_too_long": is_too_long,
        "can_return": can_return and not is_too_long,
        "KEPT_FIELD": KEPT_FIELD,
    }


def _readable(text: str) -> str:
    """The text as it was sent; the code of a choice with blanks: "at risk"."""
    return text.replace("_", " ") if re.fullmatch(r"[a-z]+(_[a-z]+)+", text) else text


def _label(name: str) -> str:
    """The name of a field for a reader: "Next step", or "Text 2" for the second row of a formset."""
    words = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "", name)
    row = re.fullmatch(r"\w+-(\d{1,4})-(\w+)", words)
    if row:
        words = f"{row[2]} {int(row[1]) + 1}"
    return capfirst(" ".join(words.replace("_", " ").replace("-", " ").split()))
