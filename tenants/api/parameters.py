"""Query parameters: a serializer field parses and describes each value, a FilterSet filters by it.

Every parameter is strict: a text that is not as described is an error, and so is a parameter that is not known.
"""

from __future__ import annotations

import copy
import datetime as dt
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from tenants.api.pagination import AFTER, BEFORE, MAX_PAGE_SIZE, PAGE_SIZE
from tenants.api.problems import InvalidParameters
from tenants.models.us_states import US_STATES

MAX_VALUES = 30  # of one parameter
SLUG = r"^[a-z0-9]+([_-][a-z0-9]+)*$"
UUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
SLUG_KEY = "[-a-zA-Z0-9_]{1,80}"
RFC_3339 = (
    r"\d{4}-\d\d-\d\d[Tt]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)"
)
FIRST_MOMENT = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
LAST_MOMENT = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)


# ---- Values ---------------------------------------------------------------------------------------------------
class StrictMixin(serializers.Field[Any, Any, Any, Any]):
    """A text must match `pattern` before the field parses it; every error says `remedy`: what to write instead."""

    pattern: str
    remedy: str | Promise

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, **options)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if re.fullmatch(self.pattern, data, re.ASCII):
            with suppress(serializers.ValidationError, ValueError):
                return super().run_validation(data)
        raise serializers.ValidationError(str(self.remedy))


class ChoiceParameter(serializers.ChoiceField):
    def __init__(self, choices: Iterable[str], **options: Any) -> None:
        super().__init__(choices=[str(choice) for choice in choices], required=False, **options)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if data not in self.choices:
            raise serializers.ValidationError(
                _("Use one of: %(known)s.") % {"known": ", ".join(self.choices)}
            )
        return data


class SlugParameter(StrictMixin, serializers.RegexField):
    pattern = SLUG
    remedy = gettext_lazy("Write small letters, digits and single hyphens, like “marrow-bend”.")

    def __init__(self, **options: Any) -> None:
        super().__init__(regex=SLUG, max_length=60, **options)


class StateParameter(ChoiceParameter):
    def __init__(self, **options: Any) -> None:
        super().__init__(US_STATES, **options)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if data not in self.choices:
            raise serializers.ValidationError(_("Write a state’s two capital letters, like MN."))
        return data


@extend_schema_field({"type": "string", "format": "uuid", "pattern": UUID})
class UuidParameter(StrictMixin, serializers.UUIDField):
    pattern = UUID
    remedy = gettext_lazy("Write a UUID, like 0b9c1f4e-5d36-4a6c-9a3e-2f1d7c8b4a60.")


class CursorParameter(StrictMixin, serializers.RegexField):
    remedy = gettext_lazy(
        "Use the whole address from “next” or “previous”, or leave out the cursor to start over."
    )

    def __init__(self, key_pattern: str, **options: Any) -> None:
        self.pattern = f"^({AFTER}|{BEFORE}):{key_pattern.strip('^$')}$"
        super().__init__(regex=self.pattern, **options)


class IntegerParameter(StrictMixin, serializers.IntegerField):
    pattern = "[0-9]{1,9}"

    @property
    def remedy(self) -> str:  # type: ignore[override]
        limits = {"low": self.min_value, "high": self.max_value}
        return _("Write a whole number from %(low)d to %(high)d.") % limits


class BooleanParameter(StrictMixin, serializers.BooleanField):
    pattern = "true|false"
    remedy = gettext_lazy("Write true or false.")


class DateParameter(StrictMixin, serializers.DateField):
    pattern = r"\d{4}-\d\d-\d\d"
    remedy = gettext_lazy("Write a date as year, month and day, like 2027-06-30.")


class DateTimeParameter(StrictMixin, serializers.DateTimeField):
    """A timestamp of RFC 3339. Python knows neither leap seconds nor the year 0: the next second and year count."""

    pattern = RFC_3339
    remedy = gettext_lazy(
        "Write a date and time with a time zone, like 2027-06-30T17:00:00Z; a plus sign is %2B in an address."
    )

    def to_internal_value(self, value: str) -> dt.datetime:
        is_leap_second = value[17:19] == "60"
        text = (value[:17] + "59" + value[19:]) if is_leap_second else value
        moment = parse_datetime(text.upper().replace("0000-", "0001-", 1))
        if moment is None:
            raise ValueError(value)
        try:
            return (moment + dt.timedelta(seconds=is_leap_second)).astimezone(dt.UTC)
        except OverflowError:
            return FIRST_MOMENT if moment.year == 1 else LAST_MOMENT


