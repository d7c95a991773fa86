"""Filters of the lists on pages: a FilterSet declares their names, labels and choices once, and reads the query string.

Besides what django-filter does, a page needs facets (choices with counts), chips (the filters in use, each with the
address without it), addresses that keep the other filters, and columns to sort by.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar
from urllib.parse import urlencode

import django_filters
from django import forms
from django.db import models
from django.utils.functional import cached_property
from django.utils.text import capfirst

MAX_TEXT_LENGTH = 100


class OneLineField(forms.CharField):
    """Text on one line; a longer one is cut instead of refused."""

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        return " ".join(text.replace("\x00", "").split())[: self.max_length]


class TextFilter(django_filters.CharFilter):
    field_class = OneLineField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_length": MAX_TEXT_LENGTH} | kwargs)


class AnyChoicesField(forms.MultipleChoiceField):
    """Any values, each once. One that is no choice matches nothing, as in an old link."""

    def clean(self, value: Any) -> list[str]:
        values = dict.fromkeys(text.strip() for text in value or ())
        return [text for text in values if text and "\x00" not in text]


class AnyChoiceField(django_filters.fields.ChoiceField):
    """Any value. One that is no choice matches nothing, as in an old link."""

    def to_python(self, value: Any) -> str:
        return super().to_python(value).strip()

    def valid_value(self, value: str) -> bool:
        return "\x00" not in value


class AnyChoiceFilter(django_filters.ChoiceFilter):
    """A filter by one value of a select field."""

    field_class = AnyChoiceField


class Facet(django_filters.Filter):
    """A filter by any of several values."""

    field_class = AnyChoicesField

    def __init__(self, field_name: str | None = None, lookup_expr: str = "in", **kwargs: Any) -> None:
        super().__init__(field_name, lookup_expr, **kwargs)


def field_label(model: type[models.Model], field_name: str) -> Any:
    field: Any = model._meta.get_field(field_name)
    return capfirst(field.verbose_name)


def facet(model: type[models.Model], field_name: str, **options: Any) -> Facet:
    """A facet with the label and the choices of a model's field."""
    field: Any = model._meta.get_field(field_name)

    def choices() -> Any:  # a function, because each request copies a list
        return getattr(field, "base_field", field).choices

    return Facet(field_name, **{"label": field_label(model, field_name), "choices": choices} | options)


class SortField(forms.ChoiceField):
    def valid_value(self, value: str) -> bool:
        return super().valid_value(value.removeprefix("-"))


