"""Files that programs look for at fixed addresses of every host: robots.txt, favicon.ico and security.txt.

All three are open before a city's launch. The sitemap, which lists pages of all folders, is in config.sitemap.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from tenants.access import open_before_launch
from tenants.models import Jurisdiction
from tenants.web.urlconf import get_top_level_names

CACHE_SECONDS = 600  # in browsers and proxies: a launch or another logo shows soon
SECURITY_TXT_DAYS = 180  # RFC 9116: less than a year
# What crawlers need not read: pages behind the sign-in, and the results of searches. Each is named on hosts that have it.
NOT_CRAWLED = (
    "/accounts/",
    "/cms/",
    "/search?",
    "/search/?",
    "/search/suggest/",
    "/sign-in/",
    "/sign-out/",
    "/staff/",
    "/workspace/",
)


def _text(lines: list[str]) -> HttpResponse:
    response = HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
    patch_cache_control(response, public=True, max_age=CACHE_SECONDS)
    return response


@open_before_launch
@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Public pages may be crawled; a sample, and a city that has not launched, may not be at all."""
    jurisdiction: Jurisdiction = request.tenant  # type: ignore[attr-defined]
    if jurisdiction.is_tenant and not jurisdiction.is_launched:
        return _text(["# This site is not open yet.", "User-agent: *", "Disallow: /"])
    if jurisdiction.is_sample or settings.DEMO:
        return _text(["# This is a sample, not a real place.", "User-agent: *", "Disallow: /"])
    names = get_top_level_names(jurisdiction.urlconf)
    return _text(
        [
            "User-agent: *",
            *(
                f"Disallow: {start}"
                for start in NOT_CRAWLED
                if start[1:].partition("/")[0].rstrip("?") in names
            ),
            "",
            f"Sitemap: {jurisdiction.build_url('sitemap')}",
        ]
    )


@open_before_launch
@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """The city's logo from its launch on; the portal's mark otherwise. Pages name their icon themselves."""
    jurisdiction: Jurisdiction = request.tenant  # type: ignore[attr-defined]
    response: HttpResponse
    if jurisdiction.is_tenant and jurisdiction.is_launched and jurisdiction.logo:
        response = HttpResponseRedirect(jurisdiction.logo.url)
    else:
        response = HttpResponse(_default_icon(), content_type="image/x-icon")
    patch_cache_control(response, public=True, max_age=CACHE_SECONDS)
    return response


@cache
def _default_icon() -> bytes:
    """static/img/favicon.ico: the drawing of mark.svg in three sizes."""
    return Path(str(finders.find("img/favicon.ico"))).read_bytes()


@open_before_launch
@require_safe
def security_txt(request: HttpRequest) -> HttpResponse:
    """Where to report a weakness (RFC 9116); 404 while SECURITY_CONTACT is not set."""
    jurisdiction: Jurisdiction = request.tenant  # type: ignore[attr-defined]
    if not settings.SECURITY_CONTACT:
        raise Http404
    expires = timezone.now().astimezone(dt.UTC).date() + dt.timedelta(days=SECURITY_TXT_DAYS)
    languages = dict.fromkeys(code.partition("-")[0] for code, _name in settings.LANGUAGES)
    lines = [f"Contact: {contact}" for contact in settings.SECURITY_CONTACT]
    lines += [
        f"Expires: {expires.isoformat()}T00:00:00Z",
        f"Preferred-Languages: {', '.join(languages)}",
        f"Canonical: {jurisdiction.build_url('security-txt')}",
    ]
    lines += [f"Policy: {url}" for url in settings.SECURITY_POLICY]
    return _text(lines)


urlpatterns = [
    path("robots.txt", robots, name="robots"),
    path("favicon.ico", favicon, name="favicon"),
    path(".well-known/security.txt", security_txt, name="security-txt"),
]
