"""How the API's views stand in its OpenAPI description; drf-spectacular puts the description together."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers

from tenants.api.parameters import MOST_VALUES
from tenants.api.problems import CONTENT_TYPE, EXPLAINED


class ProblemErrorSerializer(serializers.Serializer[Any]):
    parameter = serializers.CharField()
    value = serializers.CharField(help_text="As it was given, or the beginning of it.")
    detail = serializers.CharField(help_text="What to write instead.")


class ProblemSerializer(serializers.Serializer[Any]):
    """What went wrong, by RFC 9457."""

    type = serializers.URLField(help_text="Where this kind of problem is described.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What was given, what is expected, what to do next.")
    instance = serializers.CharField(help_text="The address that was asked.")
    errors = ProblemErrorSerializer(many=True, required=False)  # type: ignore[assignment]


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "tenants.api.base.FromSession"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        from django.conf import settings

        return {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "Of a member of the cohort who is signed in at the alliance; needed for nothing public.",
        }


def _header(name: str, says: str, *codes: int) -> OpenApiParameter:
    return OpenApiParameter(
        name, str, OpenApiParameter.HEADER, description=says, response=[str(code) for code in codes]
    )


HEADERS = [
    OpenApiParameter(
        "If-None-Match",
        str,
        OpenApiParameter.HEADER,
        description="The ETag of the answer you have: 304 without a body if it still holds.",
    ),
    _header("ETag", "Changes when the answer does.", 200, 304),
    _header("Retry-After", "Seconds to wait.", 429),
]
LINK = _header("Link", "The pages beside this one, by RFC 8288.", 200)


class Described(AutoSchema):
    """Reads the description of an operation from the attributes of its `ApiView`."""

    view: Any

    def get_operation_id(self) -> str:
        return str(self.view.operation)

    def get_tags(self) -> list[str]:
        return [self.view.tag]

    def get_summary(self) -> str:
        return str(self.view.summary)

    def get_override_parameters(self) -> list[Any]:
        found: list[Any] = [*HEADERS, *([LINK] if self.view.has_pages else [])]
        for parameter in self.view.takes():
            schema = dict(parameter.schema)
            found.append(
                OpenApiParameter(
                    parameter.name,
                    {"type": "array", "items": schema, "maxItems": MOST_VALUES} if parameter.many else schema,
                    description=parameter.says,
                    explode=True if parameter.many else None,
                    style="form" if parameter.many else None,
                )
            )
        return found

    def get_response_serializers(self) -> Any:
        good: dict[Any, Any] = {
            (200, "application/json"): OpenApiResponse(
                self.view.answers(), description=self.get_description()
            )
        }
        if self.view.has_pages:
            good[200, "text/csv"] = OpenApiResponse(
                str, description="The same rows with a line of names above."
            )
        good[304] = OpenApiResponse(description="What you have still holds.")
        problems = {
            (status, CONTENT_TYPE): OpenApiResponse(ProblemSerializer, description=says)
            for status, (_kind, says) in EXPLAINED.items()
            if status != 405 and (status != 404 or "{" in self.path)
        }
        return good | problems


def a_page_of(serializer: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    name = serializer.__name__.removesuffix("Serializer")
    return inline_serializer(
        name=f"{name}Page",
        fields={
            "next": serializers.URLField(allow_null=True),
            "previous": serializers.URLField(allow_null=True),
            "results": serializer(many=True),
        },
    )


def add_other_methods(result: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
    """Describe HEAD and OPTIONS too, which every address answers alike."""
    _forget_marks(result)
    for path in result["paths"].values():
        get = path["get"]
        bare = {
            status: {name: part for name, part in answer.items() if name != "content"}
            for status, answer in get["responses"].items()
        }
        path["head"] = get | {
            "operationId": f"{get['operationId']}_head",
            "summary": f"{get['summary']}: the headers alone",
            "responses": bare,
        }
        path["options"] = {
            "operationId": f"{get['operationId']}_options",
            "summary": "What pages of other sites may do: read",
            "tags": get["tags"],
            "parameters": [part for part in get.get("parameters", []) if part["in"] == "path"],
            "responses": {
                "204": {
                    "description": "The methods and headers that are allowed.",
                    "headers": {
                        "Access-Control-Allow-Methods": {"schema": {"type": "string"}},
                        "Access-Control-Allow-Headers": {"schema": {"type": "string"}},
                    },
                },
                **{
                    status: get["responses"][status]
                    for status in ("404", "429")
                    if status in get["responses"]
                },
            },
            "security": [{}],
        }
    return result


def _forget_marks(part: Any) -> None:
    """Take out what drf-spectacular marks lists of values with for its own use."""
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        _forget_marks(inner)
    if isinstance(part, dict):
        part.pop("x-spec-enum-id", None)
