-- Off-the-job hours done, compared with the plan, and with the part of it that would be done by now at an even pace.
-- Needs: the streams learners and off_the_job.
WITH settings AS (
    SELECT (now() AT TIME ZONE 'Europe/London')::date AS today
),

dated AS (
    SELECT
        "ID" AS learner_id,
        concat_ws(' ', "FirstName", "LastName") AS learner,
        (nullif("StartOn", TIMESTAMP '1900-01-01') AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/London')::date AS started,
        (nullif("PlannedEndDate", TIMESTAMP '1900-01-01') AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/London')::date
            AS planned_end
    FROM tap_onefile.learners
),

hours AS (
    SELECT
        dated.learner_id,
        dated.learner,
        off_the_job."PlannedOTJ"::numeric AS planned,
        off_the_job."MinimumOTJ"::numeric AS minimum,
        coalesce(off_the_job."CachedActualHours"::numeric, 0) AS done,
        CASE
            WHEN dated.started < dated.planned_end THEN
                off_the_job."PlannedOTJ"::numeric
                * least(1, greatest(0, (settings.today - dated.started)::numeric / (dated.planned_end - dated.started)))
        END AS due
    FROM tap_onefile.off_the_job
    INNER JOIN dated ON off_the_job."ID" = dated.learner_id
    CROSS JOIN settings
    WHERE off_the_job."PlannedOTJ" > 0
)

SELECT
    learner_id,
    learner,
    round(planned, 1) AS planned,
    round(minimum, 1) AS minimum,
    round(done, 1) AS done,
    round(due, 1) AS due_by_now,
    round(done - due, 1) AS ahead
FROM hours
ORDER BY done - due NULLS LAST, learner_id;
