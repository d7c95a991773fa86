"""The alliance's pages across cities."""

from django.urls import path

from cohort.progress import views

app_name = "cohort"
urlpatterns = [
    path("jurisdictions/", views.directory, name="directory"),
    path("jurisdictions/list.csv", views.directory_csv, name="directory-csv"),
    path("progress/", views.progress, name="progress"),
    path("progress/plans.csv", views.progress_csv, name="progress-csv"),
    path("progress/plans.json", views.progress_json, name="progress-json"),
]
