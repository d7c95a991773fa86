from django.db import migrations

from tenants import stamps


class Migration(migrations.Migration):
    dependencies = [("plans", "0002_outcome_story_and_exports"), ("tenants", "0003_pagestamp")]

    operations = [
        stamps.on_every_write(
            [
                "plans_plan",
                "plans_department",
                "plans_goal",
                "plans_outcome",
                "plans_action",
                "plans_actionparty",
                "plans_performancemeasure",
                "plans_milestone",
                "plans_progressnote",
                "plans_change",
            ]
        )
    ]
