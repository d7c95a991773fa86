from django.db import migrations, models


class Migration(migrations.Migration):
    """A picture for the top of a front page, with its description and its credit; the tagline's label names no city."""

    dependencies = [("tenants", "0007_contact")]

    operations = [
        migrations.AddField(
            "jurisdiction",
            "picture",
            models.ImageField(blank=True, db_default="", default="", upload_to="brand/"),
        ),
        migrations.AddField(
            "jurisdiction",
            "picture_alt",
            models.CharField(
                blank=True, db_default="", default="", max_length=200, verbose_name="what the picture shows"
            ),
        ),
        migrations.AddField(
            "jurisdiction",
            "picture_credit",
            models.CharField(
                blank=True, db_default="", default="", max_length=120, verbose_name="credit of the picture"
            ),
        ),
        migrations.AlterField(
            "jurisdiction",
            "tagline",
            models.CharField(blank=True, max_length=160, verbose_name="in your own words"),
        ),
    ]
