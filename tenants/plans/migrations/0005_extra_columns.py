from django.db import migrations, models


class Migration(migrations.Migration):
    """`notes` of goals, outcomes and actions becomes `extra_columns`; the column keeps its name."""

    dependencies = [("plans", "0004_plan_log_and_snapshots")]

    operations = [
        operation
        for model in ("goal", "outcome", "action")
        for operation in (
            migrations.AlterField(
                model, "notes", models.JSONField(blank=True, db_column="notes", default=list)
            ),
            migrations.RenameField(model, "notes", "extra_columns"),
        )
    ]
