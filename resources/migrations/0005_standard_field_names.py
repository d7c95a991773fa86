from django.db import migrations, models


class Migration(migrations.Migration):
    """Standard names for fields; the columns keep theirs, so that nothing in the database changes."""

    dependencies = [("resources", "0004_extracted_text")]

    operations = [
        migrations.AlterField(
            "extractedtext", "trouble", models.CharField(blank=True, db_column="trouble", max_length=200)
        ),
        migrations.RenameField("extractedtext", "trouble", "error"),
        migrations.AlterField(
            "attachment",
            "part",
            models.CharField(
                choices=[
                    ("text", "Full text"),
                    ("budget", "Budget note"),
                    ("guide", "Staff guide"),
                    ("form", "Form or worksheet"),
                    ("notice", "Notice to the public"),
                    ("slides", "Slides"),
                    ("data", "Data"),
                    ("other", "Other"),
                ],
                db_column="part",
                default="text",
                max_length=12,
                verbose_name="what it is",
            ),
        ),
        migrations.RenameField("attachment", "part", "kind"),
        migrations.AlterField(
            "libraryitem",
            "licence",
            models.CharField(
                choices=[
                    ("public_domain", "Public domain"),
                    ("CC-BY", "CC BY"),
                    ("CC-BY-SA", "CC BY-SA"),
                    ("permission", "With permission"),
                    ("link_only", "Link only"),
                ],
                db_column="licence",
                max_length=16,
                verbose_name="license",
            ),
        ),
        migrations.RenameField("libraryitem", "licence", "license"),
    ]
