"""Addresses of a city’s host."""

from django.urls import URLPattern, URLResolver, include, path
from wagtail.views import serve as serve_page

from cms import urls as cms_urls
from tenants.media import media

urlpatterns: list[URLPattern | URLResolver] = [
    path("media/<path:path>", media, name="media"),
    *cms_urls.admin,
    path("", serve_page, {"path": ""}),  # the home page of the CMS, which renders dashboard:home
    path("", include("tenants.dashboard.urls")),
    *cms_urls.pages,  # the last: it takes every address that is left
]
