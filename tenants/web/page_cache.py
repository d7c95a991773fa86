"""The cache of public pages: anonymous visitors get a page from the cache until something it shows changes.

A view declares with `@cache_for_anonymous()` that its page is the same for every anonymous visitor. The middleware caches
the rendered page with its version (tenants.web.page_versions), which is read before anything else of the page; a later
request reads the version alone, one query. Every commit that writes a tracked table changes the version, for every
process, so no page is older than the request that gets it. Any other request or response bypasses the cache.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, NamedTuple, TypeGuard

from django.conf import settings
from django.contrib.messages import get_messages
from django.contrib.messages.storage.base import BaseStorage
from django.core.cache import caches
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone, translation
from django.utils.cache import get_conditional_response, patch_cache_control, patch_vary_headers

from tenants.web import host_registry, page_versions

View = Callable[..., HttpResponseBase]

MAX_PAGE_BYTES = 512 * 1024
MAX_QUERY_LENGTH = 120
MESSAGES_COOKIE = "messages"
# Request headers that change the response. A browser that opens a page sends none of them.
UNCACHEABLE_HEADERS = ("HTTP_HX_REQUEST", "HTTP_AUTHORIZATION", "HTTP_RANGE", "HTTP_X_REQUESTED_WITH")


class CachedPage(NamedTuple):
    version: str
    headers: list[tuple[str, str]]
    body: bytes


def cache_for_anonymous(params: Iterable[str] = ()) -> Callable[[View], View]:
    """Let the middleware cache a view's pages for anonymous visitors.

    `params` are the query parameters that the view uses and that take few values; a request with any other is not cached.
    A page may depend only on the URL, the language, the day (the alliance's: the day in each city), the jurisdiction's
    own row and tables with tracked writes.
    Must be the outermost decorator: the version is read before the view reads anything.
    """
    cacheable_params = frozenset(params)

    def decorate(view: View) -> View:
        @wraps(view)
        def versioned(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not getattr(request, "is_cacheable", False) or not cacheable_params.issuperset(request.GET):
                return view(request, *args, **kwargs)
            version = getattr(request, "page_version", None) or _read_version(request)
            response = view(request, *args, **kwargs)
            response.cache_version = version  # type: ignore[attr-defined]
            return response

        return versioned

    return decorate


class AnonymousPageCacheMiddleware:
    """Listed after the middleware of host, session and language, and before all that renders."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        key = _cache_key(request)
        if key is None:
            return self.get_response(request)
        request.is_cacheable = True  # type: ignore[attr-defined]
        pages = caches["pages"]
        page = pages.get(key)
        if page is not None:
            version = request.page_version = _read_version(request)  # type: ignore[attr-defined]
            if version == page.version:
                return _build_response(request, page)
        response = self.get_response(request)
        version = getattr(response, "cache_version", None)
        if version is None or not _is_cacheable_response(response, request):
            return response
        page = _cached_page(response, version)
        pages.set(key, page)
        return _build_response(request, page)


def _read_version(request: HttpRequest) -> str | None:
    return page_versions.get_page_version(request.tenant.schema_name)  # type: ignore[attr-defined]


def _cache_key(request: HttpRequest) -> str | None:
    """Cache key of the requested page; None if the response may depend on the visitor, or is no whole page."""
    meta, cookies, jurisdiction = request.META, request.COOKIES, request.tenant  # type: ignore[attr-defined]
    if request.method not in ("GET", "HEAD") or any(name in meta for name in UNCACHEABLE_HEADERS):
        return None
    if settings.SESSION_COOKIE_NAME in cookies or MESSAGES_COOKIE in cookies:
        return None
    if not jurisdiction.row_hash or (jurisdiction.is_tenant and not jurisdiction.is_launched):
        return None
    query = meta.get("QUERY_STRING", "")
    if len(query) > MAX_QUERY_LENGTH:
        return None
    key = (
        jurisdiction.schema_name,
        request.scheme,
        meta.get("HTTP_HOST", ""),
        request.path,
        query,
        translation.get_language(),
        # The alliance's pages show cities of several time zones: they change at the midnight of each.
        timezone.localdate() if jurisdiction.is_tenant else host_registry.local_dates(),
        jurisdiction.row_hash,
    )
    return hashlib.blake2b("\0".join(map(str, key)).encode(), digest_size=20).hexdigest()


def _is_cacheable_response(response: HttpResponseBase, request: HttpRequest) -> TypeGuard[HttpResponse]:
    """True for a whole page without a cookie, a CSRF token, a message or cache headers of its own."""
    messages = get_messages(request)
    return (
        isinstance(response, HttpResponse)
        and response.status_code == 200
        and len(response.content) <= MAX_PAGE_BYTES
        and not response.cookies
        and "Cache-Control" not in response
        and not request.user.is_authenticated
        and not request.session.modified
        and not (isinstance(messages, BaseStorage) and (messages.used or messages.added_new))
        and not getattr(request, "csp_nonce", None)  # true once a template has used it
        and not any(name.startswith("_csp") for name in vars(response))  # set by django-csp's decorators
    )


def _cached_page(response: HttpResponse, version: str) -> CachedPage:
    patch_vary_headers(response, ["Cookie", "HX-Request", "HX-Target"])
    patch_cache_control(response, no_cache=True)  # a browser may store it, and revalidates it each time
    response["ETag"] = f'"{hashlib.blake2b(response.content, digest_size=16).hexdigest()}"'
    return CachedPage(version, list(response.items()), response.content)


def _build_response(request: HttpRequest, page: CachedPage) -> HttpResponseBase:
    response = HttpResponse(page.body)
    for name, value in page.headers:
        response[name] = value
    return get_conditional_response(request, etag=response["ETag"], response=response) or response
