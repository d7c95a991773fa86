"""The body of an item: text with a few marks, written in a rich-text editor, shown as HTML and searched as plain text.

    ## A heading
    - a list      1. a numbered list
    **bold**      [a link](https://…)

An empty line ends a paragraph or a list. Numbers are a list if they run 1, 2, 3 …; other lines that begin with a number
("12. of May we met") are text. Text without marks is text without marks.

Every pattern takes time in proportion to the text, whatever the text is.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from typing import NamedTuple

from django.utils.html import escape
from django.utils.safestring import SafeString
from wagtail.rich_text import expand_db_html

FEATURES = ["h3", "bold", "ol", "ul", "link"]  # of the editor
MARKS = {  # by the tag of the block
    "h3": re.compile(r"#{2,4} +(?=\S)"),
    "ul": re.compile(r"[-•*] +(?=\S)"),
    "ol": re.compile(r"(\d{1,3})[.)] +(?=\S)"),
}
LINK = re.compile(
    r"\[([^\[\]\n]+)\]\(((?:[^\s()]|\([^\s()]*\))+)\)"
    r"|(https?://[^\s<>()\[\]]*[^\s<>()\[\].,;:!?’”\"'*])"
)
BOLD = re.compile(r"\*\*(?=\S)((?:[^*\n]|\*(?!\*))+)(?<=\S)\*\*")
SAFE_URL = re.compile(r"(https?://|mailto:|tel:|/(?![/\\])|#)", re.IGNORECASE)
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})


def to_html(text: str) -> SafeString:
    """The text as HTML; everything in it that is not one of the marks is escaped."""
    runs = itertools.chain.from_iterable(_blocks(text))
    return SafeString("\n".join(_block_html(tag, [_inline(line) for line in lines]) for tag, lines in runs))


def to_plain_text(text: str) -> str:
    """The text without its marks, for the search: links are their labels."""
    blocks = ("\n".join(line for _tag, lines in block for line in lines) for block in _blocks(text))
    return BOLD.sub(r"\1", LINK.sub(lambda link: link[1] or link[3], "\n\n".join(blocks)))


def _blocks(text: str) -> Iterator[list[tuple[str, list[str]]]]:
    """What stands between empty lines: headings, lists and paragraphs, each with its lines without their marks."""
    for block in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").strip()):
        runs: list[tuple[str, list[str]]] = []
        for tag, group in itertools.groupby(
            (line.strip() for line in block.split("\n") if line.strip()), _tag
        ):
            lines = list(group)
            if tag == "p" or (tag == "ol" and not _counts_up(lines)):
                if runs and runs[-1][0] == "p":
                    runs[-1][1].extend(lines)
                else:
                    runs.append(("p", lines))
            else:
                runs.append((tag, [MARKS[tag].sub("", line, count=1) for line in lines]))
        yield runs


def _tag(line: str) -> str:
    return next((tag for tag, mark in MARKS.items() if mark.match(line)), "p")


def _counts_up(lines: list[str]) -> bool:
    numbers = (mark and int(mark[1]) for mark in map(MARKS["ol"].match, lines))
    return all(number == expected for expected, number in enumerate(numbers, 1))


def _block_html(tag: str, lines: list[str]) -> str:
    if tag == "h3":
        return "\n".join(f"<h3>{line}</h3>" for line in lines)
    if tag == "p":
        return f"<p>{'<br>'.join(lines)}</p>"
    return f"<{tag}>{''.join(f'<li>{line}</li>' for line in lines)}</{tag}>"


def _inline(text: str) -> str:
    """Links first, without any asterisk left in them, so that bold text can hold whole links but never half of one."""
    parts, position = [], 0
    for link in LINK.finditer(text):
        label, url = (link[3], link[3]) if link[3] else (link[1], link[2])
        if SAFE_URL.match(url):
            label = escape(label) if link[3] else _bold(escape(label))
            href = escape(_without_asterisks(url))
            parts += [
                escape(text[position : link.start()]),
                f'<a href="{href}">{label.replace("*", "&#42;")}</a>',
            ]
            position = link.end()
    return _bold("".join([*parts, escape(text[position:])]))


def _bold(html: str) -> str:
    return BOLD.sub(r"<b>\1</b>", html)


def _without_asterisks(url: str) -> str:
    return url.replace("*", "%2A")


def from_html(html: str) -> str:
    """The text with marks of what the rich-text editor wrote."""
    reader = _Reader()
    reader.feed(expand_db_html(html))
    reader.close()
    return reader.text()


class _Link(NamedTuple):
    number: int  # two links beside each other may have the same address
    href: str
    is_bold: bool  # the whole link is part of bold text


class _Piece(NamedTuple):
    text: str
    is_bold: bool
    link: _Link | None


class _Block(NamedTuple):
    tag: str
    list_number: int
    text: str


class _Reader(HTMLParser):
    """Reads blocks of text. Lists have one level: the items of a list in a list become items of the outer one."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[_Block] = []
        self.pieces: list[_Piece] = []
        self.tag = "p"
        self.lists: list[str] = []
        self.lists_read = 0
        self.bold = 0
        self.link: _Link | None = None
        self.links_read = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in HEADINGS | {"p", "ul", "ol", "li"}:
            self._end_block()
        if tag in HEADINGS:
            self.tag = "h3"
        elif tag in {"ul", "ol"}:
            self.lists_read += not self.lists
            self.lists.append(tag)
        elif tag == "li":
            self.tag = self.lists[0] if self.lists else "ul"
        elif tag == "br":
            self._add(" " if self.link else "\n")
        elif tag in {"b", "strong"}:
            self.bold += 1
        elif tag == "a":
            self.links_read += 1
            href = dict(attrs).get("href") or ""
            self.link = _Link(self.links_read, href, self.bold > 0) if href else None

    def handle_endtag(self, tag: str) -> None:
        if tag in HEADINGS | {"p", "li", "ul", "ol"}:
            self._end_block()
        if tag in HEADINGS | {"li", "ul", "ol"}:
            self.tag = "p"
        if tag in {"ul", "ol"} and self.lists:
            self.lists.pop()
        elif tag in {"b", "strong"} and self.bold:
            self.bold -= 1
        elif tag == "a":
            self.link = None

    def handle_data(self, data: str) -> None:
        self._add(data.replace("\xa0", " ").replace("\n", " "))

    def _add(self, text: str) -> None:
        self.pieces.append(_Piece(text, self.bold > 0, self.link))

    def _end_block(self) -> None:
        lines = [[]] if not self.pieces else _lines(self.pieces)
        text = "\n".join(_line_text(line).strip() for line in lines).strip()
        self.pieces = []
        if not text:
            return
        if self.tag == "p" and self.lists and self.blocks:  # more text of the same item
            last = self.blocks.pop()
            self.blocks.append(last._replace(text=f"{last.text} {' '.join(text.split())}"))
        else:
            text = text if self.tag == "p" else re.sub(r"\n+", " ", text)
            self.blocks.append(_Block(self.tag, self.lists_read, text))
        self.tag = "p"

    def text(self) -> str:
        self._end_block()
        parts = []
        for _key, group in itertools.groupby(
            enumerate(self.blocks),
            lambda item: item[1][:2] if item[1].tag in {"ul", "ol"} else item[0],
        ):
            blocks = [block for _index, block in group]
            marks = {"h3": "## ", "ul": "- ", "p": ""}
            lines = (
                marks.get(block.tag, f"{number}. ") + block.text for number, block in enumerate(blocks, 1)
            )
            parts.append("\n".join(lines))
        return "\n\n".join(parts)


