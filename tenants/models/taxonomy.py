"""What actions and library items are about: kinds of step, sectors and topics."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _


class ActionStage(models.TextChoices):
    """Kind of step an action is: normalize, organize or operationalize (the field calls it a strategy)."""

    NORMALIZE = "normalize", _("Normalize")
    ORGANIZE = "organize", _("Organize")
    OPERATIONALIZE = "operationalize", _("Operationalize")


class Sector(models.Model):
    """A broad policy area, such as Housing."""

    slug = models.SlugField(primary_key=True, max_length=40)
    label = models.CharField(max_length=60)
    label_es = models.CharField(max_length=60, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return self.label


class Topic(models.Model):
    """A subject of plans and library items; `aliases` are other names people search by."""

    slug = models.SlugField(primary_key=True, max_length=60)
    label = models.CharField(max_length=80)
    label_es = models.CharField(max_length=80, blank=True)
    sector = models.ForeignKey(Sector, models.PROTECT, null=True, blank=True, related_name="topics")
    definition = models.CharField(max_length=300, blank=True)
    aliases = ArrayField(models.CharField(max_length=80), default=list, blank=True)

    def __str__(self) -> str:
        return self.label
