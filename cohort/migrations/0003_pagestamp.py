from django.db import migrations

from tenants import stamps


class Migration(migrations.Migration):
    dependencies = [("cohort", "0002_changed_at"), ("tenants", "0003_pagestamp")]

    operations = [
        stamps.on_every_write(
            ["cohort_publicplan", "cohort_publicgoal", "cohort_publicoutcome", "cohort_publicaction"]
        )
    ]
