"""A small writer of tagged PDF files: headings, paragraphs and lists in Helvetica, which every reader has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

WIDTH, HEIGHT, MARGIN = 612, 792, 72  # US letter, in points
# Style of each kind: font, size, space above, indent, PDF structure type.
STYLES = {
    "h1": ("F2", 20, 0, 0, "H1"),
    "h2": ("F2", 13, 14, 0, "H2"),
    "text": ("F1", 11, 7, 0, "P"),
    "bullet": ("F1", 11, 4, 16, "P"),
    "number": ("F1", 11, 4, 16, "P"),
}
# Widths of Helvetica for the characters from the space to the tilde, in thousandths of the size.
WIDTHS = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
]  # fmt: skip


def write_pdf(title: str, language: str, blocks: Iterable[tuple[str, str]]) -> bytes:
    """A PDF of blocks: [("h1", "Heading"), ("text", "A paragraph"), ("bullet", "An item")]."""
    pages = list(_pages(blocks))
    first_page = 6  # 1 catalog, 2 pages, 3 and 4 fonts, 5 information; then each page with its content
    root = first_page + 2 * len(pages)
    document, parents, first_element = root + 1, root + 2, root + 3
    objects = {
        1: f"<< /Type /Catalog /Pages 2 0 R /Lang ({language}) /MarkInfo << /Marked true >> "
        f"/StructTreeRoot {root} 0 R /ViewerPreferences << /DisplayDocTitle true >> >>",
        2: f"<< /Type /Pages /Count {len(pages)} /Kids "
        f"[{' '.join(f'{first_page + 2 * n} 0 R' for n in range(len(pages)))}] >>",
        3: "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        4: "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
        5: f"<< /Title ({_escape(title)}) >>",
    }
    elements: list[int] = []
    nums: list[str] = []
    for number, (content, kinds) in enumerate(pages):
        page = first_page + 2 * number
        objects[page] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {WIDTH} {HEIGHT}] /Contents {page + 1} 0 R "
            f"/StructParents {number} /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>"
        )
        objects[page + 1] = f"<< /Length {len(_encode(content))} >>\nstream\n{content}\nendstream"
        own = []
        for mark, kind in enumerate(kinds):
            element = first_element + len(elements)
            objects[element] = (
                f"<< /Type /StructElem /S /{kind} /P {document} 0 R /Pg {page} 0 R /K {mark} >>"
            )
            elements.append(element)
            own.append(f"{element} 0 R")
        nums.append(f"{number} [{' '.join(own)}]")
    kids = " ".join(f"{element} 0 R" for element in elements)
    objects[root] = f"<< /Type /StructTreeRoot /K {document} 0 R /ParentTree {parents} 0 R >>"
    objects[document] = f"<< /Type /StructElem /S /Document /P {root} 0 R /K [{kids}] >>"
    objects[parents] = f"<< /Nums [{' '.join(nums)}] >>"
    return _assemble(objects)


def _pages(blocks: Iterable[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    """The content of each page, with the structure type of each marked piece in it."""
    content: list[str] = []
    kinds: list[str] = []
    top: float = HEIGHT - MARGIN
    number = 0
    for kind, text in blocks:
        font, size, space, indent, structure = STYLES[kind]
        number = number + 1 if kind == "number" else 0
        label = {"bullet": "•", "number": f"{number}."}.get(kind, "")
        lines = list(_wrap(text, size, WIDTH - 2 * MARGIN - indent, is_bold=font == "F2"))
        leading = size * 1.35
        top -= space
        if top - leading * (len(lines) + (2 if kind == "h2" else 0)) < MARGIN:
            yield "\n".join(content), kinds
            content, kinds, top = [], [], HEIGHT - MARGIN
        content.append(f"/{structure} << /MCID {len(kinds)} >> BDC BT /{font} {size} Tf")
        kinds.append(structure)
        for position, line in enumerate(lines):
            top -= leading
            if label and not position:
                content.append(f"1 0 0 1 {MARGIN} {top:.1f} Tm ({_escape(label)}) Tj")
            content.append(f"1 0 0 1 {MARGIN + indent} {top:.1f} Tm ({_escape(line)}) Tj")
        content.append("ET EMC")
    yield "\n".join(content), kinds


def _wrap(text: str, size: float, width: float, *, is_bold: bool) -> Iterator[str]:
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and _text_width(longer) * size * (1.08 if is_bold else 1) > width:
            yield line
            line = word
        else:
            line = longer
    yield line


def _text_width(text: str) -> float:
    return sum(WIDTHS[ord(char) - 32] if " " <= char <= "~" else 556 for char in text) / 1000


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _encode(text: str) -> bytes:
    return text.encode("cp1252", errors="replace")


def _assemble(objects: dict[int, str]) -> bytes:
    data = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = {}
    for number in sorted(objects):
        offsets[number] = len(data)
        data += _encode(f"{number} 0 obj\n{objects[number]}\nendobj\n")
    start = len(data)
    rows = "".join(f"{offsets[number]:010} 00000 n \n" for number in sorted(objects))
    data += _encode(
        f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{rows}"
        f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R /Info 5 0 R >>\nstartxref\n{start}\n%%EOF\n"
    )
    return bytes(data)
