-- Reviews of the last thirteen weeks that learner and assessor have not both signed, or not within half an hour.
-- Needs: the streams reviews and learners. What the numbers in "Status" mean is not settled: only dates count here.
WITH settings AS (
    SELECT
        (now() AT TIME ZONE 'Europe/London')::date AS today,
        13 AS weeks,
        30 AS minutes
),

held AS (
    SELECT
        "ID" AS review_id,
        "LearnerID" AS learner_id,
        nullif("AssessorID", 0) AS assessor_id,
        ("StartedOn" AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/London')::date AS held_on,
        nullif("AssessorSignedOn", TIMESTAMP '1900-01-01') AT TIME ZONE 'UTC' AS assessor_signed,
        nullif("LearnerSignedOn", TIMESTAMP '1900-01-01') AT TIME ZONE 'UTC' AS learner_signed
    FROM tap_onefile.reviews
    WHERE "StartedOn" > TIMESTAMP '1900-01-01'
),

judged AS (
    SELECT
        held.*,
        CASE
            WHEN assessor_signed IS NULL AND learner_signed IS NULL THEN 'nobody has signed'
            WHEN assessor_signed IS NULL THEN 'the assessor has not signed'
            WHEN learner_signed IS NULL THEN 'the learner has not signed'
            WHEN learner_signed > assessor_signed + settings.minutes * INTERVAL '1 minute' THEN 'the learner signed late'
            WHEN learner_signed < assessor_signed - settings.minutes * INTERVAL '1 minute' THEN 'the assessor signed late'
        END AS reason
    FROM held
    CROSS JOIN settings
    WHERE held_on BETWEEN settings.today - 7 * settings.weeks AND settings.today
)

SELECT
    judged.review_id,
    concat_ws(' ', learners."FirstName", learners."LastName") AS learner,
    -- A review has no assessor until one has signed.
    coalesce(judged.assessor_id, nullif(learners."DefaultAssessorID", 0)) AS assessor_id,
    judged.held_on,
    judged.reason,
    round(abs(extract(EPOCH FROM judged.learner_signed - judged.assessor_signed)) / 60) AS minutes_apart
FROM judged
LEFT JOIN tap_onefile.learners ON judged.learner_id = learners."ID"
WHERE judged.reason IS NOT NULL
ORDER BY judged.held_on, judged.review_id;
