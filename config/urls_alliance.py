"""URLs of the alliance's host."""

from django.urls import URLPattern, URLResolver, include, path

from cms import urls as cms_urls
from config.sitemap import sitemap
from tenants.dashboard.views import brand
from tenants.signin import alliance as signin
from tenants.web import well_known
from tenants.web.media import media

handler404 = "tenants.interrupted.not_found"
handler500 = "config.api.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    *well_known.urlpatterns,
    path("sitemap.xml", sitemap, name="sitemap"),
    *cms_urls.front,
    path("library/", include("resources.urls")),
    path("search/", include("search.urls")),
    path("", include("config.api")),
    path("staff/team/", include("tenants.team.urls")),
    path("staff/", include("tenants.staff.urls")),
    path("media/<path:path>", media, name="media"),
    path("", include("tenants.signin.alliance")),
    *signin.allauth_urls,
    path("cms/login/", signin.start_login),
    path("cms/logout/", signin.sign_out),
    path("demo/", include("config.demo.pages")),
    *cms_urls.admin,
    path("brand.css", brand, name="brand"),
    path("", include("cohort.urls")),
    *cms_urls.pages,  # last: the catch-all
]
