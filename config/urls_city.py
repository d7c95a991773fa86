"""Addresses of a city’s host."""

from django.urls import URLPattern, URLResolver, include, path

from cms import urls as cms_urls
from tenants.signin import city as signin
from tenants.web.media import media

handler500 = "config.api.server_error"  # also of a request whose host was not even found

urlpatterns: list[URLPattern | URLResolver] = [
    path("media/<path:path>", media, name="media"),
    *cms_urls.front,  # the first: the home page shows the dashboard with the city’s own words
    *cms_urls.narrative,
    path("", include("tenants.signin.city")),
    path("cms/login/", signin.start_login),
    path("cms/logout/", signin.sign_out),
    path("workspace/team/", include("tenants.team.urls")),
    *cms_urls.admin,
    path("workspace/", include("tenants.plans.urls")),
    path("", include("tenants.dashboard.urls")),
    *cms_urls.pages,  # the last: it takes every address that is left
]
