"""Base views: lists and single rows of a resource, with the headers of every response."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from django.db.models import Func, QuerySet, TextField
from django.http import HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from rest_framework.generics import GenericAPIView
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ReadOnlyModelViewSet

from tenants import access
from tenants.api.renderers import CsvRenderer

METHODS = "GET, HEAD, OPTIONS"


class ResponseMixin(APIView):
    """The headers of every response, and ETags."""

    @property
    def audience(self) -> str:
        """Audience of the response: "public" or "members"."""
        return access.get_audience(self.request.user)

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Answer the preflight request that a browser sends before a cross-origin request."""
        response = HttpResponse(status=204)
        response["Access-Control-Allow-Methods"] = METHODS
        response["Access-Control-Allow-Headers"] = "Accept, If-None-Match"
        response["Access-Control-Max-Age"] = "86400"
        return response

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        final = super().finalize_response(request, response, *args, **kwargs)
        patch_vary_headers(final, ["Accept", "Cookie"])
        if not request.user.is_authenticated:
            # Other origins may read public data. With "*", browsers send no cookies.
            final["Access-Control-Allow-Origin"] = "*"
            final["Access-Control-Expose-Headers"] = "ETag, Link, Retry-After"
        return final

    def compute_etag(self, *state: Any) -> str:
        """Return a strong ETag of the response that this code makes from `state` at this URL for this audience."""
        parts = (
            hash_code(type(self)),  # type: ignore[arg-type]
            self.request.build_absolute_uri(),
            self.request.accepted_renderer.format,  # type: ignore[attr-defined]
            self.audience,
            state,
        )
        return f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"'

    def etag_matches(self, etag: str) -> bool:
        """True if the client already has the response with this ETag (If-None-Match)."""
        client_etags = parse_etags(self.request.headers.get("If-None-Match", ""))
        return client_etags == ["*"] or etag in {
            client_etag.removeprefix("W/") for client_etag in client_etags
        }

    def with_etag(self, response: HttpResponse, etag: str) -> HttpResponse:
        """Add the ETag to a response, or return 304 if the client has it. Caches must revalidate it every time."""
        if self.etag_matches(etag):
            response = HttpResponse(status=304)
        response["ETag"] = etag
        response["Cache-Control"] = "no-cache" if self.audience == "public" else "private, no-cache"
        return response


class ApiView(ResponseMixin, GenericAPIView[Any]):
    """A view that is neither a list of rows nor a row."""


class ResourceViewSet(ResponseMixin, ReadOnlyModelViewSet[Any]):
    """The rows of a resource, sorted by the lookup field: unique, never null.

    What a row says from other tables are annotations of the queryset, so that the ETag of a list depends on it.
    """

    def get_renderers(self) -> Any:
        return [JSONRenderer(), *([CsvRenderer()] if self.action == "list" else [])]

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        queryset = add_row_version(self.filter_queryset(self.get_queryset()))
        state = (self.lookup_field, *queryset.query.annotations)
        if "If-None-Match" in request.headers:  # the rows themselves are rarely needed then
            etag = self.compute_page_etag(
                self.paginate_queryset(queryset.values_list(*state, named=True)), state
            )
            if self.etag_matches(etag):
                return self.with_etag(HttpResponse(), etag)
        page = self.paginate_queryset(queryset)
        response = self.get_paginated_response(self.get_serializer(page, many=True).data)
        return self.with_etag(response, self.compute_page_etag(page, state))

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        response: Response = super().retrieve(request, *args, **kwargs)
        return self.with_etag(response, self.compute_etag(response.data))

    def compute_page_etag(self, page: Any, state: Iterable[str]) -> str:
        """The ETag of rows, or of tuples with these fields alone."""
        paginator: Any = self.paginator
        links = paginator.get_next_link(), paginator.get_previous_link()
        return self.compute_etag(links, [[getattr(row, name) for name in state] for row in page])


def add_row_version(queryset: QuerySet[Any]) -> QuerySet[Any]:
    """Annotate a value that changes whenever the row itself does: PostgreSQL's xmin."""
    table = queryset.model._meta.db_table
    return queryset.annotate(row_version=Func(template=f'"{table}".xmin::text', output_field=TextField()))


@cache
def hash_code(view: Any) -> str:
    """Hash of a view's code, so that ETags change when the code does."""
    classes = [kind for kind in view.__mro__ if issubclass(kind, ResponseMixin)]
    files = {Path(inspect.getfile(kind)) for kind in classes} | set(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in sorted(files))).hexdigest()
