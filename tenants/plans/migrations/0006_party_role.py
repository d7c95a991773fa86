import django.db.models.deletion
from django.db import migrations, models

CHOICES = [("responsible", "Also responsible"), ("support", "Supports")]


class Migration(migrations.Migration):
    """`part` of an action's party becomes `role`; column and constraint keep their names and stay as they are."""

    dependencies = [("plans", "0005_extra_columns")]

    operations = [
        migrations.AlterField(
            "actionparty",
            "department",
            models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="parties", to="plans.department"
            ),
        ),
        migrations.AlterField(
            "actionparty", "part", models.CharField(choices=CHOICES, db_column="part", max_length=12)
        ),
        # A renamed field is not renamed in constraints: Django would drop and add the same index in every city.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveConstraint("actionparty", "one_part_per_department"),
                migrations.RenameField("actionparty", "part", "role"),
                migrations.AddConstraint(
                    "actionparty",
                    models.UniqueConstraint(
                        fields=["action", "department", "role"], name="one_part_per_department"
                    ),
                ),
            ]
        ),
    ]
