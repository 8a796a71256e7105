-- Learners who are still in learning after their planned end.
-- Needs: the stream learners.
WITH settings AS (
    SELECT (now() AT TIME ZONE 'Europe/London')::date AS today
),

dated AS (
    SELECT
        "ID" AS learner_id,
        concat_ws(' ', "FirstName", "LastName") AS learner,
        "DefaultAssessorID" AS assessor_id,
        (nullif("PlannedEndDate", TIMESTAMP '1900-01-01') AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/London')::date
            AS planned_end,
        "Progress"::numeric AS progress
    FROM tap_onefile.learners
)

SELECT
    dated.learner_id,
    dated.learner,
    dated.assessor_id,
    dated.planned_end,
    settings.today - dated.planned_end AS days_past,
    round(dated.progress, 1) AS progress
FROM dated
CROSS JOIN settings
WHERE dated.planned_end < settings.today
ORDER BY days_past DESC, dated.learner_id;
