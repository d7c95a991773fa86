from django.db import migrations

from tenants import stamps


class Migration(migrations.Migration):
    dependencies = [("resources", "0001_initial"), ("tenants", "0003_pagestamp")]

    operations = [stamps.on_every_write(["resources_libraryitem", "resources_attachment"])]
