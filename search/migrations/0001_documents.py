import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


# Words without their accents, then stemmed. Both extensions are trusted: the owner of the database may add them.
CONFIGURATION = """
CREATE TEXT SEARCH CONFIGURATION public.portal_{language} (COPY = pg_catalog.{language});
ALTER TEXT SEARCH CONFIGURATION public.portal_{language}
  ALTER MAPPING FOR hword, hword_part, word WITH public.unaccent, {language}_stem;
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('tenants', '0002_workers'),
    ]

    operations = [
        migrations.RunSQL(
            "CREATE EXTENSION IF NOT EXISTS unaccent SCHEMA public; CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public",
            migrations.RunSQL.noop,
        ),
        *[
            migrations.RunSQL(
                CONFIGURATION.format(language=language),
                f"DROP TEXT SEARCH CONFIGURATION public.portal_{language}",
            )
            for language in ("english", "spanish")
        ],
        migrations.RunSQL("CREATE SEQUENCE search_version", "DROP SEQUENCE search_version"),
        migrations.CreateModel(
            name='Word',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('word', models.TextField()),
            ],
            options={
                'indexes': [django.contrib.postgres.indexes.GinIndex(fields=['word'], name='word_trigrams', opclasses=['gin_trgm_ops']), models.Index(fields=['word'], name='word_exact')],
            },
        ),
        migrations.CreateModel(
            name='Document',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('library', 'Library item'), ('plan', 'Plan'), ('outcome', 'Outcome in a plan'), ('action', 'Action in a plan'), ('narrative', 'Narrative')], max_length=12)),
                ('uuid', models.UUIDField()),
                ('key', models.CharField(blank=True, max_length=80)),
                ('audience', models.CharField(choices=[('public', 'Everybody'), ('members', 'Members of the cohort')], max_length=8)),
                ('language', models.CharField(choices=[('en', 'English'), ('es', 'Spanish')], max_length=2)),
                ('title', models.TextField()),
                ('title_key', models.TextField()),
                ('origin', models.CharField(blank=True, max_length=200)),
                ('summary', models.TextField(blank=True)),
                ('body', models.TextField(blank=True)),
                ('hidden', models.TextField(blank=True)),
                ('words', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None)),
                ('host', models.CharField(max_length=40)),
                ('path', models.CharField(max_length=200)),
                ('type', models.CharField(blank=True, max_length=20)),
                ('topics', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), default=list, size=None)),
                ('sectors', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), default=list, size=None)),
                ('stages', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=16), default=list, size=None)),
                ('decision_kinds', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=20), default=list, size=None)),
                ('population_band', models.CharField(blank=True, max_length=12)),
                ('state', models.CharField(blank=True, max_length=2)),
                ('evidence', models.CharField(blank=True, max_length=20)),
                ('legal_form', models.CharField(blank=True, max_length=20)),
                ('licence', models.CharField(blank=True, max_length=16)),
                ('status', models.CharField(blank=True, max_length=16)),
                ('year', models.PositiveSmallIntegerField(null=True)),
                ('dated_on', models.DateField(null=True)),
                ('data', models.JSONField(default=dict)),
                ('content_hash', models.CharField(max_length=64)),
                ('version', models.BigIntegerField()),
                ('indexed_version', models.BigIntegerField(null=True)),
                ('changed_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('vector', models.GeneratedField(db_persist=True, expression=models.Case(models.When(language='es', then=django.contrib.postgres.search.CombinedSearchVector(django.contrib.postgres.search.CombinedSearchVector(django.contrib.postgres.search.CombinedSearchVector(django.contrib.postgres.search.SearchVector('title', config='public.portal_spanish', weight='A'), '||', django.contrib.postgres.search.SearchVector('origin', 'summary', config='public.portal_spanish', weight='B'), django.contrib.postgres.search.SearchConfig('public.portal_spanish')), '||', django.contrib.postgres.search.SearchVector('body', config='public.portal_spanish', weight='C'), django.contrib.postgres.search.SearchConfig('public.portal_spanish')), '||', django.contrib.postgres.search.SearchVector('hidden', config='public.portal_spanish', weight='D'), django.contrib.postgres.search.SearchConfig('public.portal_spanish'))), default=django.contrib.postgres.search.CombinedSearchVector(django.contrib.postgres.search.CombinedSearchVector(django.contrib.postgres.search.CombinedSearchVector(django.contrib.postgres.search.SearchVector('title', config='public.portal_english', weight='A'), '||', django.contrib.postgres.search.SearchVector('origin', 'summary', config='public.portal_english', weight='B'), django.contrib.postgres.search.SearchConfig('public.portal_english')), '||', django.contrib.postgres.search.SearchVector('body', config='public.portal_english', weight='C'), django.contrib.postgres.search.SearchConfig('public.portal_english')), '||', django.contrib.postgres.search.SearchVector('hidden', config='public.portal_english', weight='D'), django.contrib.postgres.search.SearchConfig('public.portal_english'))), output_field=django.contrib.postgres.search.SearchVectorField())),
                ('jurisdiction', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.jurisdiction')),
            ],
            options={
                'indexes': [django.contrib.postgres.indexes.GinIndex(fields=['vector'], name='document_vector'), django.contrib.postgres.indexes.GinIndex(fields=['words'], name='document_words'), models.Index(fields=['jurisdiction', 'kind'], name='document_place'), models.Index(fields=['version'], name='document_version')],
                'constraints': [models.UniqueConstraint(fields=('kind', 'uuid'), name='one_document_per_object'), models.CheckConstraint(condition=models.Q(('audience__in', ['public', 'members'])), name='document_has_a_known_audience')],
            },
        ),
    ]
