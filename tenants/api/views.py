"""Paginated lists and single rows of a resource, from a queryset and a serializer."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from tenants.api import parameters
from tenants.api.base import ApiView, CsvRenderer
from tenants.api.parameters import Parameter
from tenants.api.rows import Statement
from tenants.api.schema import a_page_of
from tenants.web.exports import csv_response

PAGE_SIZE, MOST_ROWS = 50, 100
AFTER, BEFORE = "after", "before"


def _cursor(key: str) -> Parameter:
    pattern = rf"^({AFTER}|{BEFORE}):{key}$"

    def read_one(text: str) -> tuple[str, str]:
        if not re.fullmatch(pattern, text):
            raise ValueError(
                _("Take the whole address from “next” or “previous”, or leave the cursor out to begin again.")
            )
        way, _colon, value = text.partition(":")
        return way, value

    says = "Where the page begins: part of the addresses in `next` and `previous`."
    return Parameter("cursor", says, {"type": "string", "pattern": pattern}, read_one)


BY_SLUG = _cursor("[-a-zA-Z0-9_]{1,80}")
BY_UUID = _cursor(parameters.UUID.strip("^$"))
SIZE = parameters.number("page_size", "Rows on a page.", low=1, high=MOST_ROWS, default=PAGE_SIZE)
FORMAT = parameters.choice(
    "format", "`csv` for a spreadsheet; the same as `Accept: text/csv`.", ["json", "csv"], many=False
)


class RowsView(ApiView):
    """Rows of one resource. `key` is the name of a unique column, by which they are sorted."""

    serializer: ClassVar[type[serializers.Serializer[Any]]]
    key: ClassVar[str]
    more_fields: ClassVar[frozenset[str]] = frozenset()  # fields of the serializer that are not columns

    @classmethod
    def rows(cls, audience: str) -> QuerySet[Any]:
        """Return the rows that `audience` may see, with the annotations that the serializer needs."""
        raise NotImplementedError


@lru_cache(maxsize=500)
def statement(view: Any, audience: str, filters: tuple[tuple[str, Any], ...]) -> Statement:
    """The compiled query of a view for `audience`, filtered by pairs of lookup and value; cached."""
    rows = view.rows(audience).filter(**dict(filters))
    return Statement.of(rows, view.serializer(), key=view.key, but=view.more_fields)


@dataclass(frozen=True)
class Page:
    """One page of a list: (key, mark, row) of each row, and the cursors of the neighboring pages."""

    lines: list[tuple[Any, ...]]
    next: str = ""
    previous: str = ""


class ListView(RowsView):
    """A page of rows by key. Keys never change, so that paging neither skips nor repeats a row."""

    renderer_classes = (JSONRenderer, CsvRenderer)
    filters: ClassVar[Sequence[Parameter]] = ()
    cursor: ClassVar[Parameter] = BY_SLUG
    has_pages = True

    @classmethod
    def answers(cls) -> Any:
        return a_page_of(cls.serializer)

    @classmethod
    def takes(cls) -> Sequence[Parameter]:
        return (*cls.filters, cls.cursor, SIZE, FORMAT)

    def get(self, request: Request) -> HttpResponse:
        params = self.asked()
        if "If-None-Match" in request.headers:  # the rows themselves are rarely needed then
            tag = self._tag(self._page(params, with_rows=False))
            if self.is_known(tag):
                return self.tagged(HttpResponse(), tag)
        page = self._page(params, with_rows=True)
        rows = [line[2] for line in page.lines]
        links = {"next": self._link(page.next), "previous": self._link(page.previous)}
        if self.wants_csv:
            response = csv_response(f"{self.tag}.csv", list(self.serializer().fields), map(json.loads, rows))
        else:
            ends = ", ".join(f"{json.dumps(name)}: {json.dumps(url)}" for name, url in links.items())
            body = f'{{{ends}, "results": [{", ".join(rows)}]}}'
            response = HttpResponse(body, content_type="application/json")
        if any(links.values()):
            response["Link"] = ", ".join(
                f'<{url}>; rel="{"next" if name == "next" else "prev"}"' for name, url in links.items() if url
            )
        return self.tagged(response, self._tag(page))

    def _page(self, params: dict[str, Any], *, with_rows: bool) -> Page:
        given = [(p.lookup, params[p.name]) for p in self.filters if p.name in params]
        filters = tuple((name, tuple(v) if isinstance(v, list) else v) for name, v in given)
        size = params.get("page_size", PAGE_SIZE)
        way, beyond = params.get("cursor", (AFTER, None))
        lines = statement(type(self), self.audience, filters).page(  # type: ignore[arg-type]
            beyond=beyond,
            backward=way == BEFORE,
            most=size + 1,  # one more row shows whether there is another page
            with_rows=with_rows,
        )
        has_more, lines = len(lines) > size, lines[:size]
        if way == BEFORE:
            lines.reverse()
        if not lines:
            return Page([])
        return Page(
            lines,
            next=f"{AFTER}:{lines[-1][0]}" if has_more or way == BEFORE else "",
            previous=f"{BEFORE}:{lines[0][0]}" if (has_more if way == BEFORE else beyond is not None) else "",
        )

    def _tag(self, page: Page) -> str:
        return self.tag_of(page.next, page.previous, [line[:2] for line in page.lines])

    def _link(self, cursor: str) -> str | None:
        if not cursor:
            return None
        params = self.request._request.GET.copy()
        params["cursor"] = cursor
        return self.request.build_absolute_uri(f"{self.request.path}?{params.urlencode()}")


class DetailView(RowsView):
    """One row, by the key at the end of the address."""

    @classmethod
    def answers(cls) -> Any:
        return cls.serializer()

    def get(self, request: Request, **names: Any) -> HttpResponse:
        self.asked()
        (key,) = names.values()
        line = statement(type(self), self.audience, ()).one(key)  # type: ignore[arg-type]
        if line is None:
            raise Http404
        _key, mark, body = line
        more = self.more(key)
        if more:
            body = json.dumps(json.loads(body) | more, ensure_ascii=False)
        response = HttpResponse(body, content_type="application/json")
        return self.tagged(response, self.tag_of(mark, more))

    def more(self, key: Any) -> dict[str, Any]:
        """Return the values of `more_fields`."""
        return {}
