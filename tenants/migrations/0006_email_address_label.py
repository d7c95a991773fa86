from django.db import migrations, models


class Migration(migrations.Migration):
    """Label "email address" instead of "mail address"; nothing in the database changes."""

    dependencies = [("tenants", "0005_sign_in_code")]

    operations = [
        migrations.AlterField("invitation", "email", models.EmailField(max_length=254, verbose_name="email address")),
    ]