# ---- Parameters of a view ---------------------------------------------------------------------------------------
class ParameterField(forms.Field):
    """All values of a parameter, each parsed by `parameter`; a list if that is a ListField."""

    widget = forms.MultipleHiddenInput

    def __init__(self, parameter: serializers.Field[Any, Any, Any, Any], **options: Any) -> None:
        super().__init__(**options)
        self.many = isinstance(parameter, serializers.ListField)
        self.parameter: Any = parameter.child if isinstance(parameter, serializers.ListField) else parameter

    def clean(self, value: list[str]) -> Any:
        limit = MAX_VALUES if self.many else 1
        if len(value) > limit:
            message = (
                _("Use it at most %(most)d times.") % {"most": limit} if self.many else _("Use it once.")
            )
            raise ValidationError(message, params={"value": value[-1]})
        values, errors = [], []
        for text in value:
            try:
                values.append(self.parameter.run_validation(text))
            except serializers.ValidationError as error:
                errors.append(ValidationError(str(error.detail[0]), params={"value": text}))  # type: ignore[index]
        if errors:
            raise ValidationError(errors)
        return values if self.many else (values or [None])[0]


class ParameterFilter(django_filters.Filter):
    """A filter whose values are parsed and described by a serializer field."""

    field_class = ParameterField

    def __init__(self, parameter: serializers.Field[Any, Any, Any, Any], **options: Any) -> None:
        super().__init__(parameter=parameter, label="", **options)  # no form is shown

    def __deepcopy__(self, memo: Any) -> ParameterFilter:
        """A FilterSet copies its filters for each request; the parameter has no state and is shared."""
        return copy.copy(self)


class AnyOfFilter(ParameterFilter):
    """Rows that match any of the values."""

    def __init__(
        self,
        parameter: serializers.Field[Any, Any, Any, Any],
        help_text: str,
        *,
        lookup_expr: str = "in",
        **options: Any,
    ) -> None:
        values = serializers.ListField(
            child=parameter, max_length=MAX_VALUES, help_text=help_text, required=False
        )
        super().__init__(values, lookup_expr=lookup_expr, **options)


class UpdatedSinceFilter(ParameterFilter):
    def __init__(self, field_name: str) -> None:
        help_text = (
            "Only what changed or came to be seen at this moment or later (RFC 3339). Begin some minutes before your "
            "last request, because a change shows once it is committed. What was withdrawn is not told: compare a "
            "full list from time to time."
        )
        super().__init__(DateTimeParameter(help_text=help_text), field_name=field_name, lookup_expr="gte")


class Option(ParameterFilter):
    """A parameter that the view or its paginator reads; it filters nothing."""

    def filter(self, queryset: QuerySet[Any], value: Any) -> QuerySet[Any]:
        return queryset


class ApiFilterSet(django_filters.FilterSet):
    """The filters of a list in the API, then the parameters of its pages. Lists on pages have `tenants.web.filters`."""

    key_pattern = SLUG_KEY

    @classmethod
    def get_filters(cls) -> dict[str, django_filters.Filter]:
        cursor = CursorParameter(
            cls.key_pattern,
            help_text="Where the page starts: part of the addresses in `next` and `previous`.",
        )
        size = IntegerParameter(
            min_value=1, max_value=MAX_PAGE_SIZE, default=PAGE_SIZE, help_text="Rows on a page."
        )
        format_name = ChoiceParameter(
            ["json", "csv"], help_text="`csv` for a spreadsheet; the same as `Accept: text/csv`."
        )
        options = {"cursor": Option(cursor), "page_size": Option(size), "format": Option(format_name)}
        return super().get_filters() | options


class StrictFilterBackend(DjangoFilterBackend):
    """Filters lists. A single row takes no parameter."""

    def get_filterset_class(self, view: Any, queryset: Any = None) -> type[django_filters.FilterSet] | None:
        is_single = getattr(view, "action", None) == "retrieve"
        return None if is_single else super().get_filterset_class(view, queryset)

    def filter_queryset(self, request: Any, queryset: Any, view: Any) -> Any:
        filterset = self.get_filterset(request, queryset, view)
        validate_query(
            request.query_params, filterset.form if filterset else forms.Form(request.query_params)
        )
        return filterset.qs if filterset else queryset


def validate_query(query: QueryDict, form: forms.Form) -> dict[str, Any]:
    """Parsed values of the parameters of `form`. Raises InvalidParameters, with all errors in the order of the query."""
    invalid = form.errors.as_data()
    known = ", ".join(sorted(form.fields)) or _("none")
    errors = []
    for name, texts in query.lists():
        problems = [(error.params["value"], error.message) for error in invalid.get(name, ())]  # type: ignore[index]
        if name not in form.fields:
            unknown = _("There is no such parameter here. Known: %(names)s.") % {"names": known}
            problems = [(texts[-1], unknown)]
        errors += [
            {"parameter": name[:100], "value": value[:200], "detail": detail} for value, detail in problems
        ]
    if errors:
        raise InvalidParameters(errors)
    return form.cleaned_data
