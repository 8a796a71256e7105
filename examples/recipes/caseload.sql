-- How many learners each assessor looks after.
-- Needs: the streams organisations, learners, assessors and trainee_assessors.
WITH people AS (
    SELECT "ID", "OrganisationID", "FirstName", "LastName" FROM tap_onefile.assessors
    UNION ALL
    SELECT "ID", "OrganisationID", "FirstName", "LastName" FROM tap_onefile.trainee_assessors
)

SELECT
    organisations."Name" AS organisation,
    people."ID" AS assessor_id,
    concat_ws(' ', people."FirstName", people."LastName") AS assessor,
    count(learners."ID") AS learners
FROM people
LEFT JOIN tap_onefile.organisations ON people."OrganisationID" = organisations."ID"
LEFT JOIN tap_onefile.learners ON people."ID" = learners."DefaultAssessorID"
GROUP BY organisations."Name", people."ID", people."FirstName", people."LastName"
ORDER BY learners DESC, assessor_id;
