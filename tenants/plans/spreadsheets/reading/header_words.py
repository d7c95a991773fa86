"""The role of a column by the words of its header."""

from __future__ import annotations

import re

# The first match wins, so specific words come before general ones.
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
# A header with an action column and some of these is the header of a plan.
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


def guess_role(header: str) -> str | None:
    """The role of a column by the first line of its header, else by the lines below; None for unknown words."""
    for line in header.split("\n"):
        words = normalize_header(line)
        if not words:
            continue
        for role, pattern in COMPILED_HEADER_PATTERNS:
            if pattern.search(words):
                return role
    return None


def normalize_header(line: str) -> str:
    """The line in lower case, without punctuation that does not matter."""
    text = re.sub(r"[^\w\s#%/&'-]", " ", line.lower().replace("\u2019", "'"))
    return re.sub(r"\s+", " ", text).strip(" -/&'")