class SortFilter(django_filters.Filter):
    """The order of a list of rows: a name of `keys`, "-name" for the reverse. The choices label the columns.

    Rows whose key is None come last in both directions.
    """

    field_class = SortField

    def __init__(self, *args: Any, keys: Mapping[str, Callable[[Any], Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.keys = keys

    def filter(self, rows: list[Any], value: str) -> list[Any]:
        if not value:
            return rows
        key = self.keys[value.removeprefix("-")]
        with_value = [row for row in rows if key(row) is not None]
        without_value = [row for row in rows if key(row) is None]
        return sorted(with_value, key=key, reverse=value.startswith("-")) + without_value


class ListFilterSet(django_filters.FilterSet):
    """The filters of a list. Any query string is accepted: an invalid value counts as the filter's `initial` one.

    A facet takes unknown values too; they match nothing.
    """

    without_chip: ClassVar[Collection[str]] = ("sort", "order")  # filters that leave no row out
    open_facets: ClassVar[Collection[str]] = ()
    facets_by_count: ClassVar[
        Collection[str]
    ] = ()  # the choices of the others keep the order they are declared in

    def __init__(self, data: Any, queryset: Any = None, *, kept: Mapping[str, str] | None = None) -> None:
        """`kept` are further parameters that all addresses have."""
        super().__init__(data, queryset)
        self.kept = kept or {}
        self._labels: dict[str, dict[str, Any]] = {}

    @cached_property
    def values(self) -> dict[str, Any]:
        """{"state": ["MN"], "q": "river", "order": "state"}"""
        self.form.is_valid()
        return {
            name: self.form.cleaned_data.get(name) or field.initial or ""
            for name, field in self.form.fields.items()
        }

    @classmethod
    def cacheable_params(cls) -> list[str]:
        """The query parameters of the list that take few values: the page, and all filters but free text."""
        return [*(name for name, f in cls.base_filters.items() if not isinstance(f, TextFilter)), "page"]

    @cached_property
    def facet_names(self) -> list[str]:
        return [
            name for name, f in self.filters.items() if "choices" in f.extra and name not in self.without_chip
        ]

    def selected(self, name: str) -> list[str]:
        value = self.values[name]
        return [value] if isinstance(value, str) and value else list(value)

    @property
    def is_narrowed(self) -> bool:
        """True if any facet is in use."""
        return any(self.values[name] for name in self.facet_names)

    def labels(self, name: str) -> dict[str, Any]:
        """The choices of a filter with their labels, looked up once."""
        if name not in self._labels:
            self._labels[name] = dict(self.form.fields[name].choices)
        return self._labels[name]

    def filter_queryset(self, queryset: Any, *, skip: Collection[str] = ()) -> Any:
        """The rows that match, of a queryset or a list, without the filters in `skip`."""
        for name, value in self.values.items():
            if value and name not in skip:
                queryset = self.filters[name].filter(queryset, value)
        return queryset

    def query_string(self, **changes: Any) -> str:
        """The query string of this list with changes, from page 1: "?status=late&sort=due", or "?"; "" removes one."""
        params = {
            name: value
            for name, value in (self.values | changes).items()
            if name not in self.filters or value != self.filters[name].extra.get("initial")
        }
        return "?" + urlencode(
            {name: value for name, value in ({**params, **self.kept}).items() if value}, doseq=True
        )

    def facet(self, name: str, counts: Mapping[str, int]) -> dict[str, Any]:
        """A facet with the choices in `counts`: {"name", "label", "choices": [{"value", "label", "count", …}], …}."""
        labels, selected = self.labels(name), self.selected(name)
        if name in self.facets_by_count:
            values = sorted(counts, key=lambda value: (-counts[value], str(labels.get(value, value))))
        else:
            order = {value: position for position, value in enumerate(labels)}
            values = sorted(counts, key=lambda value: (order.get(value, len(order)), value))
        return {
            "name": name,
            "label": self.filters[name].label,
            "choices": [
                {
                    "value": value,
                    "label": labels.get(value, value),
                    "count": counts[value],
                    "is_selected": value in selected,
                    # Values of a hostile query string are no ids.
                    "id": f"{name}-{value}"
                    if value.replace("-", "").replace("_", "").isalnum()
                    else f"{name}.{number}",
                }
                for number, value in enumerate(values)
            ],
            "is_open": bool(selected) or name in self.open_facets,
        }

    def chips(self) -> list[dict[str, str]]:
        """The filters in use, each with the query string without it: [{"label": "Minnesota", "url": "?kind=city"}]."""
        return [
            {
                "label": self.chip_label(name, value),
                "url": self.query_string(
                    **{name: [other for other in self.selected(name) if other != value]}
                ),
            }
            for name in self.filters
            if name not in self.without_chip
            for value in self.selected(name)
        ]

    def chip_label(self, name: str, value: str) -> str:
        return str(self.labels(name).get(value, value)) if name in self.facet_names else f"“{value}”"

    def columns(self) -> list[dict[str, Any]]:
        """The columns to sort by; `direction` is "", "ascending" or "descending": [{"label", "direction", "url"}]."""
        columns = []
        for name, label in self.labels("sort").items():
            direction = {name: "ascending", f"-{name}": "descending"}.get(self.values["sort"], "")
            url = self.query_string(sort=f"-{name}" if direction == "ascending" else name)
            columns.append({"label": label, "direction": direction, "url": url})
        return columns
