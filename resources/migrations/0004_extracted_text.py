from django.db import migrations


class Migration(migrations.Migration):
    """Standard names for models; the tables keep theirs, so that nothing in the database changes."""

    dependencies = [("resources", "0003_file_text")]

    operations = [
        migrations.AlterModelTable("filetext", "resources_filetext"),
        migrations.RenameModel("FileText", "ExtractedText"),
    ]
