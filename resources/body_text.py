"""The body of an item: text with a few marks, written in a rich-text editor, shown as HTML and searched as plain text.

    ## A heading
    - a list      1. a numbered list
    **bold**      [a link](https://…)

An empty line ends a paragraph or a list. Text without marks is text without marks.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

from django.utils.html import escape
from django.utils.safestring import SafeString
from wagtail.rich_text import expand_db_html

FEATURES = ["h3", "bold", "ol", "ul", "link"]  # of the editor
HEADING = re.compile(r"#{2,4} +(.+)")
BULLET = re.compile(r"[-•*] +(.+)")
NUMBER = re.compile(r"\d{1,3}[.)] +(.+)")
LINK = re.compile(r"\[([^\]\n]+)\]\(([^\s)]+)\)|(https?://[^\s<>()\[\]]*[^\s<>()\[\].,;:!?’”\"'])")
BOLD = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*")
SAFE_URL = re.compile(r"(https?://|mailto:|tel:|/(?!/)|#)", re.IGNORECASE)
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})


def to_html(text: str) -> SafeString:
    """The text as HTML; everything in it that is not one of the marks is escaped."""
    html: list[str] = []
    for block in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").strip()):
        _append_block(html, [line.strip() for line in block.split("\n") if line.strip()])
    return SafeString("\n".join(html))


def _append_block(html: list[str], lines: list[str]) -> None:
    """Add the headings, lists and paragraphs of lines without an empty one between them."""
    while lines:
        if heading := HEADING.fullmatch(lines[0]):
            html.append(f"<h3>{_inline(heading[1])}</h3>")
            lines = lines[1:]
            continue
        mark, tag = next(
            ((mark, tag) for mark, tag in ((BULLET, "ul"), (NUMBER, "ol")) if mark.fullmatch(lines[0])),
            (None, "p"),
        )
        count = 1
        while count < len(lines) and _kind(lines[count]) is mark:
            count += 1
        if mark:
            texts = [_inline(mark.sub(r"\1", line)) for line in lines[:count]]
            items = "".join(f"<li>{text}</li>" for text in texts)
            html.append(f"<{tag}>{items}</{tag}>")
        else:
            html.append(f"<p>{'<br>'.join(_inline(line) for line in lines[:count])}</p>")
        lines = lines[count:]


def _kind(line: str) -> re.Pattern[str] | None:
    return next((mark for mark in (HEADING, BULLET, NUMBER) if mark.fullmatch(line)), None)


def _inline(text: str) -> str:
    parts, position = [], 0
    for link in LINK.finditer(text):
        label, url = (link[3], link[3]) if link[3] else (link[1], link[2])
        if SAFE_URL.match(url):
            parts += [_bold(text[position : link.start()]), f'<a href="{escape(url)}">{_bold(label)}</a>']
            position = link.end()
    return "".join([*parts, _bold(text[position:])])


def _bold(text: str) -> str:
    return BOLD.sub(r"<b>\1</b>", escape(text))


def to_plain_text(text: str) -> str:
    """The text without its marks, for the search: links are their labels."""
    text = re.sub(r"(?m)^[ \t]*(#{2,4}|[-•*]|\d{1,3}[.)]) +(?=\S)", "", text)
    return BOLD.sub(r"\1", re.sub(r"\[([^\]\n]+)\]\(([^\s)]+)\)", r"\1", text))


def from_html(html: str) -> str:
    """The text with marks of what the rich-text editor wrote."""
    reader = _Reader()
    reader.feed(expand_db_html(html))
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    """Reads blocks of text: each has the mark that its lines begin with, and whether it is part of a list."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[tuple[str, str]] = []
        self.current = ""
        self.mark = ""
        self.lists: list[str] = []
        self.number = 0
        self.href = ""
        self.label_from = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in HEADINGS | {"p", "ul", "ol", "li"}:
            self._end_block()
        if tag in HEADINGS:
            self.mark = "## "
        elif tag in {"ul", "ol"}:
            self.lists.append(tag)
            self.number = 0
        elif tag == "li":
            self.number += 1
            self.mark = f"{self.number}. " if self.lists[-1:] == ["ol"] else "- "
        elif tag == "br":
            self.current += "\n"
        elif tag in {"b", "strong"}:
            self.current += "**"
        elif tag == "a":
            self.href, self.label_from = dict(attrs).get("href") or "", len(self.current)

    def handle_endtag(self, tag: str) -> None:
        if tag in HEADINGS | {"p", "li", "ul", "ol"}:
            self._end_block()
        if tag in {"ul", "ol"} and self.lists:
            self.lists.pop()
        elif tag in {"b", "strong"}:
            self.current += "**"
        elif tag == "a" and self.href:
            label = self.current[self.label_from :]
            if label.strip() and label.strip() != self.href:
                self.current = f"{self.current[: self.label_from]}[{label.strip()}]({self.href})"
            self.href = ""

    def handle_data(self, data: str) -> None:
        self.current += data.replace("\xa0", " ")

    def _end_block(self) -> None:
        text = self.current.replace("****", "").strip()
        if text:
            self.blocks.append((self.mark, text))
        self.current = self.mark = ""

    def text(self) -> str:
        self._end_block()
        result, previous = "", ""
        for mark, text in self.blocks:
            is_same_list = mark not in {"", "## "} and previous not in {"", "## "} and mark != "1. "
            separator = "" if not result else ("\n" if is_same_list else "\n\n")
            result += separator + mark + text
            previous = mark
        return result
