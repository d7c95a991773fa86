from django.db import migrations, models


class Migration(migrations.Migration):
    """When a person's visit of the workspace began, and the one before."""

    dependencies = [("tenants", "0009_labels")]

    operations = [
        migrations.AddField("affiliation", "visit_began_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("affiliation", "previous_visit_at", models.DateTimeField(blank=True, null=True)),
    ]
