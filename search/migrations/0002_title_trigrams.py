import django.contrib.postgres.indexes
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('search', '0001_documents'),
        ('tenants', '0002_workers'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='document',
            index=django.contrib.postgres.indexes.GinIndex(fields=['title_key'], name='document_title_trigrams', opclasses=['gin_trgm_ops']),
        ),
    ]
