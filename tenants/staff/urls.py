from django.urls import path

from tenants.staff import views

app_name = "staff"
urlpatterns = [
    path("", views.index, name="index"),
    path("contact/", views.contact, name="contact"),
    path("jurisdictions/new/", views.new, name="new"),
    path("jurisdictions/<slug:slug>/", views.jurisdiction, name="jurisdiction"),
    path("jurisdictions/<slug:slug>/invite/", views.invite, name="invite"),
]
