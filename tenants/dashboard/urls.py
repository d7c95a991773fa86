"""The public pages of a city's host."""

from django.urls import path

from tenants.dashboard import open_data_views, views

app_name = "dashboard"
urlpatterns = [
    path("", views.home, name="home"),
    path("plan/", views.plan, name="plan"),
    path("plan/actions/<slug:code>/", views.action, name="action"),
    path("data/", views.data, name="data"),
    path("data/actions.csv", open_data_views.actions_csv, name="actions-csv"),
    path("data/actions.json", open_data_views.actions_json, name="actions-json"),
    path("data/plan.json", open_data_views.plan_json, name="plan-json"),
    path("data/plan.xlsx", open_data_views.plan_xlsx, name="plan-xlsx"),
    path("data/numbers.csv", open_data_views.numbers_csv, name="numbers-csv"),
    path("brand.css", views.brand, name="brand"),
]
