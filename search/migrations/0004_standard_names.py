import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):
    """Standard names for models and a field; tables, columns and indexes keep theirs, so the database is unchanged."""

    dependencies = [("search", "0003_unsent")]

    operations = [
        migrations.AlterModelTable("unsent", "search_unsent"),
        migrations.RenameModel("Unsent", "PendingIndexUpdate"),
        migrations.AlterModelTable("word", "search_word"),
        migrations.RenameModel("Word", "VocabularyTerm"),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveIndex("document", "document_words"),
                migrations.AlterField(
                    "document",
                    "words",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), db_column="words", default=list, size=None
                    ),
                ),
                migrations.RenameField("document", "words", "terms"),
                migrations.AddIndex(
                    "document",
                    django.contrib.postgres.indexes.GinIndex(fields=["terms"], name="document_words"),
                ),
            ]
        ),
    ]
