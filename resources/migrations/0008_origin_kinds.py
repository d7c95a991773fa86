from django.db import migrations, models


class Migration(migrations.Migration):
    """An item may come from each kind of jurisdiction; the column takes their codes."""

    dependencies = [("resources", "0007_labels")]

    operations = [
        migrations.AlterField(
            "libraryitem",
            "origin_kind",
            models.CharField(
                choices=[
                    ("city", "City"),
                    ("town", "Town"),
                    ("village", "Village"),
                    ("county", "County"),
                    ("school_or_park_district", "School or park district"),
                    ("regional", "Regional body"),
                    ("state_agency", "State agency"),
                    ("tribal", "Tribal government"),
                    ("department", "Department"),
                    ("network", "Network"),
                    ("nonprofit", "Nonprofit organization"),
                    ("university", "University"),
                ],
                max_length=24,
                verbose_name="kind of origin",
            ),
        ),
    ]
