from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class SynonymGroup(models.Model):
    """Terms that mean the same to a person who searches: “late fees”, “overdue fines”."""

    terms = ArrayField(
        models.CharField(max_length=80),
        verbose_name=_("terms"),
        help_text=_("Two or more, separated by commas."),
    )
    theme = models.CharField(_("theme"), max_length=80, blank=True)

    class Meta:
        verbose_name = _("group of synonyms")
        verbose_name_plural = _("synonyms")
        constraints = [
            models.UniqueConstraint(fields=["terms"], name="one_synonym_group_per_terms"),
            models.CheckConstraint(
                name="synonyms_are_two_or_more",
                condition=Q(terms__len__gte=2),
                violation_error_message=_("A group needs two terms or more, separated by commas."),
            ),
        ]

    def __str__(self) -> str:
        return ", ".join(self.terms)
