"""The alliance's pages across cities."""

from django.urls import path

from cohort.members import views as members
from cohort.progress import views as progress

app_name = "cohort"
urlpatterns = [
    path("jurisdictions/", members.directory, name="directory"),
    path("jurisdictions/<slug:slug>/logo.png", members.logo, name="logo"),
    path("jurisdictions/list.csv", members.directory_csv, name="directory-csv"),
    path("progress/", progress.progress, name="progress"),
    path("progress/plans.csv", progress.progress_csv, name="progress-csv"),
    path("progress/plans.json", progress.progress_json, name="progress-json"),
]
