"""Sets up a site: Wagtail's Site row, the home page and the pages that every site starts with."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django_tenants.utils import tenant_context
from wagtail.models import Page, Site, Workflow, WorkflowContentType
from wagtail.signal_handlers import disable_reference_index_auto_update

from cms.models import AlliancePage, HomePage, NarrativePage, StandardPage
from resources.models import LibraryItem
from tenants.models import Jurisdiction


@transaction.atomic
def set_up_city_site(jurisdiction: Jurisdiction) -> HomePage:
    """Create the city's first pages: home, contact, accessibility and privacy, and a narrative in draft.

    Runs with the city's schema active. A site that has a home page keeps its pages; its host is updated.
    """
    home = HomePage.objects.first()
    if home is None:
        home = HomePage(
            title=jurisdiction.name, slug="home", seo_title=_("Progress of the racial equity plan")
        )
        narrative = NarrativePage(
            title=_("Our racial equity narrative"), body=_narrative_outline(jurisdiction)
        )
        with disable_reference_index_auto_update():  # the starter texts have no references
            _add_home_page(home)
            _add_page(home, narrative, live=False)
            for page in _default_pages():
                _add_page(home, page)
    _update_site(home, jurisdiction)
    return home


@transaction.atomic
def set_up_alliance_site() -> AlliancePage:
    """Create the alliance's first pages: home, contact, joining, accessibility and privacy.

    Runs in the public schema, whatever schema is active. Safe to repeat: existing pages stay as they are.
    """
    alliance = Jurisdiction.objects.get(schema_name="public")
    with tenant_context(alliance):
        home = AlliancePage.objects.first()
        if home is None:
            home = AlliancePage(
                title=_("Governments for racial equity"),
                slug="home",
                headline=_("Governments that plan for racial equity, and report in public"),
                lead=_(
                    "Members share what works, keep their promises where everyone can see them, "
                    "and bring new members to the table."
                ),
                often_sought=_("fines and fees, fair-chance hiring, budget equity tool"),
                progress_note=_(
                    "Every member that shares its plan, in its own words and numbers. "
                    "We do not rank them: plans differ."
                ),
                joining=_default_joining_steps(),
                joining_note=_(
                    "A path with seven stages. Most members take a year from the first talk to an adopted "
                    "plan."
                ),
                joining_link_text=_("What joining asks of you"),
            )
            _add_home_page(home)
            joining = _add_page(home, _joining_page())
            home.joining_page = joining.page_ptr
            home.save(clean=False)
            for page in _default_pages():
                _add_page(home, page)
        _update_site(home, alliance)
        workflow = Workflow.objects.filter(active=True).order_by("pk").first()
        if workflow:  # that of the pages: who may not publish an item can submit it for approval
            WorkflowContentType.objects.get_or_create(
                content_type=ContentType.objects.get_for_model(LibraryItem), defaults={"workflow": workflow}
            )
    return home


def _add_home_page(home: Page) -> None:
    """Add `home` below the root page, which was cloned with its schema and gets a translation key of its own."""
    Page.objects.filter(depth=1).update(translation_key=uuid.uuid4())
    _add_page(Page.objects.get(depth=1), home)


def _add_page(parent: Page, page: Any, *, live: bool = True) -> Any:
    page.live = live
    page.has_unpublished_changes = not live
    parent.add_child(instance=page)  # no revision: the history of a page begins with its first edit
    return page


def _update_site(home: Page, jurisdiction: Jurisdiction) -> None:
    port = int(settings.PORTAL_PORT or (443 if settings.PORTAL_SCHEME == "https" else 80))
    Site.objects.update_or_create(
        is_default_site=True,
        defaults={
            "hostname": jurisdiction.host,
            "port": port,
            "root_page_id": home.pk,
            "site_name": jurisdiction.name[:255],
        },
    )
    Site.clear_site_root_paths_cache()


def _section_block(heading: str, *paragraphs: str) -> dict[str, Any]:
    return {"type": "section", "value": {"heading": heading, "text": _paragraphs(*paragraphs)}}


def _paragraphs(*paragraphs: str) -> str:
    return "".join(format_html("<p>{}</p>", text) for text in paragraphs)


def _contact_link() -> str:
    return format_html('<a href="/{}/">{}</a>', StandardPage.CONTACT_SLUG, _("contact page"))


def _default_pages() -> list[StandardPage]:
    """The pages that every public site needs, with texts that are true from the first day."""
    contact = StandardPage(
        title=_("Contact"),
        slug="contact",
        show_in_menus=True,
        lead=_("Have a question or a correction? Let us know."),
        body=[
            _section_block(
                _("What to tell us"),
                _(
                    "Name the page and the action or number you are asking about. If a statement is wrong, "
                    "tell us what is right and how you know. We correct it in public."
                ),
            ),
        ],
    )
    accessibility = StandardPage(
        title=_("Accessibility"),
        slug="accessibility",
        show_in_menus=True,
        lead=_("This site should work for everyone. If it does not work for you, let us know."),
        body=[
            _section_block(
                _("What we aim for"),
                _(
                    "Pages follow the Web Content Accessibility Guidelines 2.2 at level AA. They can be "
                    "used with a "
                    "keyboard, with a screen reader, at 400% zoom, on a small phone and without scripts."
                ),
                _(
                    "Every chart has its numbers as a table on the same page. No status is shown by color "
                    "alone."
                ),
            ),
            _section_block(
                _("What may not work yet"),
                _(
                    "Files that were uploaded, such as older PDF documents, may lack tags. Ask us for "
                    "another format."
                ),
            ),
            _section_block(
                _("Tell us about a barrier"),
                format_html(
                    _("Use the {contact_page}. Name the page and what you were trying to do."),
                    contact_page=_contact_link(),
                ),
            ),
        ],
    )
    privacy = StandardPage(
        title=_("Privacy"),
        slug="privacy",
        show_in_menus=True,
        lead=_("You can read this site without telling us who you are."),
        body=[
            _section_block(
                _("What is kept"),
                _(
                    "Reading needs no account. The site loads nothing from other companies: "
                    "no trackers, no advertising, no outside fonts."
                ),
                _("The only cookies keep a person signed in and protect forms. They hold nothing about you."),
            ),
            _section_block(
                _("Who sees it"),
                _("Names of staff are shown only where the person and the team have agreed to it."),
            ),
        ],
    )
    return [contact, accessibility, privacy]


def _narrative_outline(jurisdiction: Jurisdiction) -> list[dict[str, Any]]:
    """The questions that a narrative answers, as a draft to be written over."""
    return [
        {
            "type": "text",
            "value": _paragraphs(
                _(
                    "Begin with this place: when did its government first make race matter, and how do we "
                    "know?"
                )
            ),
        },
        {
            "type": "chapter",
            "value": {
                "heading": _("When the rules said race"),
                "period": "",
                "text": _paragraphs(
                    _(
                        "Which deeds, maps, ordinances and practices of %(name)s named race? Who was kept "
                        "out of what?"
                    )
                    % {"name": jurisdiction.name}
                ),
            },
        },
        {
            "type": "chapter",
            "value": {
                "heading": _("When the rules stopped saying it"),
                "period": "",
                "text": _paragraphs(
                    _(
                        "Which rules look the same for everyone and still fall on some? What did they "
                        "cost, and whom?"
                    )
                ),
            },
        },
        {
            "type": "why_now",
            "value": {
                "heading": _("Why now"),
                "text": _paragraphs(_("What do the numbers show today? Give each with its year and source.")),
            },
        },
        {
            "type": "commitments",
            "value": {"heading": _("What we commit to"), "text": "", "commitments": []},
        },
    ]


def _default_joining_steps() -> list[dict[str, Any]]:
    steps = [
        (_("Talk to us"), _("An online hour, every month"), ""),
        (_("Apply"), _("Reply within ten working days"), ""),
        (_("Onboarding"), "", "onboarding"),
        (_("Learning"), "", "learning"),
        (_("Planning"), "", "planning"),
        (_("Plan adopted"), "", "adopted_plan"),
        (_("Implementing"), "", "implementing"),
    ]
    return [
        {"type": "step", "value": {"title": title, "text": text, "stage": stage}}
        for title, text, stage in steps
    ]


def _joining_page() -> StandardPage:
    return StandardPage(
        title=_("What joining asks of you"),
        slug="joining",
        lead=_(
            "A promise by the people who lead, time for a core team, and a plan that is reported in public."
        ),
        body=[
            _section_block(
                _("Who must be in the room"),
                _(
                    "Someone who leads the government, a coordinator with paid time, and a core team from "
                    "several "
                    "departments. Residents who live with the results belong in it from the start."
                ),
            ),
            _section_block(
                _("What the year holds"),
                _(
                    "Training for the core team, a look at the data by race, conversations with residents, "
                    "a Racial Equity Action Plan, and its adoption by the governing body."
                ),
            ),
            _section_block(
                _("What you get"),
                _(
                    "A site of your own for plan and progress, the shared library, and peers who have "
                    "done it before."
                ),
            ),
            _section_block(
                _("How to begin"),
                format_html(
                    _("Write to us: our address is on the {contact_page}. We reply with a date to talk."),
                    contact_page=_contact_link(),
                ),
            ),
        ],
    )
