"""The cohort in the API: its jurisdictions and their published plans. Reads only the public copies."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import BooleanField, Case, CharField, F, Q, QuerySet, Value, When
from django.db.models.functions import Concat, Greatest
from rest_framework import serializers

from cohort.labels import STAGES_FURTHEST_FIRST
from cohort.members import selectors
from cohort.models import Projection, PublicAction, PublicGoal, PublicOutcome, PublicPlan
from tenants.api import parameters, rows
from tenants.api.parameters import choice, identity, slug, updated_since
from tenants.api.views import BY_UUID, DetailView, ListView, RowsView
from tenants.models import ActionStage, Jurisdiction, Visibility
from tenants.plans.models import Action, Plan, Precision

Serializer = serializers.Serializer[Any]

JURISDICTION = slug("jurisdiction", "Of these jurisdictions, by slug.", lookup="jurisdiction__slug__in")
STAGE = choice(
    "stage", "Steps that normalize, organize or operationalize.", ActionStage.values, lookup="stage__in"
)
SECTOR = slug("sector", "Of one of these sectors.", lookup="sectors__overlap")
SINCE = updated_since(lookup="shown_at__gte")


# ---- Jurisdictions ------------------------------------------------------------------------------------------
class JurisdictionSerializer(Serializer):
    """A member of the alliance, also before its site is open: membership is public."""

    slug = serializers.SlugField()
    name = serializers.CharField()
    short_name = serializers.CharField()
    kind = serializers.ChoiceField(Jurisdiction.Kind.choices)
    state = serializers.CharField(allow_null=True, help_text="Two letters, like MN.")
    size = serializers.ChoiceField(
        Jurisdiction.PopulationBand.choices,
        source="population_band",
        allow_null=True,
        help_text="How many people live there.",
    )
    stage = serializers.ChoiceField(
        Jurisdiction.MembershipStage.choices, source="entry_stage", help_text="How far along it is."
    )
    tagline = serializers.CharField(allow_null=True, help_text="In its own words.")
    is_open = serializers.BooleanField(help_text="Its public site has been launched.")
    is_sample = serializers.BooleanField(help_text="Not a real place.")
    url = serializers.URLField(allow_null=True, help_text="Its public site, once that is open.")
    updated_at = serializers.DateTimeField()


class Jurisdictions(RowsView):
    tag, key, serializer = "jurisdictions", "slug", JurisdictionSerializer

    @classmethod
    def rows(cls, audience: str) -> QuerySet[Any]:
        launched = Q(site_state=Jurisdiction.SiteState.LAUNCHED)
        return selectors.members().annotate(
            is_open=Case(When(launched, then=True), default=False, output_field=BooleanField()),
            url=Case(When(launched, then=rows.site("slug", Value("/")))),
        )


class JurisdictionList(Jurisdictions, ListView):
    """The members of the alliance."""

    operation, summary = "list_jurisdictions", "Jurisdictions"
    filters = (
        choice("kind", "Cities, counties …", Jurisdiction.Kind.values, lookup="kind__in"),
        parameters.state("state", "In these states.", lookup="state__in"),
        choice("size", "Of this size.", Jurisdiction.PopulationBand.values, lookup="population_band__in"),
        choice("stage", "This far along.", [str(s) for s in STAGES_FURTHEST_FIRST], lookup="entry_stage__in"),
        updated_since(lookup="updated_at__gte"),
    )


class JurisdictionDetail(Jurisdictions, DetailView):
    """One member of the alliance."""

    operation, summary = "get_jurisdiction", "One jurisdiction"


# ---- Plans --------------------------------------------------------------------------------------------------
class ProjectionSerializer(Serializer):
    """The fields that every row of a published plan has."""

    id = serializers.UUIDField(source="uuid")
    jurisdiction = serializers.SlugField(source="jurisdiction.slug")
    shared_with = serializers.ChoiceField([("public", "Everybody"), ("members", "Members of the cohort")])
    url = serializers.URLField(
        allow_null=True, help_text="Its page on the city’s site; none while only members may see it."
    )
    updated_at = serializers.DateTimeField(
        source="shown_at", help_text="When what is shown here last changed or came to be seen."
    )


class PlanSerializer(ProjectionSerializer):
    """A published plan with its numbers. The counts leave out cancelled and merged actions: `left_out`."""

    title = serializers.CharField()
    summary = serializers.CharField(allow_null=True)
    lifecycle = serializers.ChoiceField(Plan.Lifecycle.choices)
    period_start = serializers.DateField(allow_null=True)
    period_end = serializers.DateField(allow_null=True)
    adopted_on = serializers.DateField(allow_null=True)
    goals = serializers.IntegerField()
    outcomes = serializers.IntegerField()
    actions = serializers.IntegerField(help_text="Without those left out.")
    completed = serializers.IntegerField()
    on_track = serializers.IntegerField()
    needs_attention = serializers.IntegerField(help_text="At risk, off track or on hold.")
    not_started = serializers.IntegerField()
    no_status = serializers.IntegerField(help_text="The city has not reported yet.")
    left_out = serializers.IntegerField(help_text="Cancelled or merged.")
    last_update_on = serializers.DateField(allow_null=True)


class GoalSerializer(ProjectionSerializer):
    """A goal of a published plan."""

    label = serializers.CharField(allow_null=True, help_text="As the city writes it: “Goal 1”.")  # type: ignore[assignment]
    title = serializers.CharField()
    sectors = serializers.ListField(child=serializers.CharField())
    position = serializers.IntegerField(help_text="Its place in the plan.")


class OutcomeSerializer(ProjectionSerializer):
    """A change that the jurisdiction commits to cause."""

    goal = serializers.UUIDField(source="goal_id")
    label = serializers.CharField(allow_null=True)  # type: ignore[assignment]
    title = serializers.CharField()
    stage = serializers.ChoiceField(ActionStage.choices, allow_null=True)
    position = serializers.IntegerField(help_text="Its place below the goal.")


class ActionSerializer(ProjectionSerializer):
    """One commitment of a published plan."""

    goal = serializers.UUIDField(source="outcome.goal_id")
    outcome = serializers.UUIDField(source="outcome_id")
    code = serializers.CharField(help_text="The portal’s lasting name of it, in the address of its page.")
    number = serializers.CharField(allow_null=True, help_text="As the city writes it: “1.1.2”.")
    title = serializers.CharField()
    details = serializers.CharField(allow_null=True)
    stage = serializers.ChoiceField(ActionStage.choices, allow_null=True)
    sectors = serializers.ListField(child=serializers.CharField())
    topics = serializers.ListField(child=serializers.CharField())
    status = serializers.ChoiceField(
        Action.Status.choices, allow_null=True, help_text="None: the city has not reported yet."
    )
    reason = serializers.CharField(allow_null=True, help_text="Why it stands like this.")
    next_step = serializers.CharField(allow_null=True)
    accountable = serializers.CharField(allow_null=True, help_text="Who answers for it.")
    start_date = serializers.DateField(allow_null=True)
    due_date = serializers.DateField(
        allow_null=True, help_text="The last day of what was promised: “June 2027” is 2027-06-30."
    )
    due_precision = serializers.ChoiceField(
        Precision.choices, allow_null=True, help_text="How exact the promise was."
    )
    is_continuous = serializers.BooleanField(help_text="Goes on without an end date.")
    last_update_on = serializers.DateField(allow_null=True)
    last_update_text = serializers.CharField(allow_null=True)
    position = serializers.IntegerField(help_text="Its place below the outcome.")


def annotate_visibility(model: type[Projection], audience: str, path: Any) -> QuerySet[Any]:
    """The rows of a public copy that `audience` may see, with the fields of ProjectionSerializer.

    `path` is an expression for the path of the row's page on the city's site. The launch of a site counts as a change
    of the rows that it makes visible.
    """
    is_public = Q(visibility=Visibility.PUBLIC)
    return model.objects.visible_to(audience).annotate(
        shared_with=Case(
            When(is_public, then=Value("public")), default=Value("members"), output_field=CharField()
        ),
        url=Case(When(is_public, then=rows.site("jurisdiction__slug", path))),
        shown_at=Greatest("changed_at", "jurisdiction__updated_at"),
    )


class ProjectionView(RowsView):
    """The rows of a public copy, `model`, with their pages at `path` on the city's site."""

    key = "uuid"
    model: ClassVar[type[Projection]]
    path: ClassVar[Any] = Value("/plan/")

    @classmethod
    def rows(cls, audience: str) -> QuerySet[Any]:
        return annotate_visibility(cls.model, audience, cls.path)


