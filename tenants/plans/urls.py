"""The workspace of a city's host, below /workspace/."""

from django.urls import path

from tenants.plans.imports import views
from tenants.plans.views import editor, histories, home, progress, publishing, settings

app_name = "plans"
urlpatterns = [
    path("", home.home, name="home"),
    path("updates/", home.updates, name="updates"),
    path("plan/", editor.editor, name="editor"),
    path("plan/about/", editor.edit_plan, name="edit-plan"),
    path("plan/retired/", editor.retired, name="retired"),
    path("plan/download/", editor.download, name="download"),
    path("plan/goals/add/", editor.add_goal, name="add-goal"),
    path("plan/goals/<uuid:uuid>/", editor.edit_goal, name="edit-goal"),
    path("plan/goals/<uuid:uuid>/add/", editor.add_outcome, name="add-outcome"),
    path("plan/outcomes/<uuid:uuid>/", editor.edit_outcome, name="edit-outcome"),
    path("plan/outcomes/<uuid:uuid>/add/", editor.add_action, name="add-action"),
    path("plan/actions/<slug:code>/", editor.edit_action, name="edit-action"),
    path("plan/actions/<slug:code>/measures/", editor.edit_measures, name="edit-measures"),
    path("plan/actions/<slug:code>/progress/", progress.record_progress, name="record-progress"),
    path("plan/actions/<slug:code>/history/", histories.action_history, name="action-history"),
    path("plan/<slug:kind>/<uuid:uuid>/move/", editor.move, name="move"),
    path("plan/<slug:kind>/<uuid:uuid>/retire/", editor.retire, name="retire"),
    path("plan/<slug:kind>/<uuid:uuid>/restore/", editor.restore, name="restore"),
    path("plan/publish/", publishing.publish, name="publish"),
    path("plan/unpublish/", publishing.unpublish, name="unpublish"),
    path("plan/adopt/", publishing.adopt, name="adopt"),
    path("history/", histories.plan_history, name="history"),
    path("import/", views.imports, name="imports"),
    path("import/<int:pk>/", views.show_import, name="import"),
    path("import/<int:pk>/columns/", views.columns, name="import-columns"),
    path("import/<int:pk>/commit/", views.commit, name="import-commit"),
    path("import/<int:pk>/undo/", views.undo, name="import-undo"),
    path("settings/", settings.settings, name="settings"),
]
