"""Pages of which htmx swaps a part: links between the pages of a list, and the partial or the whole page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers


def page_links(page: Any, url: Callable[[int], str]) -> list[dict[str, Any]]:
    return [{"number": n, "url": url(n), "is_current": n == page.number} for n in page.paginator.page_range]


def render_partial_or_page(
    request: HttpRequest, partial: str, page: str, target: str, context: dict[str, Any]
) -> HttpResponse:
    """The partial alone if htmx swaps the element `target`, otherwise the page around it."""
    htmx = request.htmx  # type: ignore[attr-defined]
    wants_partial = htmx and htmx.target == target and not htmx.history_restore_request
    response = render(request, partial if wants_partial else page, context)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response
