from django.db import migrations

# Wagtail's own page, unchanged: not one of our page types, without revisions and child pages.
WELCOME = """
    SELECT page.id FROM wagtailcore_page page JOIN django_content_type type ON type.id = page.content_type_id
    WHERE page.depth = 2 AND page.numchild = 0 AND page.latest_revision_id IS NULL
      AND type.app_label = 'wagtailcore' AND type.model = 'page'
"""


class Migration(migrations.Migration):
    """Remove Wagtail's welcome page, which every new city deleted again."""

    dependencies = [("cms", "0002_pagestamp")]

    operations = [
        migrations.RunSQL(
            [
                f"DELETE FROM wagtailcore_site WHERE root_page_id IN ({WELCOME})",
                f"DELETE FROM wagtailcore_page WHERE id IN ({WELCOME})",
                "UPDATE wagtailcore_page root SET numchild = (SELECT count(*) FROM wagtailcore_page WHERE depth = 2)"
                " WHERE depth = 1",
            ],
            migrations.RunSQL.noop,
        )
    ]
