from __future__ import annotations

from typing import Any

from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

PAGE_SIZE, MAX_PAGE_SIZE = 50, 100
AFTER, BEFORE = "after", "before"


class KeyCursorPagination(CursorPagination):
    """Pages by the view's lookup field, which is unique, never null and never changes.

    A cursor names the row that the page begins after or ends before: "after:marrow-bend". `tenants.api.parameters`
    validates and describes the parameters.
    """

    page_size = PAGE_SIZE
    max_page_size = MAX_PAGE_SIZE
    page_size_query_param = "page_size"

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[str, ...]:
        return (view.lookup_field,)

    def encode_cursor(self, cursor: Cursor) -> str:
        text = f"{BEFORE if cursor.reverse else AFTER}:{cursor.position}"
        return replace_query_param(str(self.base_url), self.cursor_query_param, text)

    def decode_cursor(self, request: Request) -> Any:
        text = request.query_params.get(self.cursor_query_param)
        if text is None:
            return None
        direction, _colon, position = text.partition(":")
        return Cursor(offset=0, reverse=direction == BEFORE, position=position)  # type: ignore[arg-type]

    def get_paginated_response(self, data: Any) -> Response:
        """The page, with its links in the header too (RFC 8288)."""
        response = super().get_paginated_response(data)
        links = {"next": response.data["next"], "prev": response.data["previous"]}
        if any(links.values()):
            response["Link"] = ", ".join(f'<{url}>; rel="{rel}"' for rel, url in links.items() if url)
        return response

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        properties = {"next": link, "previous": link, "results": schema}
        return {"type": "object", "properties": properties, "required": sorted(properties)}

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return []
