from django.db import migrations, models


class Migration(migrations.Migration):
    """Label "email address" instead of "mail address"; nothing in the database changes."""

    dependencies = [("accounts", "0002_initial")]

    operations = [
        migrations.AlterField(
            "user", "email", models.EmailField(max_length=254, unique=True, verbose_name="email address")
        ),
    ]
