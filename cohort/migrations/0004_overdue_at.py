from django.db import migrations, models


class Migration(migrations.Migration):
    """When an action becomes overdue, and the parts of `needs_attention`."""

    dependencies = [("cohort", "0003_pagestamp")]

    operations = [
        migrations.AddField("publicaction", "overdue_at", models.DateTimeField(null=True)),
        *(
            migrations.AddField("publicplan", name, models.IntegerField(db_default=0, default=0))
            for name in ("at_risk", "off_track", "on_hold")
        ),
        migrations.AddIndex(
            "publicaction",
            models.Index(
                condition=models.Q(("overdue_at__isnull", False)),
                fields=["jurisdiction", "overdue_at"],
                name="public_action_overdue",
            ),
        ),
    ]
