"""The cohort in the API: its jurisdictions and their published plans. Reads only the public copies."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import BooleanField, Case, CharField, F, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Greatest
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers

from cohort.labels import STAGES_FURTHEST_FIRST
from cohort.members import selectors
from cohort.models import Projection, PublicAction, PublicGoal, PublicOutcome, PublicPlan
from tenants.api.parameters import (
    UUID,
    AnyOfFilter,
    ApiFilterSet,
    ChoiceParameter,
    DateParameter,
    ParameterFilter,
    SlugParameter,
    StateParameter,
    UpdatedSinceFilter,
    UuidParameter,
)
from tenants.api.serializers import KEY, SHARED_WITH, RowSerializer, UtcDateTimeField, row_path, site_url
from tenants.api.views import ResourceViewSet
from tenants.models import ActionStage, Jurisdiction, Visibility
from tenants.plans.models import Action, Plan, Precision
from tenants.plans.standing import NO_STATUS, OVERDUE
from tenants.web.urlconf import city_path

STANDINGS = [*Action.Status.choices, (OVERDUE, "Overdue"), (NO_STATUS, "No status yet")]


# ---- Jurisdictions ------------------------------------------------------------------------------------------
class JurisdictionSerializer(RowSerializer):
    """A member of the alliance, also before its site is open: membership is public."""

    size = serializers.ChoiceField(
        Jurisdiction.PopulationBand.choices,
        source="population_band",
        allow_null=True,
        help_text="How many people live there.",
    )
    stage = serializers.ChoiceField(
        Jurisdiction.MembershipStage.choices, source="entry_stage", help_text="The stage it has reached."
    )
    is_open = serializers.BooleanField(help_text="Its public site has been launched.")
    url = serializers.URLField(allow_null=True, help_text="Its public site, once it is launched.")

    class Meta:
        model = Jurisdiction
        fields = (
            "slug", "name", "short_name", "kind", "state", "size", "stage", "tagline", "is_open", "is_sample", "url",
            "updated_at",
        )  # fmt: skip
        extra_kwargs = {
            "state": {"help_text": "Two letters, like MN."},
            "tagline": {"help_text": "In its own words."},
            "is_sample": {"help_text": "Not a real place."},
        }


class ApiJurisdictionFilterSet(ApiFilterSet):
    kind = AnyOfFilter(ChoiceParameter(Jurisdiction.Kind.values), "Cities, counties …", field_name="kind")
    state = AnyOfFilter(StateParameter(), "In these states.", field_name="state")
    size = AnyOfFilter(
        ChoiceParameter(Jurisdiction.PopulationBand.values), "Of this size.", field_name="population_band"
    )
    stage = AnyOfFilter(ChoiceParameter(STAGES_FURTHEST_FIRST), "This far along.", field_name="entry_stage")
    updated_since = UpdatedSinceFilter("updated_at")


@extend_schema_view(
    list=extend_schema(
        operation_id="list_jurisdictions", summary="Jurisdictions", description="The members of the alliance."
    ),
    retrieve=extend_schema(
        operation_id="get_jurisdiction", summary="One jurisdiction", description="One member of the alliance."
    ),
)
class JurisdictionViewSet(ResourceViewSet):
    serializer_class = JurisdictionSerializer
    filterset_class = ApiJurisdictionFilterSet
    lookup_field = "slug"

    def get_queryset(self) -> QuerySet[Any]:
        launched = Q(site_state=Jurisdiction.SiteState.LAUNCHED)
        return selectors.members().annotate(
            is_open=Case(When(launched, then=True), default=False, output_field=BooleanField()),
            url=Case(When(launched, then=site_url("slug", Value("/")))),
        )


# ---- Plans --------------------------------------------------------------------------------------------------
class ProjectionSerializer(RowSerializer):
    """The fields that every row of a published plan has."""

    id = serializers.UUIDField(source="uuid")
    jurisdiction = serializers.SlugField(source="jurisdiction_slug")
    shared_with = serializers.ChoiceField(SHARED_WITH)
    url = serializers.URLField(
        allow_null=True, help_text="Its page on the member’s site; none while only members may see it."
    )
    updated_at = UtcDateTimeField(source="shown_at", help_text="When this last changed or became visible.")

    shared_fields = ("id", "jurisdiction", "shared_with", "url", "updated_at")


def _standing_field(group: str, help_text: str = "") -> serializers.IntegerField:
    return serializers.IntegerField(
        source=f"count_by_standing.{group}", min_value=0, help_text=help_text or None
    )


class PlanSerializer(ProjectionSerializer):
    """A published plan with its numbers. Each action is counted once; cancelled and merged ones are `left_out`."""

    lifecycle = serializers.ChoiceField(Plan.Lifecycle.choices)
    on_track = _standing_field("on_track")
    at_risk = _standing_field("at_risk")
    off_track = _standing_field("off_track")
    overdue = _standing_field(
        "overdue", "Open with a status, past the due date: whatever the last report says."
    )
    on_hold = _standing_field("on_hold")
    needs_attention = _standing_field("needs_attention", "At risk, off track, overdue or on hold.")
    not_started = _standing_field("not_started")

    class Meta:
        model = PublicPlan
        fields = (
            *ProjectionSerializer.shared_fields, "title", "summary", "lifecycle", "period_start", "period_end",
            "adopted_on", "goals", "outcomes", "actions", "completed", "on_track", "at_risk", "off_track", "overdue",
            "on_hold", "needs_attention", "not_started", "no_status", "left_out", "last_update_on",
        )  # fmt: skip
        extra_kwargs = {
            "actions": {"help_text": "Without those left out."},
            "no_status": {"help_text": "No status is reported yet."},
            "left_out": {"help_text": "Cancelled or merged."},
        }


class GoalSerializer(ProjectionSerializer):
    """A goal of a published plan."""

    class Meta:
        model = PublicGoal
        fields = (*ProjectionSerializer.shared_fields, "label", "title", "sectors", "position")
        extra_kwargs = {
            "label": {"help_text": "As the member writes it: “Goal 1”."},
            "position": {"help_text": "Its position in the plan."},
        }


class OutcomeSerializer(ProjectionSerializer):
    """A change that the jurisdiction commits to cause."""

    goal = serializers.UUIDField(source="goal_id")

    class Meta:
        model = PublicOutcome
        fields = (*ProjectionSerializer.shared_fields, "goal", "label", "title", "stage", "position")
        extra_kwargs = {"position": {"help_text": "Its position in the goal."}}


class ActionSerializer(ProjectionSerializer):
    """One commitment of a published plan."""

    goal = serializers.UUIDField(source="goal_id")
    outcome = serializers.UUIDField(source="outcome_id")
    status = serializers.ChoiceField(
        Action.Status.choices, allow_null=True, help_text="As reported; none if nothing is reported yet."
    )
    standing = serializers.ChoiceField(
        STANDINGS,
        help_text=(
            "The group it is counted in now: its status; `overdue` if it has one, is open and past its due date, "
            "whatever the last report says; `none` if it has no status yet."
        ),
    )
    due_precision = serializers.ChoiceField(
        Precision.choices, allow_null=True, help_text="How exact the due date is."
    )

    class Meta:
        model = PublicAction
        fields = (
            *ProjectionSerializer.shared_fields, "goal", "outcome", "code", "number", "title", "details", "stage",
            "sectors", "topics", "status", "standing", "reason", "next_step", "accountable", "start_date", "due_date",
            "due_precision", "is_continuous", "last_update_on", "last_update_text", "position",
        )  # fmt: skip
        extra_kwargs = {
            "code": {"help_text": "The portal’s permanent name for it, used in the address of its page."},
            "number": {"help_text": "As the member writes it: “1.1.2”."},
            "reason": {"help_text": "The reason for the status."},
            "accountable": {"help_text": "The person or department responsible."},
            "due_date": {"help_text": "The last day of what was promised: “June 2027” is 2027-06-30."},
            "is_continuous": {"help_text": "Ongoing (no end date)."},
            "position": {"help_text": "Its position in the outcome."},
        }


def jurisdiction_filter() -> AnyOfFilter:
    return AnyOfFilter(SlugParameter(), "Of these jurisdictions, by slug.", field_name="jurisdiction__slug")


def stage_filter() -> AnyOfFilter:
    description = "With one of these strategies."
    return AnyOfFilter(ChoiceParameter(ActionStage.values), description, field_name="stage")


def sector_filter() -> AnyOfFilter:
    return AnyOfFilter(
        SlugParameter(), "Of one of these sectors.", field_name="sectors", lookup_expr="overlap"
    )


class StatusFilter(AnyOfFilter):
    """The reported status of an action; "none" stands for the empty one."""

    def filter(self, queryset: QuerySet[Any], values: list[str]) -> QuerySet[Any]:
        return super().filter(queryset, ["" if value == "none" else value for value in values or []])  # type: ignore[no-any-return]


class ApiPlanFilterSet(ApiFilterSet):
    key_pattern = UUID

    jurisdiction = jurisdiction_filter()
    lifecycle = AnyOfFilter(ChoiceParameter(Plan.Lifecycle.values), "In this state.", field_name="lifecycle")
    updated_since = UpdatedSinceFilter("shown_at")


class ApiGoalFilterSet(ApiFilterSet):
    key_pattern = UUID

    jurisdiction = jurisdiction_filter()
    sector = sector_filter()
    updated_since = UpdatedSinceFilter("shown_at")


class ApiOutcomeFilterSet(ApiFilterSet):
    key_pattern = UUID

    jurisdiction = jurisdiction_filter()
    goal = AnyOfFilter(UuidParameter(), "In these goals, by id.", field_name="goal_id")
    stage = stage_filter()
    updated_since = UpdatedSinceFilter("shown_at")


class ApiActionFilterSet(ApiFilterSet):
    key_pattern = UUID

    jurisdiction = jurisdiction_filter()
    goal = AnyOfFilter(UuidParameter(), "In these goals, by id.", field_name="outcome__goal_id")
    outcome = AnyOfFilter(UuidParameter(), "In these outcomes, by id.", field_name="outcome_id")
    status = StatusFilter(
        ChoiceParameter([*Action.Status.values, "none"]),
        "With this status in the last report; `none` for those without a report yet.",
    )
    standing = AnyOfFilter(
        ChoiceParameter([code for code, _label in STANDINGS]),
        "With this standing now: by status, but `overdue` past the due date.",
        field_name="standing",
    )
    stage = stage_filter()
    sector = sector_filter()
    topic = AnyOfFilter(
        SlugParameter(), "About one of these topics.", field_name="topics", lookup_expr="overlap"
    )
    due_before = ParameterFilter(
        DateParameter(help_text="Due before this date."),
        field_name="due_date",
        lookup_expr="lt",
    )
    updated_since = UpdatedSinceFilter("shown_at")


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
        jurisdiction_slug=F("jurisdiction__slug"),
        url=Case(When(is_public, then=site_url("jurisdiction__slug", path))),
        shown_at=Greatest("changed_at", "jurisdiction__updated_at"),
    )


def annotate_standing(actions: Any) -> QuerySet[Any]:
    """Actions with their standing; to become overdue counts as a change."""
    now = timezone.now()
    became_overdue = Case(When(overdue_at__lte=now, then="overdue_at"))
    return actions.with_standing(at=now).annotate(
        shown_at=Greatest("changed_at", "jurisdiction__updated_at", became_overdue)
    )


def annotate_plans(plans: Any) -> QuerySet[Any]:
    """Plans with what their counts need; that an action becomes overdue counts as a change."""
    return plans.with_overdue(with_last=True).annotate(
        shown_at=Greatest("changed_at", "jurisdiction__updated_at", "last_overdue_at")
    )


class ProjectionViewSet(ResourceViewSet):
    """The rows of a public copy, `model`, with their pages at `get_path` on the city's site."""

    lookup_field, lookup_url_kwarg = "uuid", "id"
    model: ClassVar[type[Projection]]

    def get_path(self) -> Combinable:
        return Value(city_path("dashboard:plan"))

    def get_queryset(self) -> QuerySet[Any]:
        return annotate_visibility(self.model, self.audience, self.get_path())


