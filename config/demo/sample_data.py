"""The sample cohort: invented jurisdictions and people. Real cities appear only as the origin of library items."""

from __future__ import annotations

from typing import Any

PASSWORD = "a seat at the table"  # noqa: S105  printed when the demo starts

JURISDICTIONS: list[dict[str, Any]] = [
    {
        "slug": "marrow-bend",
        "registry": {
            "name": "City of Marrow Bend (Sample)", "short_name": "Marrow Bend", "kind": "city", "state": "MO",
            "population_band": "250k_500k", "staff_band": "1000_5000", "timezone": "America/Chicago",
            "languages": ["en", "es"], "entry_stage": "implementing",
            "tagline": "Housing is the goal furthest behind.",
            "contact_name": "Office of Racial Equity", "contact_email": "equity@marrow-bend.example",
            "contact_phone": "(573) 555-0142", "contact_website": "https://www.marrow-bend.example/equity",
            "brand_color": "#0d5257", "accent_color": "#e9b872", "pattern": "bend",
        },
        "picture": {
            "file": "marrow-bend.png", "credit": "Drawing for this sample.",
            "alt": "Drawing of Marrow Bend: a mill and houses along a wide bend of the river, with a bridge",
        },
        "sheet": "marrow-bend-plan.xlsx",
        "plan": {
            "title": "Racial Equity Action Plan 2025–2029",
            "summary": "Five goals for the next five years: the City’s own workforce, its contracts, its fines and fees, "
            "housing, and trust. Departments report each quarter; a board of residents rates each goal.",
            "period_start": "2025-01-01", "period_end": "2029-12-31",
        },
        "adopted": {"on": "2025-01-14", "body": "City Council", "resolution": "Resolution 2025-014"},
        "published": True,
        "people": [
            ("Rosa", "Delgado", "coordinator", "Racial equity coordinator", "Office of Racial Equity"),
            ("Theo", "Lindqvist", "plan_editor", "Equity analyst", "Office of Racial Equity"),
            ("Miguel", "Santos", "department_lead", "Deputy director", "Human Resources"),
            ("Dana", "Okoye", "contributor", "Communications", "Public Library"),
            ("Lena", "Brandt", "viewer", "Deputy clerk", "City Clerk"),
        ],
    },
    {
        "slug": "aldersgate-park",
        "registry": {
            "name": "City of Aldersgate Park (Sample)", "short_name": "Aldersgate Park", "kind": "city", "state": "MN",
            "population_band": "10k_50k", "staff_band": "100_500", "timezone": "America/Chicago", "languages": ["en"],
            "entry_stage": "adopted_plan", "tagline": "We began with the library.",
            "contact_name": "City Manager’s office", "contact_email": "equity@aldersgate-park.example",
            "contact_phone": "(651) 555-0117",
            "brand_color": "#5b2a56", "accent_color": "#e3a6c8", "pattern": "arches",
        },
        "sheet": "aldersgate-park-gare.csv",
        "plan": {
            "title": "Racial Equity Action Plan 2026–2028",
            "summary": "Eighteen actions that a small staff can keep: who works here, who is heard, and who can use what "
            "the city offers.",
            "period_start": "2026-01-01", "period_end": "2028-12-31",
        },
        "adopted": {"on": "2026-02-23", "body": "City Council", "resolution": "Resolution 26-031"},
        "published": True,
        "people": [
            ("Hannah", "Vang", "coordinator", "Assistant city manager", "City Manager"),
            ("Jo", "Berglund", "member", "Library director", "City Library"),
        ],
    },
    {
        "slug": "tallow-county",
        "registry": {
            "name": "Tallow County (Sample)", "short_name": "Tallow County", "kind": "county", "state": "OR",
            "population_band": "500k_1m", "staff_band": "over_5000", "timezone": "America/Los_Angeles",
            "languages": ["en", "es"], "entry_stage": "mentor",
            "tagline": "One sheet for each department, one page for everybody.",
            "contact_name": "Office of Equity", "contact_email": "equity@tallow-county.example",
            "contact_phone": "(503) 555-0163 ext. 4", "contact_website": "https://www.tallow-county.example/equity",
            "brand_color": "#3f4d1c", "accent_color": "#d2c465", "pattern": "fields",
        },
        "sheet": "tallow-county-department.xlsx",
        "plan": {
            "title": "Department Racial Equity Plans 2025–2028",
            "summary": "Each department writes its own actions in the same form. This page brings them together.",
            "period_start": "2025-07-01", "period_end": "2028-06-30",
        },
        "adopted": {"on": "2025-06-17", "body": "Board of Commissioners", "resolution": "Order 2025-118"},
        "published": True,
        "people": [
            ("Priya", "Raman", "coordinator", "Equity director", "Office of Equity"),
            ("Sam", "Whitehorse", "department_lead", "Bureau manager", "Human Resources Bureau"),
        ],
    },
    {
        "slug": "port-lysander",
        "registry": {
            "name": "Port Lysander (Sample)", "short_name": "Port Lysander", "kind": "city", "state": "GA",
            "population_band": "50k_100k", "staff_band": "500_1000", "timezone": "America/New_York",
            "languages": ["en"], "entry_stage": "planning", "tagline": "A draft, open for comment.",
            "contact_name": "Mayor’s Office", "contact_email": "racial-equity-plan@port-lysander.example",
            "contact_phone": "(912) 555-0128",
            "brand_color": "#134b7d", "accent_color": "#8cc4ee", "pattern": "waves",
        },
        "sheet": "port-lysander-gare.xlsx",
        "plan": {
            "title": "Racial Equity Action Plan, draft for comment",
            "summary": "A draft of four goals. The council has not adopted it yet; residents and staff are reading it now.",
            "period_start": "2026-07-01", "period_end": "2029-06-30",
        },
        "adopted": None,
        "published": True,
        "people": [("Andre", "Boudreaux", "coordinator", "Chief of staff", "Mayor’s Office")],
    },
    {
        "slug": "new-corvane",
        "registry": {
            "name": "City of New Corvane (Sample)", "short_name": "New Corvane", "kind": "city", "state": "CT",
            "population_band": "100k_250k", "staff_band": "1000_5000", "timezone": "America/New_York",
            "languages": ["en", "es"], "entry_stage": "onboarding",
            "brand_color": "#7a2e22", "accent_color": "#f0b39f", "pattern": "roofs",
        },
        "sheet": None,
        "plan": None,
        "adopted": None,
        "published": False,
        "people": [("Maya", "Ferreira", "coordinator", "Deputy mayor", "Mayor’s Office")],
    },
]  # fmt: skip

