-- Learners who have had no review for ten weeks.
-- Needs: the streams learners and reviews.
WITH settings AS (
    SELECT
        (now() AT TIME ZONE 'Europe/London')::date AS today,
        10 AS weeks
),

held AS (
    SELECT
        "LearnerID" AS learner_id,
        max(("StartedOn" AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/London')::date) AS last_review
    FROM tap_onefile.reviews
    CROSS JOIN settings
    WHERE "StartedOn" > TIMESTAMP '1900-01-01'
        AND ("StartedOn" AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/London')::date <= settings.today
    GROUP BY "LearnerID"
),

dated AS (
    SELECT
        "ID" AS learner_id,
        concat_ws(' ', "FirstName", "LastName") AS learner,
        "DefaultAssessorID" AS assessor_id,
        (nullif("StartOn", TIMESTAMP '1900-01-01') AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/London')::date AS started
    FROM tap_onefile.learners
)

SELECT
    dated.learner_id,
    dated.learner,
    dated.assessor_id,
    dated.started,
    held.last_review,
    settings.today - coalesce(held.last_review, dated.started) AS days_without
FROM dated
CROSS JOIN settings
LEFT JOIN held ON dated.learner_id = held.learner_id
-- Learners with neither a review nor a start are listed, too: nothing shows that no review was due.
WHERE coalesce(held.last_review, dated.started, DATE '1900-01-01') < settings.today - 7 * settings.weeks
ORDER BY days_without DESC NULLS FIRST, dated.learner_id;
