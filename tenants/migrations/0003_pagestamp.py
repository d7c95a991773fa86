from django.db import migrations

from tenants import stamps


class Migration(migrations.Migration):
    """Every write to what public pages show leaves a stamp (tenants.stamps)."""

    dependencies = [("tenants", "0002_workers"), ("accounts", "0002_initial")]

    operations = [
        migrations.RunSQL(stamps.TABLE, "DROP TABLE public.tenants_pagestamp"),
        migrations.RunSQL(stamps.FUNCTION, "DROP FUNCTION public.tenants_stamp_pages()"),
        stamps.on_every_write(["tenants_jurisdiction", "tenants_sector", "tenants_topic"]),
        stamps.on_update_of(
            "tenants_affiliation",
            ["user_id", "jurisdiction_id", "title", "is_public", "start_date", "end_date"],
            about=stamps.PEOPLE,
        ),
        stamps.on_update_of("accounts_user", ["first_name", "last_name", "is_active"], about=stamps.PEOPLE),
    ]
