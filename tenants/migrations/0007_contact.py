import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    """How residents reach the office of a jurisdiction, and of the alliance."""

    dependencies = [("tenants", "0006_email_address_label")]

    operations = [
        migrations.AddField(
            "jurisdiction",
            "contact_email",
            models.EmailField(blank=True, db_default="", default="", max_length=254, verbose_name="contact email"),
        ),
        migrations.AddField(
            "jurisdiction",
            "contact_name",
            models.CharField(
                blank=True, db_default="", default="", max_length=120, verbose_name="contact person or office"
            ),
        ),
        migrations.AddField(
            "jurisdiction",
            "contact_phone",
            models.CharField(blank=True, db_default="", default="", max_length=40, verbose_name="contact phone"),
        ),
        migrations.AddField(
            "jurisdiction",
            "contact_website",
            models.URLField(
                blank=True,
                db_default="",
                default="",
                validators=[django.core.validators.URLValidator(["http", "https"])],
                verbose_name="website",
            ),
        ),
    ]
