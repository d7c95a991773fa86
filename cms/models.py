"""Pages of a city's site and of the alliance's.

Their tables are in every schema; `can_create_at` decides which page type belongs to which site.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, MultiFieldPanel
from wagtail.fields import RichTextField, StreamField
from wagtail.models import Page, PageViewRestriction

from cms import blocks, forms
from cohort.members.selectors import members_by_stage
from cohort.progress import selectors as progress
from resources.models import LibraryItem
from tenants import access
from tenants.models import Jurisdiction
from tenants.plans.labels import format_due, standing_texts
from tenants.plans.models import Action
from tenants.plans.selectors import current_plan, visible_plan
from tenants.web.urlconf import get_top_level_names

HOME_PAGE_DEPTH = 2  # in the page tree; the addresses of its subpages have one segment
MAX_NEW_ITEMS = 4
# For pages with a fixed slug: Wagtail's own panel would derive the slug from the title.
TITLE_PANEL = FieldPanel("title", classname="title")


def is_city_site() -> bool:
    """True while a city's schema is active."""
    return bool(getattr(connection.tenant, "is_tenant", False))


def is_alliance_site() -> bool:
    return connection.schema_name == "public"


def get_reserved_slugs() -> frozenset[str]:
    """Top-level names at which this host answers itself: a page there could not be reached."""
    urlconf = settings.ROOT_URLCONF if is_city_site() else settings.PUBLIC_SCHEMA_URLCONF
    return get_top_level_names(urlconf) | {settings.STATIC_URL.strip("/").partition("/")[0]}


def can_view_site(user: Any, jurisdiction: Jurisdiction) -> bool:
    """True for everybody once the site is launched; until then only for the city's own team."""
    if not jurisdiction.is_tenant or jurisdiction.is_launched:
        return True
    return access.has_permission(user, access.Permission.SEE_WORKSPACE, jurisdiction)


def find_visible_action(request: HttpRequest) -> Action | None:
    """The action that a reader asks about, by `?action=a7`; None if this reader may not see it."""
    code = request.GET.get("action", "").replace("\0", "")[:12]
    if not code or not is_city_site():
        return None
    is_team = access.has_permission(request.user, access.Permission.SEE_WORKSPACE, connection.tenant)
    plan = current_plan() if is_team else visible_plan("public")
    if plan is None:
        return None
    action: Action | None = Action.objects.current().filter(outcome__goal__plan=plan, code=code).first()
    return action


