from django.db import migrations

from tenants import stamps


class Migration(migrations.Migration):
    """The tables of all pages, here and in Wagtail; a draft changes the version too, which costs a cached page."""

    dependencies = [
        ("cms", "0001_initial"),
        ("tenants", "0003_pagestamp"),
        ("wagtailcore", "0098_apitoken"),
        ("wagtailimages", "0027_image_description"),
        ("wagtaildocs", "0014_alter_document_file_size"),
    ]

    operations = [
        stamps.on_every_write(
            [
                "cms_homepage",
                "cms_narrativepage",
                "cms_standardpage",
                "cms_alliancepage",
                "wagtailcore_page",
                "wagtailcore_site",
                "wagtailcore_locale",
                "wagtailcore_pageviewrestriction",
                "wagtailimages_image",
                "wagtaildocs_document",
            ]
        )
    ]
