"""Addresses of the alliance's host with the floor beside them: a page that reads one row."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_safe

from bench.bare_city import template
from config import urls_alliance
from tenants.models import Jurisdiction


@require_safe
def one_row(request: HttpRequest) -> HttpResponse:
    title = Jurisdiction.objects.values_list("name", flat=True).get(schema_name="public")
    return HttpResponse(template().render({"title": title}, request))


urlpatterns = [path("one-row/", one_row), *urls_alliance.urlpatterns]
