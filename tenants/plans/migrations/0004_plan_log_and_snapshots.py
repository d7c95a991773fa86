from django.db import migrations


class Migration(migrations.Migration):
    """Standard names for models; the tables keep theirs, so that nothing in the database changes."""

    dependencies = [("plans", "0003_pagestamp")]

    operations = [
        migrations.AlterModelTable("change", "plans_change"),
        migrations.RenameModel("Change", "PlanLogEntry"),
        migrations.AlterModelTable("export", "plans_export"),
        migrations.RenameModel("Export", "ExportSnapshot"),
    ]
