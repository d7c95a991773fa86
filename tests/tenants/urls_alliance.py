"""The URLs of `tests.tenants.urls` on the alliance's host."""

from django.urls import include, path

from tests.tenants.urls import helpers

urlpatterns = [*helpers, path("", include("config.urls_alliance"))]
