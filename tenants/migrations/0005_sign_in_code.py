from django.db import migrations


class Migration(migrations.Migration):
    """Standard names for models; the tables keep theirs, so that nothing in the database changes."""

    dependencies = [("tenants", "0004_affiliation_days_of_utc")]

    operations = [
        migrations.AlterModelTable("handoff", "tenants_handoff"),
        migrations.RenameModel("HandOff", "SignInCode"),
    ]
