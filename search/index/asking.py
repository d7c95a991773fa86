"""Search by an engine beside the database: what is asked of it, and how its answers are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from search import answers, spelling
from search.engine import FACETS, Answer, Hit, Query, Suggestion
from search.index.questions import FEW, Question, beginnings
from search.phrasing import Phrasing

Json = dict[str, Any]


class Asks(Protocol):
    def request(
        self, method: str, path: str, body: Any = None, params: Mapping[str, Any] | None = None
    ) -> Json: ...


class Remote:
    """The engine behind `transport`, asked through an alias of its index. Nothing is forgiven: see `fallback`."""

    def __init__(self, transport: Asks, alias: str) -> None:
        self._transport, self._alias = transport, alias

    def search(self, query: Query) -> Answer:
        return spelling.answer(query, self._find)

    def suggest(self, prefix: str, *, audience: str, size: int) -> list[Suggestion]:
        body = beginnings(prefix, audience=audience, size=size)
        rows = [row["_source"] for row in self._ask(body)["hits"]["hits"]] if body else []
        return [Suggestion(_only(row["title"]), row["kind"], row["host"], row["path"]) for row in rows]

    def _find(self, query: Query, wanted: Phrasing) -> tuple[Answer, list[str]]:
        """The answer, and the words that stand nowhere. One request, mostly; three where few documents have all words."""
        question = Question(query, wanted)
        if question.is_empty:
            return Answer([], 0, answers.with_chosen({}, query)), []
        found, unknown = self._ask(question.for_all()), []
        pool = found["aggregations"]["pool"]["doc_count"]
        if pool < FEW and len(question.parts) > 1:
            rarity = self._ask(question.for_rarity())
            found = self._ask(question.for_some(rarity, is_there_all=pool > 0))
            unknown = question.unknown(rarity)
        elif not pool:
            unknown = question.checked
        answer = Answer(
            hits=[_hit(row) for row in found["hits"]["hits"]],
            total=found["hits"]["total"]["value"],
            facets=answers.with_chosen({name: _counts(found, name) for name in FACETS}, query),
            also=wanted.also,
        )
        return answer, unknown

    def _ask(self, body: Json) -> Json:
        return self._transport.request("POST", f"/{self._alias}/_search", body)


def _hit(row: Json) -> Hit:
    source = row["_source"]
    marks = row.get("highlight", {})

    def text(name: str) -> str:
        found = marks.get(f"{name}.{source['language']}", [""])[0]
        return str(found or _only(source.get(name, {})))

    return answers.hit(source, title=text("title"), summary=text("summary"), excerpt=text("body"))


def _only(by_language: Mapping[str, str]) -> str:
    """A document has a text in its own language alone."""
    return next(iter(by_language.values()), "")


def _counts(found: Json, name: str) -> dict[str, int]:
    return {
        bucket["key"]: bucket.get("fits", bucket)["doc_count"]
        for bucket in found["aggregations"][name]["buckets"]
        if bucket["key"]
    }
