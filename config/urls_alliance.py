"""Addresses of the alliance's host."""

from django.urls import URLPattern, URLResolver, include, path

from cms import urls as cms_urls
from tenants.dashboard.views import brand
from tenants.media import media

urlpatterns: list[URLPattern | URLResolver] = [
    *cms_urls.front,
    path("library/", include("resources.urls")),
    path("staff/", include("tenants.staff.urls")),
    path("media/<path:path>", media, name="media"),
    *cms_urls.admin,
    path("brand.css", brand, name="brand"),
    path("", include("cohort.urls")),
    *cms_urls.pages,  # the last: it takes every address that is left
]
