"""Changes of Wagtail's editor, and access to its files."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from wagtail import hooks
from wagtail.admin.menu import MenuItem
from wagtail.admin.ui.sidebar import LinkMenuItem
from wagtail.models import Page

from cms.models import AlliancePage, HomePage, can_view_site

# At a city, the portal's Team page, settings and host names replace these.
HIDDEN_SETTINGS_ITEMS = frozenset(
    {"users", "groups", "sites", "redirects", "collections", "locales", "forms"}
)


@hooks.register("before_serve_document")
def require_launched_site_for_documents(document: Any, request: HttpRequest) -> None:
    if not can_view_site(request.user, connection.tenant):
        raise Http404


@hooks.register("insert_global_admin_css")
def style_site_branding() -> str:
    return format_html('<link rel="stylesheet" href="{}">', static("editor.css"))


class WayBackItem(MenuItem):
    """Leads from the editor back to where the site is run: the workspace, at the alliance the person's own page."""

    def render_component(self, request: HttpRequest) -> LinkMenuItem:
        is_city = connection.schema_name != "public"
        label = _("Back to workspace") if is_city else _("Back to my account")
        url = reverse("plans:home") if is_city else reverse("signin:account")
        return LinkMenuItem(self.name, label, url, icon_name=self.icon_name)


@hooks.register("register_admin_menu_item")
def add_way_back() -> MenuItem:
    return WayBackItem("", "", name="way-back", icon_name="arrow-left", order=1)


@hooks.register("construct_settings_menu")
def hide_unused_settings_menu_items(request: HttpRequest, items: list[Any]) -> None:
    """Nobody manages people or hosts of a city through Wagtail, not even the operator."""
    if connection.schema_name != "public":
        items[:] = [item for item in items if item.name not in HIDDEN_SETTINGS_ITEMS]


@hooks.register("construct_main_menu")
def hide_unused_menu_items(request: HttpRequest, items: list[Any]) -> None:
    items[:] = [item for item in items if item.name not in {"forms", "help"}]


@hooks.register("before_delete_page")
@hooks.register("before_unpublish_page")
@hooks.register("before_move_page")
def protect_home_page(request: HttpRequest, page: Page, *_destination: Any) -> HttpResponse | None:
    """Refuse to delete, unpublish or move the home page: the site would answer 404 at its root."""
    if isinstance(page.specific, HomePage | AlliancePage):
        messages.error(request, _("The front page can’t be moved or removed. You can change its text."))
        return redirect("wagtailadmin_explore", page.pk)
    return None


@hooks.register("before_move_page")
def refuse_reserved_slug(request: HttpRequest, page: Page, destination: Page) -> HttpResponse | None:
    """Refuse to move a page to where the portal itself answers at its slug."""
    try:
        page.specific.check_slug(page.slug, destination)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("wagtailadmin_pages:move", page.pk)
    return None


@hooks.register("before_bulk_action")
def check_pages_in_bulk_actions(
    request: HttpRequest, action_type: str, objects: list[Any], action: Any
) -> HttpResponse | None:
    if action_type in {"delete", "unpublish", "move"}:
        for page in objects:
            if isinstance(page, Page):
                response = protect_home_page(request, page)
                if action_type == "move" and not response:
                    response = refuse_reserved_slug(
                        request, page, action.cleaned_form.cleaned_data["chooser"]
                    )
                if response:
                    return response
    return None
