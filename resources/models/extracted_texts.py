from __future__ import annotations

from django.db import models


class ExtractedText(models.Model):
    """The text of a file, by the hash of its content; searched with the items it is attached to, never shown."""

    file_hash = models.CharField(max_length=40, primary_key=True)
    text = models.TextField(blank=True)
    error = models.CharField(max_length=200, blank=True, db_column="trouble")  # why the text is empty
    read_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "resources_filetext"

    def __str__(self) -> str:
        return self.file_hash
