"""Public pages kept ready: a page that strangers asked for is answered from memory until something it shows changes.

A view says with `@kept_for_strangers` that its page is the same for every stranger. The middleware keeps the rendered
page with the version of what it shows (tenants.web.page_versions), read before anything else of the page; a later
request asks for the version alone, one query. What was committed in between has another version, in every process, so
no page is
older than the request that gets it. Whatever is not plainly a stranger's page is neither kept nor answered from here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple, TypeGuard
from urllib.parse import parse_qsl

from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone, translation
from django.utils.cache import get_conditional_response, patch_cache_control, patch_vary_headers

from tenants.web import page_versions

View = Callable[..., HttpResponseBase]

MAX_PAGE_BYTES = 512 * 1024  # bytes of one page
# What pages make of an address; with anything else in it, a page is made each time.
CACHEABLE_PARAMS = frozenset({"status", "goal", "department", "stage", "sort", "page"})
MAX_QUERY_LENGTH = 120
MESSAGES_COOKIE = "messages"
# Of a request: what makes the answer more than the page. None of these is asked for when a browser opens a page.
UNCACHEABLE_HEADERS = ("HTTP_HX_REQUEST", "HTTP_AUTHORIZATION", "HTTP_RANGE", "HTTP_X_REQUESTED_WITH")


class CachedPage(NamedTuple):
    version: str
    headers: list[tuple[str, str]]
    body: bytes


def cache_for_anonymous(view: View) -> View:
    """Let the middleware keep this view's pages. What a stranger sees must depend on nothing but the address, the
    language, the day, the jurisdiction's own row and tables that leave stamps.

    The outermost decorator: the version is read before the view reads anything.
    """

    @wraps(view)
    def keeping(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not getattr(request, "is_cacheable", False):
            return view(request, *args, **kwargs)
        version = getattr(request, "page_version", None) or page_versions.get_page_version(
            request.tenant.schema_name
        )  # type: ignore[attr-defined]
        response = view(request, *args, **kwargs)
        response.cache_version = version  # type: ignore[attr-defined]
        return response

    return keeping


class AnonymousPageCacheMiddleware:
    """Stands inside what decides host, session cookie and language, and outside all that renders."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        key = _key(request)
        if key is None:
            return self.get_response(request)
        request.is_cacheable = True  # type: ignore[attr-defined]
        pages = caches["pages"]
        page = pages.get(key)
        if page is not None:
            version = request.page_version = page_versions.get_page_version(request.tenant.schema_name)  # type: ignore[attr-defined]
            if version == page.version:
                return _answer(request, page)
        response = self.get_response(request)
        version = getattr(response, "cache_version", None)
        if version is None or not _is_plain(response, request):
            return response
        page = _page(response, version)
        pages.set(key, page)
        return _answer(request, page)


def _key(request: HttpRequest) -> str | None:
    """Names the page this request asks for; None if the answer may depend on who asks, or is no page at all."""
    meta, cookies, jurisdiction = request.META, request.COOKIES, request.tenant  # type: ignore[attr-defined]
    if request.method not in ("GET", "HEAD") or any(name in meta for name in UNCACHEABLE_HEADERS):
        return None
    if settings.SESSION_COOKIE_NAME in cookies or MESSAGES_COOKIE in cookies:
        return None
    if not jurisdiction.row_hash or (jurisdiction.is_tenant and not jurisdiction.is_launched):
        return None
    query = meta.get("QUERY_STRING", "")
    if query and (
        len(query) > MAX_QUERY_LENGTH
        or not CACHEABLE_PARAMS.issuperset(n for n, _v in parse_qsl(query, True))
    ):
        return None
    parts = (
        jurisdiction.schema_name,
        request.scheme,
        meta.get("HTTP_HOST", ""),
        request.path,
        query,
        translation.get_language(),
        timezone.localdate().isoformat(),
        jurisdiction.row_hash,
    )
    return hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=20).hexdigest()


def _is_plain(response: HttpResponseBase, request: HttpRequest) -> TypeGuard[HttpResponse]:
    """True for a whole page without a cookie, a form's token, a message or a rule of its own."""
    messages = getattr(request, "_messages", None)
    return (
        isinstance(response, HttpResponse)
        and response.status_code == 200
        and len(response.content) <= MAX_PAGE_BYTES
        and not response.cookies
        and "Cache-Control" not in response
        and not request.user.is_authenticated
        and not request.session.modified
        and not (messages and (messages.used or messages.added_new))
        and not hasattr(request, "_csp_nonce")
        and not any(name.startswith("_csp") for name in vars(response))
    )


def _page(response: HttpResponse, version: str) -> CachedPage:
    patch_vary_headers(response, ["Cookie", "HX-Request", "HX-Target"])
    patch_cache_control(
        response, no_cache=True
    )  # a browser may keep it, and asks each time whether it still stands
    response["ETag"] = f'"{hashlib.blake2b(response.content, digest_size=16).hexdigest()}"'
    return CachedPage(version, list(response.items()), response.content)


def _answer(request: HttpRequest, page: CachedPage) -> HttpResponseBase:
    response = HttpResponse(page.body)
    for name, value in page.headers:
        response[name] = value
    return get_conditional_response(request, etag=response["ETag"], response=response) or response
