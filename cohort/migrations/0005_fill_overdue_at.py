from django.db import migrations

# As cohort.projections.refresh writes them. What old code writes during the release is repaired by `rebuild_projections`.
OVERDUE_AT = """
    UPDATE cohort_publicaction AS action
    SET overdue_at = (action.due_date + 1)::timestamp AT TIME ZONE jurisdiction.timezone
    FROM cohort_publicplan AS plan JOIN tenants_jurisdiction AS jurisdiction ON jurisdiction.id = plan.jurisdiction_id
    WHERE plan.jurisdiction_id = action.jurisdiction_id AND plan.lifecycle <> 'draft' AND action.due_date < '9999-12-31'
      AND action.status NOT IN ('', 'completed', 'cancelled', 'merged')
      AND jurisdiction.timezone IN (SELECT name FROM pg_timezone_names)
"""
STATUS_COUNTS = """
    UPDATE cohort_publicplan AS plan
    SET at_risk = counts.at_risk, off_track = counts.off_track, on_hold = counts.on_hold
    FROM (SELECT jurisdiction_id,
            count(*) FILTER (WHERE status = 'at_risk') AS at_risk,
            count(*) FILTER (WHERE status = 'off_track') AS off_track,
            count(*) FILTER (WHERE status = 'on_hold') AS on_hold
          FROM cohort_publicaction GROUP BY jurisdiction_id) AS counts
    WHERE counts.jurisdiction_id = plan.jurisdiction_id
"""


class Migration(migrations.Migration):
    """Fill in the columns of the migration before for the plans that are shown already."""

    dependencies = [("cohort", "0004_overdue_at"), ("tenants", "0003_pagestamp")]

    operations = [migrations.RunSQL([OVERDUE_AT, STATUS_COUNTS], migrations.RunSQL.noop)]
