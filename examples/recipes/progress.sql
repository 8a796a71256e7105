-- Progress of each learner, compared with what it would be at an even pace from the start to the planned end.
-- Needs: the stream learners.
WITH settings AS (
    SELECT (now() AT TIME ZONE 'Europe/London')::date AS today
),

dated AS (
    SELECT
        "ID" AS learner_id,
        concat_ws(' ', "FirstName", "LastName") AS learner,
        (nullif("StartOn", TIMESTAMP '1900-01-01') AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/London')::date AS started,
        (nullif("PlannedEndDate", TIMESTAMP '1900-01-01') AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/London')::date
            AS planned_end,
        "Progress"::numeric AS progress
    FROM tap_onefile.learners
),

expected AS (
    SELECT
        dated.*,
        100 * least(1, greatest(0, (settings.today - started)::numeric / (planned_end - started))) AS expected
    FROM dated
    CROSS JOIN settings
    -- Learners without these dates are left out, as nothing can be expected of them.
    WHERE started < planned_end
)

SELECT
    learner_id,
    learner,
    started,
    planned_end,
    round(progress, 1) AS progress,
    round(expected, 1) AS expected,
    round(progress - expected, 1) AS ahead
FROM expected
ORDER BY progress - expected NULLS FIRST, learner_id;
