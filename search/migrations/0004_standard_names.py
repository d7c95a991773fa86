from django.db import migrations


class Migration(migrations.Migration):
    """Standard names for models; the tables keep theirs, so that nothing in the database changes."""

    dependencies = [("search", "0003_unsent")]

    operations = [
        migrations.AlterModelTable("unsent", "search_unsent"),
        migrations.RenameModel("Unsent", "PendingIndexUpdate"),
        migrations.AlterModelTable("word", "search_word"),
        migrations.RenameModel("Word", "VocabularyTerm"),
    ]
