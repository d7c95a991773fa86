"""Addresses of a city’s host."""

from django.urls import URLPattern, URLResolver

from cms import urls as cms_urls

urlpatterns: list[URLPattern | URLResolver] = [
    *cms_urls.admin,
    *cms_urls.pages,  # the last: it takes every address that is left
]
