-- Which learners are in OneFile, in the MIS, or in both, and what to do about each in OneFile.
-- Needs: the stream learners, and a table mis.learners with the columns misid, uln, email and name, all of them text.
WITH settings AS (
    SELECT
        NULL::bigint AS organisation_id, -- one organisation only; NULL for all
        TIMESTAMP '1900-01-01 00:00:00' AS seen_since -- when the last full refresh began, in UTC, to leave out deleted ones
),

onefile AS (
    SELECT
        learner."ID" AS id,
        learner."OrganisationID" AS organisation_id,
        concat_ws(' ', learner."FirstName", learner."LastName") AS name,
        learner."MISID" AS misid,
        nullif(upper(regexp_replace(learner."MISID", '[\s\u00A0]', '', 'g')), '') AS misid_key,
        substring(regexp_replace(learner."ULN", '\D', '', 'g') FROM '^(?!9{10})\d{10}$') AS uln_key,
        nullif(lower(regexp_replace(learner."Email", '[\s\u00A0]', '', 'g')), '') AS email_key
    FROM tap_onefile.learners AS learner
    CROSS JOIN settings
    WHERE (settings.organisation_id IS NULL OR learner."OrganisationID" = settings.organisation_id)
        AND learner._sdc_extracted_at >= settings.seen_since
),

mis AS (
    SELECT
        row_number() OVER () AS id,
        name,
        misid,
        nullif(upper(regexp_replace(misid, '[\s\u00A0]', '', 'g')), '') AS misid_key,
        substring(regexp_replace(uln, '\D', '', 'g') FROM '^(?!9{10})\d{10}$') AS uln_key,
        nullif(lower(regexp_replace(email, '[\s\u00A0]', '', 'g')), '') AS email_key
    FROM mis.learners
),

by_id AS (
    SELECT onefile.id AS onefile_id, mis.id AS mis_id, 'MISID' AS matched_by
    FROM onefile
    INNER JOIN mis ON onefile.misid_key = mis.misid_key
    UNION ALL
    SELECT onefile.id, mis.id, 'ULN'
    FROM onefile
    INNER JOIN mis ON onefile.uln_key = mis.uln_key
    WHERE (onefile.misid_key = mis.misid_key) IS NOT TRUE
),

-- People share addresses, so an e-mail address counts only between those whom no id matches to anybody.
candidates AS (
    SELECT * FROM by_id
    UNION ALL
    SELECT onefile.id, mis.id, 'email'
    FROM onefile
    INNER JOIN mis ON onefile.email_key = mis.email_key
    WHERE onefile.id NOT IN (SELECT onefile_id FROM by_id)
        AND mis.id NOT IN (SELECT mis_id FROM by_id)
),

pairs AS (
    SELECT
        *,
        count(*) OVER (PARTITION BY mis_id) AS learners_in_onefile,
        count(*) OVER (PARTITION BY onefile_id) AS learners_in_mis
    FROM candidates
),

doubled_in_onefile AS (
    SELECT misid_key FROM onefile WHERE misid_key IS NOT NULL GROUP BY misid_key HAVING count(*) > 1
),

doubled_in_mis AS (
    SELECT misid_key FROM mis WHERE misid_key IS NOT NULL GROUP BY misid_key HAVING count(*) > 1
),

judged AS (
    SELECT
        pairs.matched_by,
        onefile.id AS onefile_id,
        onefile.organisation_id,
        onefile.name AS onefile_name,
        onefile.misid AS onefile_misid,
        mis.name AS mis_name,
        mis.misid AS mis_misid,
        CASE
            WHEN pairs.learners_in_onefile > 1 THEN 'Check: fits several learners in OneFile'
            WHEN pairs.learners_in_mis > 1 THEN 'Check: fits several learners in the MIS'
            WHEN mis.misid_key IN (SELECT misid_key FROM doubled_in_mis) THEN 'Check: MISID is doubled in the MIS'
            WHEN mis.id IS NULL AND onefile.misid_key IN (SELECT misid_key FROM doubled_in_onefile)
                THEN 'Check: MISID is doubled in OneFile'
            WHEN mis.id IS NULL THEN 'Find: only in OneFile'
            WHEN mis.misid_key IS NULL THEN 'Check: no MISID in the MIS'
            WHEN onefile.id IS NULL THEN 'Add: only in the MIS'
            WHEN onefile.uln_key <> mis.uln_key THEN 'Check: ULNs differ'
            WHEN onefile.misid_key <> mis.misid_key AND pairs.matched_by = 'email' THEN 'Check: MISIDs differ'
            WHEN onefile.misid_key IS NULL THEN 'Set the MISID'
            WHEN onefile.misid_key <> mis.misid_key THEN 'Change the MISID'
            WHEN onefile.misid <> mis.misid THEN 'Spell the MISID as the MIS does'
            ELSE 'In order'
        END AS action
    FROM pairs
    FULL JOIN onefile ON pairs.onefile_id = onefile.id
    FULL JOIN mis ON pairs.mis_id = mis.id
)

SELECT action, matched_by, onefile_id, organisation_id, onefile_name, onefile_misid, mis_name, mis_misid
FROM judged
ORDER BY action = 'In order', action, onefile_id, mis_misid, mis_name;
