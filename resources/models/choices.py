"""What an item of the library is for."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Strategy(models.TextChoices):
    """The six strategies of the field's theory of change."""

    FRAMEWORK = "racial-equity-framework", _("A racial equity framework")
    CAPACITY = "organizational-capacity", _("Organizational capacity")
    TOOLS = "racial-equity-tools", _("Racial equity tools")
    DATA = "data-driven", _("Data and metrics")
    PARTNERSHIPS = "partnerships", _("Partnerships")
    URGENCY = "urgency-accountability", _("Urgency and accountability")


class DecisionKind(models.TextChoices):
    BUDGET = "budget", _("Budget")
    POLICY = "policy", _("Policy")
    PRACTICE = "practice", _("Practice")
    PROGRAM = "program", _("Program")
    PLAN = "plan", _("Plan")
    CAPITAL_PROJECT = "capital_project", _("Capital project")
    PROCUREMENT = "procurement", _("Procurement")