def _lines(pieces: Iterable[_Piece]) -> list[list[_Piece]]:
    """The pieces of each line: bold text that goes on in the next line is bold in both."""
    lines: list[list[_Piece]] = [[]]
    for piece in pieces:
        first, *others = piece.text.split("\n")
        lines[-1].append(piece._replace(text=first))
        lines += [[piece._replace(text=text)] for text in others]
    return lines


def _line_text(pieces: list[_Piece]) -> str:
    whole: list[_Piece] = []
    for link, group in itertools.groupby(pieces, lambda piece: piece.link):
        parts = list(group)
        whole += [_link_piece(link, parts)] if link else parts
    return _with_bold(whole)


def _link_piece(link: _Link, pieces: list[_Piece]) -> _Piece:
    """A link as text: blanks around its label stand outside, its address has no character that would end it."""
    label = "".join(piece.text for piece in pieces) if link.is_bold else _with_bold(pieces)
    text = label.strip()
    href = _without_asterisks(re.sub(r"\s", "%20", link.href.strip()).replace("(", "%28").replace(")", "%29"))
    if text and not (_without_asterisks(text) == href and (bare := LINK.fullmatch(text)) and bare[3]):
        text = f"[{text.replace('[', '(').replace(']', ')')}]({href})"
    before = label[: len(label) - len(label.lstrip())]
    return _Piece(f"{before}{text}{label[len(label.rstrip()) :] if text else ''}", link.is_bold, None)


def _with_bold(pieces: Iterable[_Piece]) -> str:
    """The text with marks around what is bold; blanks at its ends stand outside of them."""
    result = []
    for is_bold, group in itertools.groupby(pieces, lambda piece: piece.is_bold):
        text = "".join(piece.text for piece in group)
        core = text.strip()
        if is_bold and core:
            start = len(text) - len(text.lstrip())
            text = f"{text[:start]}**{core}**{text[start + len(core) :]}"
        result.append(text)
    return "".join(result)
