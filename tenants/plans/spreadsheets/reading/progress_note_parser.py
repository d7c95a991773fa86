"""Progress notes in a cell, each under its period: "FY26 Q2: Half of the staff is trained."."""

from __future__ import annotations

import re

from tenants.plans.spreadsheets.model import SheetNote
from tenants.plans.spreadsheets.text import collapse_whitespace, is_empty_marker

PERIOD = (
    r"(?:(?:FY|CY|Fiscal Year)\s?'?\d{2}(?:\d\d)?(?:[-/]\d{2,4})?[ ,/-]*)?(?:Q(?:uarter)?\s?[1-4]|"
    r"[1-4](?:st|nd|rd|th) Quarter|H[12])(?:[ ,/-]*(?:of )?(?:FY|CY)?\s?'?(?:20)?\d\d)?"
    r"|(?:FY|CY|Fiscal Year)\s?'?\d{2}(?:\d\d)?(?:[-/]\d{2,4})?(?:\s?H[12])?|20\d\d(?:[ ,/-]*Q[1-4]|"
    r"[-/](?:20)?\d\d)?"
    r"|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?\s(?:\d\d?(?:st|nd|rd|"
    r"th)?,?\s)?(?:20)\d\d"
    r"|\d\d?/\d\d?/(?:20)?\d\d|20\d\d-\d\d(?:-\d\d)?|\d\d?/20\d\d"
    r"|(?:Spring|Summer|Fall|Autumn|Winter|Mid-?year|Year[- ]end|End of year)(?: (?:of )?20\d\d)?|"
    r"Year \d{1,2}|(?:January|February|March|April|June|July|August|September|October|November|December)"
)
NOTE_START = re.compile(
    rf"(?P<label>{PERIOD})(?:\s+(?:update|report|progress|status))?\s*(?::|"
    rf"\s[\u2013\u2014-]\s)\s*(?P<text>.*)",
    re.IGNORECASE,
)
BRACKETED_NOTE = re.compile(r"\[(?P<label>[^\]\n]{0,40})\]:\s?(?P<text>.*)")
PERIOD_PATTERN = re.compile(rf"(?:{PERIOD})", re.IGNORECASE)


def parse_progress_notes(text: str, *, is_export: bool = False) -> list[SheetNote]:
    """The progress notes of a cell: a line that begins with a period ("Q1:", "FY26 Q2:") starts a note.

    In our own export "[label]:" starts one too.
    """
    notes: list[SheetNote] = []
    for line in text.split("\n"):
        start = BRACKETED_NOTE.fullmatch(line) if is_export else None
        start = start or NOTE_START.fullmatch(line.lstrip(" \t"))
        if start:
            notes.append(SheetNote(collapse_whitespace(start["label"]), start["text"].strip(" ")))
        elif notes:
            notes[-1].text += f"\n{line}"
        elif line.strip():
            notes.append(SheetNote("", line))
    for note in notes:
        note.text = "\n".join(line.strip() for line in note.text.split("\n")).strip()
    return [note for note in notes if note.text and (is_export or not is_empty_marker(note.text))]
