"""The workspace of a city's host, below /workspace/."""

from django.urls import path

from tenants.plans.imports import views as imports
from tenants.plans.views import (
    actions,
    editor,
    headings,
    histories,
    home,
    inline_edit,
    merging,
    ordering,
    progress,
    publishing,
    settings,
)

app_name = "plans"
urlpatterns = [
    path("", home.home, name="home"),
    path("updates/", home.updates, name="updates"),
    path("plan/", editor.editor, name="editor"),
    path("plan/several/", inline_edit.edit_several, name="edit-several"),
    path("plan/about/", headings.edit_plan, name="edit-plan"),
    path("plan/retired/", ordering.retired, name="retired"),
    path("plan/download/", imports.download, name="download"),
    path("plan/goals/add/", headings.add_goal, name="add-goal"),
    path("plan/goals/<uuid:uuid>/", headings.edit_goal, name="edit-goal"),
    path("plan/goals/<uuid:uuid>/add/", headings.add_outcome, name="add-outcome"),
    path("plan/outcomes/<uuid:uuid>/", headings.edit_outcome, name="edit-outcome"),
    path("plan/outcomes/<uuid:uuid>/add/", actions.add_action, name="add-action"),
    path("plan/actions/<slug:code>/", actions.edit_action, name="edit-action"),
    path("plan/actions/<slug:code>/short/", inline_edit.edit_inline, name="edit-inline"),
    path("plan/actions/<slug:code>/merge/", merging.merge, name="merge"),
    path("plan/actions/<slug:code>/progress/", progress.record_progress, name="record-progress"),
    path(
        "plan/actions/<slug:code>/progress/<uuid:uuid>/", progress.correct_progress, name="correct-progress"
    ),
    path(
        "plan/actions/<slug:code>/progress/<uuid:uuid>/withdraw/",
        progress.withdraw_progress,
        name="withdraw-progress",
    ),
    path("plan/actions/<slug:code>/history/", histories.action_history, name="action-history"),
    path("plan/<slug:kind>/<uuid:uuid>/move/", ordering.move, name="move"),
    path("plan/<slug:kind>/<uuid:uuid>/move-to/", ordering.move_to, name="move-to"),
    path("plan/<slug:kind>/<uuid:uuid>/retire/", ordering.retire, name="retire"),
    path("plan/<slug:kind>/<uuid:uuid>/restore/", ordering.restore, name="restore"),
    path("plan/publish/", publishing.publish, name="publish"),
    path("plan/published/", publishing.published, name="published"),
    path("plan/unpublish/", publishing.unpublish, name="unpublish"),
    path("plan/adopt/", publishing.adopt, name="adopt"),
    path("history/", histories.plan_history, name="history"),
    path("import/", imports.imports, name="imports"),
    path("import/<int:pk>/", imports.show_import, name="import"),
    path("import/<int:pk>/columns/", imports.columns, name="import-columns"),
    path("import/<int:pk>/commit/", imports.commit, name="import-commit"),
    path("import/<int:pk>/undo/", imports.undo, name="import-undo"),
    path("settings/", settings.settings, name="settings"),
]
