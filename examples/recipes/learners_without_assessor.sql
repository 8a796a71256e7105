-- Learners without an assessor, or with one whom OneFile does not list.
-- Needs: the streams organisations, learners, assessors and trainee_assessors.
SELECT
    learners."ID" AS learner_id,
    concat_ws(' ', learners."FirstName", learners."LastName") AS learner,
    organisations."Name" AS organisation,
    CASE
        WHEN learners."DefaultAssessorID" <> 0 THEN 'no assessor has the id ' || learners."DefaultAssessorID"
        ELSE 'no assessor'
    END AS reason
FROM tap_onefile.learners
LEFT JOIN tap_onefile.organisations ON learners."OrganisationID" = organisations."ID"
WHERE NOT EXISTS (SELECT FROM tap_onefile.assessors WHERE assessors."ID" = learners."DefaultAssessorID")
    AND NOT EXISTS (SELECT FROM tap_onefile.trainee_assessors WHERE trainee_assessors."ID" = learners."DefaultAssessorID")
ORDER BY learner_id;
