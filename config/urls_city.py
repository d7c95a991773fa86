"""URLs of a city’s host."""

from django.urls import URLPattern, URLResolver, include, path

from cms import urls as cms_urls
from config.sitemap import sitemap
from tenants.signin import city as signin
from tenants.web import well_known
from tenants.web.media import media

handler404 = "tenants.interrupted.not_found"
handler500 = "config.api.server_error"  # also for a request to an unknown host

urlpatterns: list[URLPattern | URLResolver] = [
    *well_known.urlpatterns,
    path("sitemap.xml", sitemap, name="sitemap"),
    path("media/<path:path>", media, name="media"),
    *cms_urls.front,  # before the dashboard: the CMS home page shows the dashboard with the city’s introduction
    *cms_urls.narrative,
    path("", include("tenants.signin.city")),
    path("cms/login/", signin.start_login),
    path("cms/logout/", signin.sign_out),
    path("workspace/team/", include("tenants.team.urls")),
    *cms_urls.admin,
    path("workspace/", include("tenants.plans.urls")),
    path("", include("tenants.dashboard.urls")),
    *cms_urls.pages,  # last: the catch-all
]
