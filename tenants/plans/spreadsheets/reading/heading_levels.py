"""The level of each heading: goal, outcome, story of one of them, or a section below."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from tenants.plans.spreadsheets.reading.section_headings import Heading

LABEL_KIND_RANKS = {"goal": 0, "strategy": 1, "outcome": 2}


def infer_levels(headings: list[Heading]) -> None:
    """Set the level of every heading.

    By the labels where there are any ("Goal 1" above "A" or "1.1"), else by the formats, else by the order.
    """
    for heading in headings:
        if heading.exported_level:
            heading.level = heading.exported_level
    undecided = [heading for heading in headings if not heading.exported_level]
    if not undecided:
        return
    goal, outcome = _label_kinds_by_level(undecided)
    if goal is None and outcome is None:
        _infer_unlabeled_levels(undecided)
        return
    has_goal = has_outcome = False
    run_index = 0
    for heading in headings:
        kind = heading.labeled.kind
        if heading.run_index != run_index:
            run_index, has_goal, has_outcome = heading.run_index, False, False
        if heading.level:
            pass
        elif kind == goal and not (kind == "plain" and has_goal):
            heading.level = "goal"
        elif kind == outcome and not (kind == "plain" and has_outcome):
            heading.level = "outcome"
        elif kind == "plain":
            heading.level = "story" if has_goal or has_outcome else "paragraph"
        else:
            heading.level = "subsection"
        has_goal |= heading.level == "goal"
        has_outcome |= heading.level == "outcome"
        if heading.level == "goal":
            has_outcome = False


def _label_kinds_by_level(headings: list[Heading]) -> tuple[str | None, str | None]:
    """The kinds of label of goals and of outcomes; "plain" for headings without a label, None for no heading."""
    kinds: list[str] = []  # in order of appearance
    for heading in headings:
        if heading.labeled.kind not in kinds:
            kinds.append(heading.labeled.kind)
    labeled = [kind for kind in kinds if kind not in ("plain", "action")]
    counts = Counter(heading.labeled.kind for heading in headings)
    worded = sorted(
        (kind for kind in labeled if kind in LABEL_KIND_RANKS), key=lambda kind: LABEL_KIND_RANKS[kind]
    )
    bare = [kind for kind in labeled if kind not in LABEL_KIND_RANKS]
    numbers = sorted(kind for kind in bare if kind.startswith("number"))
    if len(numbers) > 1:  # 1. is above 1.1, whichever appears first
        ordered = iter(numbers)
        bare = [next(ordered) if kind.startswith("number") else kind for kind in bare]
    if not labeled:
        return None, None
    if len(worded) >= 2:
        return worded[0], worded[-1] if worded[0] == "goal" and "outcome" in worded else worded[1]
    if len(worded) == 1:
        if worded[0] != "outcome":
            return worded[0], bare[0] if bare else _unlabeled_rows_are_outcomes(headings, worded[0])
        if bare and kinds.index(bare[0]) < kinds.index("outcome"):
            return bare[0], "outcome"
        return ("plain" if _unlabeled_rows_open_runs(headings, "outcome") else None), "outcome"
    if len(bare) >= 2:
        return bare[0], bare[1]
    only = bare[0]
    if _unlabeled_rows_open_runs(headings, only):
        return "plain", only
    if counts["plain"] and (below := _unlabeled_rows_are_outcomes(headings, only)):
        return only, below
    if only in ("number2", "mixed"):
        return None, only
    return only, None


def _unlabeled_rows_open_runs(headings: list[Heading], kind: str) -> bool:
    """Whether rows without a label start runs that continue with `kind`, as goals would."""
    starts = sum(
        1
        for first, second in pairwise(headings)
        if first.labeled.kind == "plain"
        and second.labeled.kind == kind
        and first.run_index == second.run_index
    )
    first_of_kind = next(index for index, heading in enumerate(headings) if heading.labeled.kind == kind)
    return starts > 0 and any(heading.labeled.kind == "plain" for heading in headings[:first_of_kind])


def _unlabeled_rows_are_outcomes(headings: list[Heading], kind: str) -> str | None:
    """ "plain" where rows without a label are outcomes: some are apart from the goal rows, or below most of them."""
    runs: dict[int, list[str]] = {}
    for heading in headings:
        runs.setdefault(heading.run_index, []).append(heading.labeled.kind)
    standalone = sum(1 for kinds in runs.values() if kinds == ["plain"])
    below = sum(1 for kinds in runs.values() if kind in kinds and kinds[-1] == "plain")
    goals = sum(1 for kinds in runs.values() if kind in kinds)
    last = list(runs.values())[-1]
    standalone -= last == ["plain"] and standalone == 1 and below == 0  # a remark at the end of the sheet
    return "plain" if standalone > 0 or (goals and below >= goals * 0.6) else None


def _infer_unlabeled_levels(headings: list[Heading]) -> None:
    """Levels without any labels: two formats are two levels; with one format, a pair is a goal and its outcome."""
    headings = [heading for heading in headings if not heading.level]
    formats: list[tuple[object, ...]] = []
    for heading in headings:
        if heading.format not in formats:
            formats.append(heading.format)
    runs: dict[int, list[Heading]] = {}
    for heading in headings:
        runs.setdefault(heading.run_index, []).append(heading)
    if len(formats) >= 2 and any(len(run) > 1 for run in runs.values()):
        levels = {formats[0]: "goal", formats[1]: "outcome"}
        for heading in headings:
            heading.level = levels.get(heading.format, "story")
        return
    has_pairs = any(len(run) > 1 for run in runs.values())
    for run in runs.values():
        if not has_pairs:
            run[0].level = "goal"
        elif len(run) == 1:
            run[0].level = "outcome"
        else:
            run[0].level, run[-1].level = "goal", "outcome"
            for heading in run[1:-1]:
                heading.level = "story"
