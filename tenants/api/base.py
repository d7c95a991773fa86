"""Base view of the API: authentication, format, parameters, and the headers of every response."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from django.http import HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from tenants import access
from tenants.api import parameters, problems
from tenants.api.limits import PerMinute
from tenants.api.parameters import Parameter
from tenants.api.schema import Described

METHODS = "GET, HEAD, OPTIONS"


class FromSession(BaseAuthentication):
    """The user who is signed in on this host. No CSRF check, as the API is read-only."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        user = getattr(request._request, "user", None)
        return (user, None) if user is not None and user.is_authenticated and user.is_active else None


class CsvRenderer(BaseRenderer):
    """Defines the CSV format; `tenants.web.exports` renders it."""

    media_type, format = "text/csv", "csv"


class ByAcceptOrFormat(BaseContentNegotiation):
    """Select the renderer by `?format=` if the view has that format, otherwise by the Accept header."""

    def select_renderer(
        self, request: Any, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderers = list(renderers)
        format_name = request._request.GET.get("format")
        for renderer in renderers:
            if len(renderers) > 1 and renderer.format == format_name:
                return renderer, renderer.media_type
        media_type = request._request.get_preferred_type([renderer.media_type for renderer in renderers])
        if media_type is None:
            raise exceptions.NotAcceptable()
        return next((renderer, media_type) for renderer in renderers if renderer.media_type == media_type)


class ApiView(APIView):
    """A view that anybody may read. Errors are rendered by `tenants.api.problems`."""

    schema = Described()
    authentication_classes = (FromSession,)
    permission_classes = (AllowAny,)
    throttle_classes = (PerMinute,)
    renderer_classes: Any = (JSONRenderer,)
    content_negotiation_class = ByAcceptOrFormat

    # Shown in the reference.
    tag: ClassVar[str] = ""
    operation: ClassVar[str] = ""
    summary: ClassVar[str] = ""
    has_pages: ClassVar[bool] = False

    @classmethod
    def answers(cls) -> Any:
        """Return the serializer of a successful response."""
        raise NotImplementedError

    @classmethod
    def takes(cls) -> Sequence[Parameter]:
        """Return the parameters of the address; any other is an error."""
        return ()

    def asked(self) -> dict[str, Any]:
        return parameters.read(self.takes(), self.request._request.GET)

    @property
    def audience(self) -> str:
        """Audience of the response: "public" or "members"."""
        return access.get_audience(self.request.user)

    @property
    def wants_csv(self) -> bool:
        return self.request.accepted_renderer.format == CsvRenderer.format  # type: ignore[attr-defined]

    def get_exception_handler(self) -> Any:
        return problems.explain

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if str(request.method) not in self.allowed_methods:
            raise exceptions.MethodNotAllowed(str(request.method))
        super().initial(request, *args, **kwargs)

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

    def tag_of(self, *state: Any) -> str:
        """Return a strong ETag of the response that this code makes from `state` at this URL for this audience."""
        parts = (
            _code(type(self)),  # type: ignore[arg-type]
            self.request.build_absolute_uri(),
            self.wants_csv,
            self.audience,
            state,
        )
        return f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"'

    def is_known(self, tag: str) -> bool:
        """True if the client already has the response with this ETag (If-None-Match)."""
        client_tags = parse_etags(self.request.headers.get("If-None-Match", ""))
        return client_tags == ["*"] or tag in {client_tag.removeprefix("W/") for client_tag in client_tags}

    def tagged(self, response: HttpResponse, tag: str) -> HttpResponse:
        """Add the ETag to a response, or return 304 if the client has it. Caches must revalidate it every time."""
        if self.is_known(tag):
            response = HttpResponse(status=304)
        response["ETag"] = tag
        response["Cache-Control"] = "no-cache" if self.audience == "public" else "private, no-cache"
        return response


@cache
def _code(view: Any) -> str:
    """Hash of a view's code, so that ETags change when the code does."""
    classes = [kind for kind in view.__mro__ if issubclass(kind, ApiView)]
    files = {Path(inspect.getfile(kind)) for kind in classes} | set(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in sorted(files))).hexdigest()
