"""The formats of lists, and how one is selected."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rest_framework import exceptions
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer

from tenants.web.exports import csv_response


class CsvRenderer(BaseRenderer):
    """The rows of a page as a CSV download, with a line of names above."""

    media_type, format = "text/csv", "csv"

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        view, response = renderer_context["view"], renderer_context["response"]
        file = csv_response(f"{view.basename}.csv", list(view.get_serializer().fields), data["results"])
        response["Content-Disposition"] = file["Content-Disposition"]
        return file.content


class AcceptOrFormatNegotiation(BaseContentNegotiation):
    """Select the renderer by `?format=` if the view has that format, otherwise by the Accept header."""

    def select_renderer(
        self, request: Any, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderers = list(renderers)
        format_name = request.query_params.get("format")
        for renderer in renderers:
            if len(renderers) > 1 and renderer.format == format_name:
                return renderer, renderer.media_type
        if not request.headers.get("Accept", "").strip():
            return renderers[0], renderers[0].media_type
        media_type = request.get_preferred_type([renderer.media_type for renderer in renderers])
        if media_type is None:
            raise exceptions.NotAcceptable()
        return next((renderer, media_type) for renderer in renderers if renderer.media_type == media_type)
