-- Placements and classrooms that are in use according to OneFile, but have no learner.
-- Needs: the streams organisations, learners, employers, observers, placements and classrooms.
WITH unused AS (
    SELECT
        'placement' AS kind,
        placements."ID" AS id,
        placements."OrganisationID" AS organisation_id,
        placements."Name" AS name,
        (SELECT count(*) FROM tap_onefile.employers WHERE employers."PlacementID" = placements."ID")
        + (SELECT count(*) FROM tap_onefile.observers WHERE observers."PlacementID" = placements."ID") AS other_people
    FROM tap_onefile.placements
    WHERE placements."Active" IS NOT FALSE
        AND NOT EXISTS (SELECT FROM tap_onefile.learners WHERE learners."PlacementID" = placements."ID")
    UNION ALL
    SELECT
        'classroom',
        classrooms."ID",
        classrooms."OrganisationID",
        classrooms."Name",
        NULL
    FROM tap_onefile.classrooms
    WHERE classrooms."Archive" IS NOT TRUE
        AND NOT EXISTS (SELECT FROM tap_onefile.learners WHERE learners."ClassroomID" = classrooms."ID")
)

SELECT unused.kind, unused.id, unused.name, organisations."Name" AS organisation, unused.other_people
FROM unused
LEFT JOIN tap_onefile.organisations ON unused.organisation_id = organisations."ID"
ORDER BY unused.kind, unused.id;
