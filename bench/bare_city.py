"""URLs of a city's host, and that of the floor: the smallest page of this portal."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path
from django.views.decorators.http import require_safe

from config import urls_city

PAGE = "<!DOCTYPE html><html lang='en'><head><title>{{ title }}</title></head><body><h1>{{ title }}</h1></body></html>"


@cache
def template() -> Any:
    return engines["django"].from_string(PAGE)


@require_safe
def bare(request: HttpRequest) -> HttpResponse:
    """A page with only a heading, rendered by the template engine with the portal's context processors."""
    return HttpResponse(template().render({"title": "A page"}, request))


urlpatterns = [path("bare/", bare), *urls_city.urlpatterns]
