import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Which action continues a merged one. Nullable and without a constraint: the code before it goes on writing and deleting."""

    dependencies = [("plans", "0007_strategy_label")]

    operations = [
        migrations.AddField(
            "action",
            "merged_into",
            models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="merged",
                to="plans.action",
                verbose_name="merged into",
            ),
        ),
    ]