class SitePage(Page):
    """Base of all pages of the portal. A page of a city that has not launched is 404 to all but the city's own team."""

    # A page is public or a draft; access to an unlaunched site is decided by role, not by a password.
    private_page_options: ClassVar[list[str]] = []
    base_form_class = forms.SitePageForm
    copy_form_class = forms.SitePageCopyForm
    future_parent: Page | None = None  # of a new page, which its form knows before the tree does

    class Meta:
        abstract = True

    def serve(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not can_view_site(request.user, connection.tenant):
            raise Http404
        return super().serve(request, *args, **kwargs)

    def get_view_restrictions(self) -> models.QuerySet[PageViewRestriction]:
        """Wagtail's, without its query along the page's path if there is no restriction at all, which is usual."""
        if not PageViewRestriction.objects.exists():
            return PageViewRestriction.objects.none()
        return super().get_view_restrictions()

    def clean(self) -> None:
        super().clean()
        self.check_slug(self.slug, self.future_parent or self.get_parent())

    def minimal_clean(self) -> None:
        super().minimal_clean()
        self.check_slug(self.slug, self.future_parent or self.get_parent())

    def check_slug(self, slug: str, parent: Page | None) -> None:
        """Raise ValidationError if a page of this slug below `parent` could not be reached."""
        if parent and parent.depth == HOME_PAGE_DEPTH and slug in get_reserved_slugs():
            message = _("The portal itself uses “/%(slug)s/”. Choose another address.")
            raise ValidationError({"slug": message % {"slug": slug}})

    def get_url_parts(self, request: HttpRequest | None = None) -> tuple[int, str, str] | None:
        """Wagtail's parts, with the base URL of the settings: Wagtail guesses the scheme by the port."""
        url_parts = super().get_url_parts(request)
        jurisdiction = connection.tenant
        if url_parts and isinstance(jurisdiction, Jurisdiction):
            return url_parts[0], jurisdiction.base_url, url_parts[2]
        return url_parts

    def get_search_text(self) -> str:
        """All text of the page, plain, for the search."""
        return ""


class HomePage(SitePage):
    """A city's home page: the dashboard, below an introduction by the city."""

    lead = models.TextField(
        _("opening words"), blank=True, help_text=_("One or two sentences above the numbers.")
    )
    intro = RichTextField(_("introduction"), blank=True, features=blocks.PROSE_FEATURES)

    parent_page_types: ClassVar[list[str]] = ["wagtailcore.Page"]
    subpage_types: ClassVar[list[str]] = ["cms.NarrativePage", "cms.StandardPage"]
    max_count = 1
    page_description = _("The front page of the site: its dashboard, with a few words above it.")
    content_panels: ClassVar[list[Any]] = [TITLE_PANEL, FieldPanel("lead"), FieldPanel("intro")]
    promote_panels: ClassVar[list[Any]] = [
        MultiFieldPanel([FieldPanel("seo_title"), FieldPanel("search_description")], _("For search engines"))
    ]

    @classmethod
    def can_create_at(cls, parent: Page) -> bool:
        return is_city_site() and super().can_create_at(parent)

    def serve(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        from tenants.dashboard import views

        return views.home(request, home_page=self)

    def serve_preview(self, request: HttpRequest, mode_name: str) -> HttpResponse:
        return self.serve(request)


class BlockPage(SitePage):
    """A page made of blocks, with the list of its headings."""

    class Meta:
        abstract = True

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context(request, *args, **kwargs)
        context["blocks"] = self.get_blocks()
        context["headings"] = [block for block in context["blocks"] if block["heading"]]
        return context

    def get_search_text(self) -> str:
        texts = []
        for block in self.body:
            if isinstance(block.block, blocks.HeadedBlock):
                texts.append(block.block.get_search_text(block.value))
            else:
                texts += block.block.get_searchable_content(block.value)
        return " ".join(text for text in [self.lead, *texts] if text)

    def get_blocks(self) -> list[dict[str, Any]]:
        """Each block with heading and anchor: [{"block": …, "heading": "Why now", "anchor": "why-now"}]."""
        result, used = [], set()
        for block in self.body:
            is_headed = isinstance(block.block, blocks.HeadedBlock)
            heading = block.block.get_heading(block.value) if is_headed else ""
            anchor = slugify(heading) or "part"
            if anchor in used:
                anchor = f"{anchor}-{len(result) + 1}"
            used.add(anchor)
            result.append({"block": block, "heading": heading, "anchor": anchor})
        return result


class NarrativePage(BlockPage):
    """The city's racial equity narrative: its government's history with race, why now, and what it commits to."""

    headline = models.CharField(
        _("headline"),
        max_length=200,
        blank=True,
        help_text=_("The main point of the story in one sentence. If empty, the title is shown."),
    )
    lead = models.TextField(
        _("opening words"), blank=True, help_text=_("Whose account this is, and who adopted it when.")
    )
    body = StreamField(blocks.NarrativeBlocks(), verbose_name=_("story"), blank=True)
    written_by = models.CharField(_("written by"), max_length=200, blank=True)
    next_review = models.CharField(
        _("next review"), max_length=60, blank=True, help_text=_("Such as January 2028.")
    )
    language = models.CharField(
        _("language"), max_length=8, default="en", choices=LibraryItem.Language.choices
    )

    SLUG = "narrative"  # fixed: others link to /narrative/
    parent_page_types: ClassVar[list[str]] = ["cms.HomePage"]
    subpage_types: ClassVar[list[str]] = []
    max_count = 1
    page_description = _("Government and race in this place, from the start to the plan.")
    template = "cms/narrative_page.html"
    content_panels: ClassVar[list[Any]] = [
        TITLE_PANEL,
        FieldPanel("headline"),
        FieldPanel("lead"),
        FieldPanel("body"),
        MultiFieldPanel(
            [FieldPanel("written_by"), FieldPanel("next_review"), FieldPanel("language")],
            _("About this text"),
        ),
    ]
    promote_panels: ClassVar[list[Any]] = HomePage.promote_panels

    @classmethod
    def can_create_at(cls, parent: Page) -> bool:
        return is_city_site() and super().can_create_at(parent)

    def full_clean(self, *args: Any, **kwargs: Any) -> None:
        self.slug = self.SLUG
        super().full_clean(*args, **kwargs)

    def minimal_clean(self) -> None:
        self.slug = self.SLUG
        super().minimal_clean()

    def check_slug(self, slug: str, parent: Page | None) -> None:
        """The portal's own view answers at this slug, and shows this page."""

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context(request, *args, **kwargs)
        return context | {"section": "narrative", "actions": self.get_chosen_actions(request.user)}

    def get_search_text(self) -> str:
        return " ".join(text for text in [self.headline, super().get_search_text()] if text)

    def get_chosen_actions(self, user: Any) -> dict[str, dict[str, Any]]:
        """The actions that the narrative lists, by code; none if the user may not see the plan. Two queries."""
        codes = [
            code for block in self.body if block.block_type == "actions" for code in block.value["actions"]
        ]
        if not codes:
            return {}
        jurisdiction = connection.tenant
        is_team = access.has_permission(user, access.Permission.SEE_WORKSPACE, jurisdiction)
        plan = current_plan() if is_team else visible_plan("public")
        if plan is None:
            return {}
        today = timezone.localdate()
        actions = Action.objects.current().filter(outcome__goal__plan=plan, code__in=codes)
        return {
            action.code: standing_texts(action.status, action.due_date, plan, on=today)
            | {
                "url": action.get_absolute_url(),
                "heading": str(action),
                "due": format_due(action.due_date, action.due_precision, action.is_continuous),
            }
            for action in actions
        }


class StandardPage(BlockPage):
    """A plain page: contact, accessibility, privacy and the like."""

    lead = models.TextField(_("opening words"), blank=True)
    body = StreamField(blocks.PageBlocks(), verbose_name=_("text"), blank=True)

    CONTACT_SLUG = "contact"  # of the page at /contact/, to which others link
    CONTACT_AT_THE_END = frozenset({"accessibility", "joining"})  # pages that ask readers to write
    parent_page_types: ClassVar[list[str]] = ["cms.HomePage", "cms.AlliancePage", "cms.StandardPage"]
    subpage_types: ClassVar[list[str]] = ["cms.StandardPage"]
    page_description = _("Text, pictures and links.")
    template = "cms/standard_page.html"
    content_panels: ClassVar[list[Any]] = [*Page.content_panels, FieldPanel("lead"), FieldPanel("body")]

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context(request, *args, **kwargs)
        base = "city/base.html" if is_city_site() else "alliance/base.html"
        contact_at = "end" if self.slug in self.CONTACT_AT_THE_END else ""
        if self.slug == self.CONTACT_SLUG:
            contact_at, context["asked"] = "top", find_visible_action(request)
        return context | {"base": base, "section": self.slug, "contact_at": contact_at}

    def check_slug(self, slug: str, parent: Page | None) -> None:
        """As for other pages; at /contact/ the portal's own view shows the page of this slug."""
        if slug != self.CONTACT_SLUG:
            super().check_slug(slug, parent)


class AlliancePage(SitePage):
    """The alliance's home page: search, progress of the plans, steps of joining, new library items."""

    headline = models.CharField(_("headline"), max_length=160)
    lead = models.TextField(_("opening words"), blank=True)
    # The names of fields stand in revisions and comments, so `often_sought` and `joining` keep theirs.
    often_sought = models.CharField(
        _("popular searches"),
        max_length=200,
        blank=True,
        help_text=_("Words to search for, separated by commas."),
    )
    progress_note = models.CharField(_("below “How the plans are going”"), max_length=240, blank=True)
    joining = StreamField(blocks.StepBlocks(), verbose_name=_("how joining works"), blank=True)
    joining_note = models.CharField(_("below “How joining works”"), max_length=240, blank=True)
    joining_link_text = models.CharField(_("button below the steps"), max_length=60, blank=True)
    joining_page = models.ForeignKey(
        "wagtailcore.Page",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("where the button leads"),
    )
    dates = StreamField(blocks.DateBlocks(), verbose_name=_("dates"), blank=True)

    parent_page_types: ClassVar[list[str]] = ["wagtailcore.Page"]
    subpage_types: ClassVar[list[str]] = ["cms.StandardPage"]
    max_count = 1
    page_description = _("The alliance’s front page.")
    template = "cms/alliance_page.html"
    content_panels: ClassVar[list[Any]] = [
        TITLE_PANEL,
        MultiFieldPanel(
            [FieldPanel("headline"), FieldPanel("lead"), FieldPanel("often_sought")], _("At the top")
        ),
        FieldPanel("progress_note"),
        MultiFieldPanel(
            [
                FieldPanel("joining"),
                FieldPanel("joining_note"),
                FieldPanel("joining_link_text"),
                FieldPanel("joining_page"),
            ],
            _("How joining works"),
        ),
        FieldPanel("dates"),
    ]
    promote_panels: ClassVar[list[Any]] = HomePage.promote_panels

    @classmethod
    def can_create_at(cls, parent: Page) -> bool:
        return is_alliance_site() and super().can_create_at(parent)

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        audience = access.get_audience(request.user)
        today = timezone.localdate()
        overview = progress.progress_overview(audience, on=today)
        members = {step["stage"]: step["jurisdictions"] for step in members_by_stage()}
        return super().get_context(request, *args, **kwargs) | {
            "today": today,
            "popular_searches": [query.strip() for query in self.often_sought.split(",") if query.strip()],
            "plans": overview["rows"],
            "total": overview["total"],
            "steps": [
                {
                    "title": step.value["title"],
                    "text": step.value["text"],
                    "jurisdictions": members.get(step.value["stage"], []),
                }
                for step in self.joining
            ],
            "joining_url": self.joining_link_text
            and self.joining_page
            and self.joining_page.get_url(request),
            "new_items": LibraryItem.objects.visible_to(audience)
            .newest_first()
            .prefetch_related("attachments__document")[:MAX_NEW_ITEMS],
            "changes": progress.changed_this_week(audience, on=today),
            "dates": sorted(
                (date.value for date in self.dates if date.value["date"] >= today),
                key=lambda date: date["date"],
            ),
        }
