"""Find the header row of a sheet and what each column holds, whatever the wording and the order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from openpyxl.utils import column_index_from_string, get_column_letter

from tenants.plans.spreadsheets.grid import Cell, Grid
from tenants.plans.spreadsheets.model import COLUMN_ROLES, DateConventions
from tenants.plans.spreadsheets.reading.date_parser import parse_timeline
from tenants.plans.spreadsheets.reading.label_parser import collapse_whitespace, parse_stage, parse_status

# First match wins; so the narrow words stand before the wide ones.
HEADER_PATTERNS: tuple[tuple[str, str], ...] = (
    ("measures_how_much", r"^how much\b"),
    ("measures_how_well", r"^how well\b"),
    ("measures_better_off", r"^(is |are )?(anyone |people )?better[ -]off\b"),
    ("stage",
        r"\bn ?/? ?o ?/? ?o\b|\bnormali[sz]|\boperationali[sz]|^organi[sz]e|^(gare )?(stage|framework|"
        r"phase)( of .*)?$|^type of (action|step)"),
    ("changes",
        r"^(changes?|amendments?|revisions?|modifications?)\b|\bchanges? (since|to|made|log)\b|\bchanged\b"),
    ("progress",
        r"\bstatus (update|report|note|comment|narrative|detail)s?|^(fy ?'?\d\d(\d\d)? )?q[1-4]\b|"
        r"^(20\d\d|fy ?'?\d\d(\d\d)?|year \d|mid-?year|annual|quarterly)\b.*\b(progress|updates?|results?|"
        r"report|notes?|status)\b"),
    ("status",
        r"\bstatus\b|^rag\b|\br/y/g\b|^traffic light|^stoplight|^state$|^(percent|%) ?complete|"
        r"^complete\??$|^progress (status|rating|code)"),
    ("progress",
        r"\bprogress\b(?! (measure|metric|indicator))|\bupdates?\b|\baccomplishments?\b|\bcheck-?ins?\b|"
        r"\bactions? taken\b|"
        r"\bwhat (has )?happened\b|\bresults to date\b|\bquarterly\b|\bachievements?\b|\bwhat (has been|"
        r"was|we have|we've) (done|did)"),
    ("resources",
        r"\bresources?\b|\bbudget(?! code)|\bcosts?\b(?! (code|cent))|\bfund(s|ing|ed)?\b|\bfte\b|"
        r"\bstaffing\b|\binvestments?\b|"
        r"\bfiscal (impact|note)|\bmoney\b|\bexpens|\bfinanc(ial|ing)\b"),
    ("implementation_plan",
        r"\bimplementation\b|\bwork ?plan\b|^(key |next |sub-?|major |specific )?(steps?|milestones?|"
        r"tasks?)( to .*)?$|^action steps?$|^how (will|do|it|we)\b(?!.*\b(know|measure|success))|^how$|"
        r"^approach|^method|\bdetailed steps\b|^sub-?(actions?|tasks?)"),
    ("support",
        r"\bsupport|\bpartner|\bcollaborat|\bassist|\bsecondary\b|\bconsulted\b|\bother (departments?|"
        r"parties|stakeholders)|\bwho (helps|else)|\bstakeholders?\b|\bhelpers?\b"),
    ("number",
        r"^(no|nr|num|number|#|id|ref|reference|item|row|line|s/?n)( ?(no|nr|num|number|#|id))?$|^(action|"
        r"strategy|item|ref\w*|task|activity|goal|plan|line|unique|tracking)( item)? ?(#|no|nr|num|number|"
        r"id|ref)$"),
    ("code", r"^(action )?code$"),
    ("measures",
        r"\bperformance\b|\bmeasures? of (success|progress|effectiveness)|\b(success|outcome|output|"
        r"progress|impact|process|key|accountability) (measures?|metrics?|indicators?|criteria)|"
        r"\bmetrics?\b|\bkpis?\b|\bhow .*\b(know|measure|success)|\bindicators? of (success|progress)|"
        r"\bmeasures?\b|\bmeasur(ing|able|ement)|\bevidence\b|\bevaluat|\bsuccess\b|\bnumbers that tell\b"),
    ("start",
        r"^(estimated |anticipated |projected |planned |proposed )?(start|begin)(s|ning|ing)?( ?date( est)?|"
        r" month| year)?$|^date (started|begun)"),
    ("timeline",
        r"\btime ?-?(line|frame|table)|^timing\b|\bdeadlines?\b|\bdue\b|\bby when\b|^when\b|\bschedule\b|"
        r"\btarget(ed)? (date|year|completion|quarter)|\bcompletion\b|\bcomplete(d)? by\b|\bend ?date\b|"
        r"\bfinish|^(target )?dates?$|^years?$|^quarters?$|^duration$|\bdate of completion\b|^(short|"
        r"long).*term"),
    ("accountable",
        r"\baccountab|\bresponsib|\bby whom\b|^who\b(?! (benefits|(is|are|will be) (affected|impacted|"
        r"burdened|served|helped)|will benefit))|\bleads?\b|\bowners?\b|\bassigned\b|\bpoint (person|"
        r"of contact|people)|\bchampions?\b|\banswers? for\b|\bin charge\b|\bowned by\b|\bimplement(er|"
        r"ing (dep|agen|part))"),
    ("accountable",
        r"\bdepartments?\b|\bdept\b|\bagenc(y|ies)\b|\bdivisions?\b|\bbureaus?\b|\boffices?\b|\bteams?\b|"
        r"\bstaff\b|\bperson(nel)?\b|\bparty\b|\bparties\b|\bcontacts?\b|\bsteward"),
    ("indicator",
        r"\bcommunity (level )?(indicators?|conditions?|data)|\bpopulation\b.*\b(indicators?|results?|"
        r"level)|\bindicators?\b|\bbaselines?\b|\bcurrent (condition|state|situation)|\bdata points?\b|"
        r"\bconditions?\b|\bwhere (we|things) (stand|stood|are)\b|\bwhat we hope to see\b|"
        r"\bequity gaps?\b|\bdisparit"),
    ("action",
        r"\bactions?\b|\bactivit(y|ies)\b|\btasks?\b|\bwhat (we|will|is|are|the city|needs?|do we).*\b(do|"
        r"done|promise|happen|commit)|^what\??$|\bto ?-?dos?\b"),
    ("action",
        r"\bstrateg(y|ies)\b|\binitiatives?\b|\bcommitments?\b|\brecommendations?\b|\binterventions?\b|"
        r"\bprojects?\b|\bdeliverables?\b|\befforts?\b|\bpractices?\b|\bpromises?\b|\bprograms?\b|"
        r"\bsteps?\b|\btactics?\b|\bmeasures taken\b"),
    ("outcome",
        r"\boutcomes?\b|\bobjectives?\b|\bdesired results?\b|\bintended results?\b|\bresults?\b|"
        r"\bsub-?goals?\b"),
    ("goal",
        r"\bgoals?\b|\bpriorit(y|ies)\b(?! (level|rating|score|rank|order))|\b(focus|strategic|impact|"
        r"issue|action|topic|"
        r"policy) areas?\b|\bthemes?\b|\bpillars?\b|\bdomains?\b|^areas?$|\bcategory\b|"
        r"\bstrategic direction"),
    ("details", r"\bdescriptions?\b|\bdetails?\b|\bexplanations?\b|\bbackground\b|\brationale\b"),
    ("measures", r"\btargets?\b|\boutputs?\b"),
)  # fmt: skip
COMPILED_HEADER_PATTERNS = tuple((role, re.compile(pattern)) for role, pattern in HEADER_PATTERNS)
REPEATABLE_ROLES = frozenset(
    {
        "progress",
        "measures",
        "measures_how_much",
        "measures_how_well",
        "measures_better_off",
        "support",
        "note",
        "ignore",
    }
)
# How sure a sheet is the plan: a header with an action column and these beside it.
PLAN_COLUMNS = frozenset(
    {
        "accountable",
        "timeline",
        "measures",
        "status",
        "progress",
        "indicator",
        "resources",
        "support",
        "stage",
        "start",
    }
)
EXPORT_ID = re.compile(r"(?P<kind>goal|outcome|action|story|note)(?::(?P<id>.*))?", re.DOTALL)
EMPTY_MARKER = "–"  # our export says "nothing here" where an empty cell would mean "as above"
EXPORT_HEADER_ROLES = {
    "id": "id",
    "no.": "number",
    "code": "code",
    "community indicator": "indicator",
    "outcomes and actions": "action",
    "stage": "stage",
    "accountability": "accountable",
    "timeline": "timeline",
    "start date": "exact_start",
    "due date": "exact_due",
    "milestone dates": "exact_milestones",
    "performance measures": "measures",
    "status": "status",
    "status wording": "status_wording",
    "progress report": "progress",
    "resources": "resources",
    "implementation plan": "implementation_plan",
    "changes since adoption": "changes",
}
QUARTER_NOTE_START = re.compile(r"(?:FY ?\d\d(?:\d\d)? )?Q[1-4]\b.{0,12}:")
NOTE_HEADER_PREFIX = "Note: "


@dataclass(slots=True)
class Column:
    """One column of a table: where it is, its header as written, and what it holds."""

    index: int
    header: str
    role: str
    is_explicit: bool = False  # a person said so
    has_label: bool = False  # the header is the label of a note, even if it is empty

    @property
    def letter(self) -> str:
        return get_column_letter(self.index)

    @property
    def label(self) -> str:
        """The first line of the header, for notes kept under it."""
        first = next((line for line in self.header.split("\n") if line.strip()), "")
        return collapse_whitespace(first)[:40] or ("" if self.has_label else f"Column {self.letter}")


@dataclass(slots=True)
class Header:
    """A header row with the rows it takes and its columns by index."""

    row: int
    columns: dict[int, Column]
    last_row: int = 0  # a header may stretch over two rows
    is_export: bool = False  # written by our own export, with an id column

    def __post_init__(self) -> None:
        self.last_row = self.last_row or self.row

    def first(self, role: str) -> Column | None:
        return next((column for column in self.columns.values() if column.role == role), None)

    def all(self, *roles: str) -> list[Column]:
        return [column for _, column in sorted(self.columns.items()) if column.role in roles]


@dataclass(slots=True)
class Layout:
    """The header rows of a sheet from top to bottom; a header may be repeated above every goal."""

    headers: list[Header] = field(default_factory=list)
    score: int = 0

    def header_for(self, row: int) -> Header | None:
        found = None
        for header in self.headers:
            if header.row <= row:
                found = header
        return found


def guess_role(header: str) -> str | None:
    """What a header promises its column holds, by its first line, else by the lines below; None if nothing
    is known.
    """
    for line in header.split("\n"):
        plain = normalize_header(line)
        if not plain:
            continue
        for role, pattern in COMPILED_HEADER_PATTERNS:
            if pattern.search(plain):
                return role
    return None


def normalize_header(line: str) -> str:
    text = re.sub(r"[^\w\s#%/&'-]", " ", line.lower().replace("\u2019", "'"))
    return re.sub(r"\s+", " ", text).strip(" -/&'")


def detect_layout(grid: Grid, date_conventions: DateConventions, *, needs_action: bool = True) -> Layout:
    """The header rows of a sheet, none if the sheet does not look like a plan.

    Without `needs_action`, a column of long texts is taken for the actions where no header names them.
    """
    rows = grid.rows
    best_row, best_score = 0, 0
    for row in rows[:60]:
        score = _header_score(grid, row, needs_action=needs_action)
        if score > best_score:
            best_row, best_score = row, score
    if best_score < 3:
        return Layout()
    headers = [_read_header(grid, best_row, date_conventions)]
    signature = _header_signature(grid, best_row)
    for row in rows:
        if row <= headers[-1].last_row or row <= best_row:
            continue
        if _header_signature(grid, row) == signature:
            headers.append(Header(row, headers[0].columns, is_export=headers[0].is_export))
        elif _starts_new_table(grid, row):
            headers.append(_read_header(grid, row, date_conventions))
    layout = Layout(headers, best_score)
    return layout if any(header.first("action") for header in headers) else Layout()


def _header_score(grid: Grid, row: int, *, needs_action: bool = True) -> int:
    """How many different things the cells of a row name as a header would; 0 for what cannot be a header."""
    cells = grid.row(row)
    if len(cells) < 2 or any(cell.width > 1 and cell.width >= grid.last_column - 1 for cell in cells):
        return 0
    roles: set[str] = set()
    for cell in cells:
        first = cell.text.split("\n")[0]
        if len(first) > 80 or len(cell.text) > 400 or re.search(r"[.;]\s+\w", first):
            return 0 if len(first) > 160 else max(0, len(roles) - 2)
        role = guess_role(cell.text)
        if role:
            roles.add(role)
    named = {"measures" if role.startswith("measures_") else role for role in roles}
    if not named & {"action", "outcome", "goal", "details", "implementation_plan"}:
        return len(named & PLAN_COLUMNS) if not needs_action else 0
    if len(named & PLAN_COLUMNS) == 0:
        return 0
    return len(named) + (1 if "action" in named else 0)


def _starts_new_table(grid: Grid, row: int) -> bool:
    """Whether a row further down starts a new table with columns of its own: nearly all its cells are
    header words.
    """
    cells = grid.row(row)
    if len(cells) < 4 or _header_score(grid, row) < 5:
        return False
    named = sum(
        1 for cell in cells if len(cell.text.split("\n")[0]) <= 40 and guess_role(cell.text.split("\n")[0])
    )
    return named >= len(cells) - 1


def _header_signature(grid: Grid, row: int) -> tuple[str, ...]:
    return tuple(normalize_header(cell.text) for cell in grid.row(row))


def _read_header(grid: Grid, row: int, date_conventions: DateConventions) -> Header:
    texts: dict[int, str] = {}
    last_row = row
    for column in range(1, grid.last_column + 1):
        cell = grid.at(row, column)
        if cell is not None:
            texts[column] = cell.text
            if cell.column == column:
                last_row = max(last_row, min(row + cell.height - 1, row + 3))
    if _has_two_rows(grid, row):
        last_row = max(last_row, row + 1)
    for below in range(row + 1, last_row + 1):
        for cell in grid.row(below):
            above = texts.get(cell.column, "")
            texts[cell.column] = f"{cell.text}\n{above}".strip() if above else cell.text
    header = Header(row, {}, last_row)
    header.columns = {index: Column(index, text, "note") for index, text in texts.items()}
    if _is_export(grid, header):
        header.is_export = True
        _assign_export_roles(header)
    else:
        _assign_roles(grid, header, date_conventions)
    return header


def _has_two_rows(grid: Grid, row: int) -> bool:
    """A header of two rows: the upper one has cells stretched over the names in the lower one."""
    wide = [cell for cell in grid.row(row) if 1 < cell.width < grid.last_column]
    below = grid.row(row + 1)
    if not wide or not below:
        return False
    under = [
        cell for cell in below if any(top.column <= cell.column < top.column + top.width for top in wide)
    ]
    return len(under) >= 2 and all(len(cell.text) <= 60 for cell in below) and len(under) >= len(below) - 1


def _samples(grid: Grid, header: Header, column: int, limit: int = 60) -> list[str]:
    found = []
    for row in grid.rows:
        if row <= header.last_row:
            continue
        cell = grid.cells.get((row, column))
        if cell is not None and cell.width == 1:
            found.append(cell.text)
            if len(found) >= limit:
                break
    return found


def _is_export(grid: Grid, header: Header) -> bool:
    for index, column in header.columns.items():
        if column.header.strip().lower() == "id":
            values = _samples(grid, header, index)
            if (
                values
                and sum(bool(EXPORT_ID.fullmatch(value.strip())) for value in values) >= len(values) * 0.6
            ):
                return True
    return False


def _assign_export_roles(header: Header) -> None:
    for column in header.columns.values():
        title = collapse_whitespace(column.header.split("\n")[0])
        if title.startswith(NOTE_HEADER_PREFIX):
            label = title.removeprefix(NOTE_HEADER_PREFIX)
            column.header, column.role = "" if label == EMPTY_MARKER else label, "note"
            column.has_label = True
        else:
            column.role = EXPORT_HEADER_ROLES.get(title.lower()) or guess_role(column.header) or "note"
    seen: set[str] = set()
    for column in header.columns.values():
        if column.role in seen and column.role not in REPEATABLE_ROLES:
            column.role = "note"
        seen.add(column.role)


def _assign_roles(grid: Grid, header: Header, date_conventions: DateConventions) -> None:
    wanted: dict[int, str] = {}
    for index, column in header.columns.items():
        role = guess_role(column.header)
        if role:
            wanted[index] = role
    samples = {index: _samples(grid, header, index) for index in header.columns}
    _correct_by_content(wanted, header, samples, date_conventions)
    _resolve_indicators(wanted)
    _resolve_action_column(wanted, header, samples)
    _resolve_parent_columns(wanted, header, samples)
    _resolve_duplicates(wanted, header, samples, date_conventions)
    for index, column in header.columns.items():
        column.role = wanted.get(index, "note")


def _correct_by_content(
    wanted: dict[int, str], header: Header, samples: dict[int, list[str]], date_conventions: DateConventions
) -> None:
    """What the cells say outweighs an unclear header."""
    for index, column in header.columns.items():
        values = samples[index]
        role = wanted.get(index)
        if not values:
            continue
        first = normalize_header(column.header.split("\n")[0])
        if role == "goal" and {value.strip().lower() for value in values} <= {
            "high",
            "medium",
            "low",
            "1",
            "2",
            "3",
            "h",
            "m",
            "l",
        }:
            wanted.pop(index)  # a priority, not a goal
        elif (
            role == "status"
            and _share(values, lambda value: parse_status(value) is not None and len(value) < 80) < 0.3
        ):
            if "progress" not in wanted.values() and sum(map(len, values)) / len(values) > 40:
                wanted[index] = "progress"
        elif (
            role == "stage"
            and "phase" in first
            and _share(values, lambda value: parse_stage(value) is not None) < 0.5
        ):
            wanted.pop(index)
        elif (
            role is None
            and "stage" not in wanted.values()
            and _share(values, lambda value: parse_stage(value) is not None and len(value) > 2) > 0.8
        ):
            wanted[index] = "stage"
        elif (
            role is None
            and "timeline" not in wanted.values()
            and _share(values, lambda value: _has_date(value, date_conventions)) > 0.6
        ):
            wanted[index] = "timeline"
        elif (
            role is None
            and "progress" not in wanted.values()
            and re.match(r"(notes?|comments?|remarks?)\b", first)
            and _share(values, lambda value: bool(QUARTER_NOTE_START.match(value))) > 0.5
        ):
            wanted[index] = "progress"


def _share(values: list[str], test: Any) -> float:
    return sum(1 for value in values if test(value)) / len(values)


def _has_date(value: str, date_conventions: DateConventions) -> bool:
    timeline = parse_timeline(value, date_conventions)
    return len(value) < 60 and bool(timeline.dues or timeline.start or timeline.continuous)


def _resolve_indicators(wanted: dict[int, str]) -> None:
    """A column "Indicators" holds the measures where no other column does."""
    if any(role.startswith("measures") for role in wanted.values()):
        return
    places = [index for index, role in wanted.items() if role == "indicator"]
    if places:
        wanted[places[-1]] = "measures"


def _resolve_action_column(wanted: dict[int, str], header: Header, samples: dict[int, list[str]]) -> None:
    """One column holds the actions. Of several candidates the plainest word wins; a strategy left of it is
    the outcome.
    """
    places = [index for index, role in wanted.items() if role == "action"]
    if len(places) > 1:
        rank = {index: _action_rank(header.columns[index].header) for index in places}
        winner = min(places, key=lambda index: (rank[index], -index))
        for index in places:
            if index == winner:
                continue
            text = normalize_header(header.columns[index].header.split("\n")[0])
            if (
                index < winner
                and re.search(r"strateg|initiative|commitment", text)
                and "outcome" not in wanted.values()
            ):
                wanted[index] = "outcome"
            elif (
                index > winner
                and re.search(r"step|task|activit|tactic", text)
                and "implementation_plan" not in wanted.values()
            ):
                wanted[index] = "implementation_plan"
            elif index < winner and "goal" not in wanted.values() and re.search(r"strateg", text):
                wanted[index] = "goal"
            else:
                wanted.pop(index)
    elif not places:
        for role in ("implementation_plan", "outcome", "details", "goal"):
            candidates = [index for index, found in wanted.items() if found == role]
            if candidates:
                wanted[candidates[-1]] = "action"
                break
        else:
            free = {index: sum(map(len, values)) for index, values in samples.items() if index not in wanted}
            if free and max(free.values()):
                wanted[max(free, key=lambda index: free[index])] = "action"
    _prefer_steps(wanted, header, samples)


def _prefer_steps(wanted: dict[int, str], header: Header, samples: dict[int, list[str]]) -> None:
    """Beside "Strategy" a column "Action steps" holds the actions, if a strategy stands for several of them."""
    action = next((index for index, role in wanted.items() if role == "action"), None)
    steps = next((index for index, role in wanted.items() if role == "implementation_plan"), None)
    if action is None or steps is None or steps < action or "outcome" in wanted.values():
        return
    name = normalize_header(header.columns[steps].header.split("\n")[0])
    strategies, actions = samples[action], samples[steps]
    if (
        _action_rank(header.columns[action].header) >= 3
        and re.search(r"\b(action|step|task|activit)", name)
        and (len(set(strategies)) < len(set(actions)) * 0.8)
    ):
        wanted[action], wanted[steps] = "outcome", "action"


def _resolve_parent_columns(wanted: dict[int, str], header: Header, samples: dict[int, list[str]]) -> None:
    """Goals and outcomes stand left of their actions; to the right, "Outcome" is what an action should bring."""
    action = next((index for index, role in wanted.items() if role == "action"), None)
    for index, role in list(wanted.items()):
        if role not in ("goal", "outcome") or action is None or index < action:
            continue
        values = samples[index]
        if values and len(set(values)) < len(values) * 0.6:
            continue
        if role == "outcome" and not any(found.startswith("measures") for found in wanted.values()):
            wanted[index] = "measures"
        else:
            wanted.pop(index)


def _action_rank(header: str) -> int:
    text = normalize_header(header.split("\n")[0])
    for rank, pattern in enumerate(
        (
            r"\bactions?\b",
            r"\bactivit|\btasks?\b",
            r"\bwhat\b",
            r"\binitiative|\bproject|\brecommendation",
            r"\bstrateg",
        )
    ):
        if re.search(pattern, text):
            return rank
    return 9


def _resolve_duplicates(
    wanted: dict[int, str], header: Header, samples: dict[int, list[str]], date_conventions: DateConventions
) -> None:
    """One column for each role; the others keep their text as notes."""
    counts = Counter(wanted.values())
    for role, count in counts.items():
        if count < 2 or role in REPEATABLE_ROLES:
            continue
        places = [index for index, found in wanted.items() if found == role]
        if role == "timeline":
            winner = max(
                places,
                key=lambda index: (
                    sum(_has_date(value, date_conventions) for value in samples[index]),
                    -index,
                ),
            )
        elif role == "accountable":
            winner = min(places, key=lambda index: (_accountable_rank(header.columns[index].header), index))
        elif role == "outcome":
            winner = min(
                places,
                key=lambda index: (0 if "outcome" in header.columns[index].header.lower() else 1, index),
            )
        elif role == "indicator":
            winner = min(
                places,
                key=lambda index: (0 if "indicator" in header.columns[index].header.lower() else 1, index),
            )
        else:
            winner = min(places)
        for index in places:
            if index != winner:
                wanted.pop(index)


def _accountable_rank(header: str) -> int:
    text = normalize_header(header.split("\n")[0])
    for rank, pattern in enumerate(
        (r"\baccountab|\bresponsib", r"\bleads?\b|\bowner", r"\bwho\b|\bassigned", r"\bdepartment")
    ):
        if re.search(pattern, text):
            return rank
    return 9


def apply_column_mapping(
    grid: Grid, layout: Layout, mapping: Mapping[Any, Any], date_conventions: DateConventions
) -> Layout:
    """Let a person's choice replace the guess.

    `mapping` is {"A": "action", 3: "note"}, or {"Sheet": {"header_row": 2, "columns": {…}}}.

    Raises ValueError for a role or column that does not exist.
    """
    chosen: Any = (
        mapping.get(grid.name or "", mapping.get(grid.name)) if _is_keyed_by_sheet(mapping) else mapping
    )
    if not chosen:
        return layout
    columns = chosen.get("columns", {}) if "columns" in chosen or "header_row" in chosen else chosen
    row = chosen.get("header_row") if "columns" in chosen or "header_row" in chosen else None
    if row is not None or not layout.headers:
        row = int(row) if row is not None else guess_header_row(grid)
        layout = Layout([_read_header(grid, row, date_conventions)], layout.score)
    roles = {_column_index(place): _check_role(role) for place, role in columns.items()}
    for header in layout.headers:
        for index, role in roles.items():
            column = header.columns.setdefault(index, Column(index, "", role))
            if role not in REPEATABLE_ROLES:
                for other in header.columns.values():
                    if other.role == role and other.index != index and other.index not in roles:
                        other.role = "note"
            column.role, column.is_explicit = role, True
    return layout if any(header.first("action") for header in layout.headers) else Layout()


def _is_keyed_by_sheet(mapping: Mapping[Any, Any]) -> bool:
    return any(isinstance(value, Mapping) for value in mapping.values()) and "columns" not in mapping


def _column_index(place: Any) -> int:
    if isinstance(place, int):
        return place
    return int(place) if str(place).isdigit() else column_index_from_string(str(place))


def _check_role(role: str) -> str:
    if role not in COLUMN_ROLES:
        raise ValueError(f"unknown role {role!r}; expected one of {', '.join(COLUMN_ROLES)}")
    return role


def guess_header_row(grid: Grid) -> int:
    """The row a person would take for the header where no words are known: the first with several short
    cells.
    """
    for row in grid.rows[:60]:
        cells = grid.row(row)
        if len(cells) >= 3 and all(len(cell.text) <= 120 for cell in cells):
            return row
    return grid.rows[0] if grid.rows else 1


def header_cells(grid: Grid, header: Header) -> list[Cell]:
    return [cell for row in range(header.row, header.last_row + 1) for cell in grid.row(row)]