@extend_schema_view(
    list=extend_schema(
        operation_id="list_plans",
        summary="Plans",
        description="Published plans, with the number of their actions in each standing. Do not rank them.",
    ),
    retrieve=extend_schema(operation_id="get_plan", summary="One plan", description="One published plan."),
)
class PlanViewSet(ProjectionViewSet):
    model = PublicPlan
    serializer_class = PlanSerializer
    filterset_class = ApiPlanFilterSet

    def get_queryset(self) -> QuerySet[Any]:
        return annotate_plans(super().get_queryset())


@extend_schema_view(
    list=extend_schema(
        operation_id="list_goals", summary="Goals", description="The goals of published plans."
    ),
    retrieve=extend_schema(
        operation_id="get_goal", summary="One goal", description="One goal of a published plan."
    ),
)
class GoalViewSet(ProjectionViewSet):
    model = PublicGoal
    serializer_class = GoalSerializer
    filterset_class = ApiGoalFilterSet


@extend_schema_view(
    list=extend_schema(
        operation_id="list_outcomes",
        summary="Outcomes",
        description="The outcomes of published plans: the changes that jurisdictions commit to cause.",
    ),
    retrieve=extend_schema(
        operation_id="get_outcome", summary="One outcome", description="One outcome of a published plan."
    ),
)
class OutcomeViewSet(ProjectionViewSet):
    model = PublicOutcome
    serializer_class = OutcomeSerializer
    filterset_class = ApiOutcomeFilterSet


@extend_schema_view(
    list=extend_schema(
        operation_id="list_actions",
        summary="Actions",
        description=(
            "The actions of published plans: what was promised, who is responsible, the due date and the status."
        ),
    ),
    retrieve=extend_schema(
        operation_id="get_action", summary="One action", description="One action of a published plan."
    ),
)
class ActionViewSet(ProjectionViewSet):
    model = PublicAction
    serializer_class = ActionSerializer
    filterset_class = ApiActionFilterSet

    def get_path(self) -> Combinable:
        return row_path(PublicAction(code=KEY).path, "code")

    def get_queryset(self) -> QuerySet[Any]:
        return annotate_standing(super().get_queryset()).annotate(goal_id=F("outcome__goal_id"))
