-- Learners deleted or archived in OneFile: the last run, which looked for all of them, no longer found them.
-- Needs: the streams organisations and learners, and a run that has just succeeded and read learners in full, as by default.
WITH last_run AS (
    SELECT
        (SELECT max(_sdc_sync_started_at) FROM tap_onefile.learners) AS of_learners,
        (SELECT max(_sdc_sync_started_at) FROM tap_onefile.organisations) AS of_organisations
)

SELECT
    learners."ID" AS learner_id,
    concat_ws(' ', learners."FirstName", learners."LastName") AS learner,
    learners."MISID" AS misid,
    organisations."Name" AS organisation,
    (learners._sdc_extracted_at AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/London')::date AS last_found
FROM tap_onefile.learners
CROSS JOIN last_run
-- Learners of organisations that the run left out cannot be judged.
INNER JOIN tap_onefile.organisations
    ON learners."OrganisationID" = organisations."ID"
    AND organisations._sdc_sync_started_at = last_run.of_organisations
WHERE learners._sdc_sync_started_at < last_run.of_learners
ORDER BY learner_id;