class Plans(ProjectionView):
    tag, model, serializer = "plans", PublicPlan, PlanSerializer


class PlanList(Plans, ListView):
    """Published plans, with how many of their actions stand how. Plans differ: do not rank them."""

    operation, summary, cursor = "list_plans", "Plans", BY_UUID
    filters = (
        JURISDICTION,
        choice("lifecycle", "In this state.", Plan.Lifecycle.values, lookup="lifecycle__in"),
        SINCE,
    )


class PlanDetail(Plans, DetailView):
    """One published plan."""

    operation, summary = "get_plan", "One plan"


class Goals(ProjectionView):
    tag, model, serializer = "goals", PublicGoal, GoalSerializer


class GoalList(Goals, ListView):
    """The goals of published plans."""

    operation, summary, cursor = "list_goals", "Goals", BY_UUID
    filters = (JURISDICTION, SECTOR, SINCE)


class GoalDetail(Goals, DetailView):
    """One goal of a published plan."""

    operation, summary = "get_goal", "One goal"


class Outcomes(ProjectionView):
    tag, model, serializer = "outcomes", PublicOutcome, OutcomeSerializer


class OutcomeList(Outcomes, ListView):
    """The outcomes of published plans: the changes that jurisdictions commit to cause."""

    operation, summary, cursor = "list_outcomes", "Outcomes", BY_UUID
    filters = (
        JURISDICTION,
        identity("goal", "Below these goals, by id.", lookup="goal_id__in"),
        STAGE,
        SINCE,
    )


class OutcomeDetail(Outcomes, DetailView):
    """One outcome of a published plan."""

    operation, summary = "get_outcome", "One outcome"


class Actions(ProjectionView):
    tag, model, serializer = "actions", PublicAction, ActionSerializer
    path = Concat(Value("/plan/actions/"), F("code"), Value("/"))  # PublicAction.path


class ActionList(Actions, ListView):
    """The actions of published plans: what was promised, by when, who answers, how it stands."""

    operation, summary, cursor = "list_actions", "Actions", BY_UUID
    filters = (
        JURISDICTION,
        identity("goal", "Below these goals, by id.", lookup="outcome__goal_id__in"),
        identity("outcome", "Below these outcomes, by id.", lookup="outcome_id__in"),
        choice(
            "status",
            "That stand like this; `none` for those without a report yet.",
            Action.Status.values,
            lookup="status__in",
            none="none",
        ),
        STAGE,
        SECTOR,
        slug("topic", "About one of these topics.", lookup="topics__overlap"),
        parameters.day("due_before", "Promised for a day before this one.", lookup="due_date__lt"),
        SINCE,
    )


class ActionDetail(Actions, DetailView):
    """One action of a published plan."""

    operation, summary = "get_action", "One action"
