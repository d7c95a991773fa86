from django.db import migrations, models


class Migration(migrations.Migration):
    """When the action of a document becomes overdue; `rebuild_search` fills it in."""

    dependencies = [("search", "0004_standard_names")]

    operations = [migrations.AddField("document", "overdue_at", models.DateTimeField(null=True))]