STAFF = [
    ("Amara", "Whitfield", "staff_admin", "Executive director"),
    ("Ben", "Okafor", "staff_onboarding", "Member services"),
    ("Lucía", "Marín", "library_curator", "Librarian"),
]

ALLIANCE_CONTACT = {
    "contact_name": "Member services",
    "contact_email": "hello@commontable.example",
    "contact_phone": "(202) 555-0190",
}

# Progress that departments reported after the sheets were written. It is invented, like the sample itself.
PROGRESS: dict[str, list[dict[str, str]]] = {
    "marrow-bend": [
        {"number": "26", "on": "2026-10-20", "status": "off_track",
         "text": "The interim lead began on September 8. Mediation was offered in 41 of 212 cases filed since then.",
         "reason": "The post has been vacant since March, and one lead cannot cover both court days.",
         "next_step": "The council votes on a second mediator on December 1."},
        {"number": "12", "on": "2026-10-13", "status": "at_risk",
         "text": "Primes are paid within 15 days in 91% of cases, subcontractors within 7 days in 66%.",
         "reason": "Contracts signed before October have no duty to report.",
         "next_step": "Add the reporting clause to the 38 running contracts by February."},
        {"number": "14", "on": "2026-10-15", "status": "at_risk",
         "text": "Bank files for both missing years are here; 70% of payments are matched to a firm.",
         "reason": "Matching takes longer than planned.", "next_step": "First findings to the board in January."},
        {"number": "22", "on": "2026-10-06", "status": "at_risk",
         "text": "The school board said yes to the site on Mill Street.",
         "reason": "Doors, counters and network still have to be put in.", "next_step": "Open on January 11."},
        {"number": "29", "on": "2026-10-09", "status": "at_risk", "text": "46 buildings visited; two new inspectors work.",
         "reason": "Two inspector positions are still empty.", "next_step": "Interviews end on December 4."},
        {"number": "17", "on": "2026-10-08", "status": "on_track", "text": "2,604 plans; 72% of those due are paid.",
         "next_step": "Offer plans at the evening counters too."},
        {"number": "6", "on": "2026-10-14", "status": "on_track", "text": "The third class began with 36 apprentices.",
         "next_step": "Add a seventh trade, water treatment."},
        {"number": "21", "on": "2026-10-07", "status": "on_track", "text": "203 papers are translated and read twice.",
         "next_step": "The court forms, with the county."},
        {"number": "32", "on": "2026-10-29", "status": "on_track",
         "text": "Third series opened in Eastbank; 71 people came, 22 of them for the first time.",
         "next_step": "Second evening on December 3."},
        {"number": "36", "on": "2026-11-05", "status": "on_track", "text": "Seven of eight design evenings held.",
         "next_step": "Draft process to the Civil Rights Commission in January."},
        {"number": "35", "on": "2026-11-10", "status": "completed",
         "text": "October numbers are out; 98.7% of stops recorded.", "next_step": ""},
    ],
    "aldersgate-park": [
        {"index": "0", "on": "2026-10-19", "status": "on_track",
         "text": "All 14 openings since July went to three partners on day one.",
         "next_step": "Ask partners in December which openings drew nobody."},
        {"index": "1", "on": "2026-10-19", "status": "completed",
         "text": "Third open house held; applicants for commissions doubled to 38.", "next_step": ""},
        {"index": "3", "on": "2026-11-02", "status": "at_risk", "text": "Half of the supervisors have taken the course.",
         "reason": "Two course dates fell out in the flood week.", "next_step": "Two evening courses in January."},
    ],
}  # fmt: skip
