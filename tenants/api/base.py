"""One address of the API: who asks, in which format, with which parameters, and the headers of every answer."""

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
    """Who is signed in on this host. No CSRF check: nothing here writes."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        user = getattr(request._request, "user", None)
        return (user, None) if user is not None and user.is_authenticated and user.is_active else None


class CsvRenderer(BaseRenderer):
    """Names the format; `tenants.web.exports` writes it."""

    media_type, format = "text/csv", "csv"


class ByAcceptOrFormat(BaseContentNegotiation):
    """`?format=` where an address knows it, otherwise the best that Accept takes."""

    def select_renderer(
        self, request: Any, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderers = list(renderers)
        wanted = request._request.GET.get("format")
        for renderer in renderers:
            if len(renderers) > 1 and renderer.format == wanted:
                return renderer, renderer.media_type
        found = request._request.get_preferred_type([renderer.media_type for renderer in renderers])
        if found is None:
            raise exceptions.NotAcceptable()
        return next((renderer, found) for renderer in renderers if renderer.media_type == found)


class ApiView(APIView):
    """What anybody may read at an address. Problems come from `tenants.api.problems`."""

    schema = Described()
    authentication_classes = (FromSession,)
    permission_classes = (AllowAny,)
    throttle_classes = (PerMinute,)
    renderer_classes: Any = (JSONRenderer,)
    content_negotiation_class = ByAcceptOrFormat

    # For the reference.
    tag: ClassVar[str] = ""
    operation: ClassVar[str] = ""
    summary: ClassVar[str] = ""
    has_pages: ClassVar[bool] = False

    @classmethod
    def answers(cls) -> Any:
        """The serializer of a good answer."""
        raise NotImplementedError

    @classmethod
    def takes(cls) -> Sequence[Parameter]:
        """All parameters of the address; any other is refused."""
        return ()

    def asked(self) -> dict[str, Any]:
        return parameters.read(self.takes(), self.request._request.GET)

    @property
    def audience(self) -> str:
        """Whom the answer is for: "public" or "members"."""
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
        """What a browser asks before it reads across sites."""
        response = HttpResponse(status=204)
        response["Access-Control-Allow-Methods"] = METHODS
        response["Access-Control-Allow-Headers"] = "Accept, If-None-Match"
        response["Access-Control-Max-Age"] = "86400"
        return response

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        made = super().finalize_response(request, response, *args, **kwargs)
        patch_vary_headers(made, ["Accept", "Cookie"])
        if not request.user.is_authenticated:
            # Pages of other sites may read what everybody may. With "*" browsers send no cookies along.
            made["Access-Control-Allow-Origin"] = "*"
            made["Access-Control-Expose-Headers"] = "ETag, Link, Retry-After"
        return made

    def tag_of(self, *state: Any) -> str:
        """A strong ETag: of an answer that this code makes from `state`, at this address, for this audience."""
        said = (
            _code(type(self)),  # type: ignore[arg-type]
            self.request.build_absolute_uri(),
            self.wants_csv,
            self.audience,
            state,
        )
        return f'"{hashlib.sha256(repr(said).encode()).hexdigest()[:32]}"'

    def is_known(self, tag: str) -> bool:
        """True if the reader says to have the answer with this tag."""
        known = parse_etags(self.request.headers.get("If-None-Match", ""))
        return known == ["*"] or tag in {one.removeprefix("W/") for one in known}

    def tagged(self, response: HttpResponse, tag: str) -> HttpResponse:
        """The response, or 304 for who has it. Caches may keep it, and must ask each time whether it still holds."""
        if self.is_known(tag):
            response = HttpResponse(status=304)
        response["ETag"] = tag
        response["Cache-Control"] = "no-cache" if self.audience == "public" else "private, no-cache"
        return response


@cache
def _code(view: Any) -> str:
    """Differs when the code of a view does, so that no tag outlives the code that it stands for."""
    ours = [kind for kind in view.__mro__ if issubclass(kind, ApiView)]
    files = {Path(inspect.getfile(kind)) for kind in ours} | set(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in sorted(files))).hexdigest()
