-- When was each table last loaded? For PostgreSQL, as loaded by target-postgres; the oldest comes first.
-- organisations has records in every run: if it is older than a day, last night's run has failed or has not happened.
CREATE TEMPORARY TABLE IF NOT EXISTS freshness ("table" text, last_loaded timestamptz, records bigint);
TRUNCATE freshness;

DO $$
DECLARE
    name text;
BEGIN
    FOR name IN
        SELECT table_name FROM information_schema.columns
        WHERE table_schema = 'tap_onefile' AND column_name = '_sdc_batched_at'
    LOOP
        EXECUTE format(
            'INSERT INTO freshness SELECT %L, max(_sdc_batched_at) AT TIME ZONE ''UTC'', count(*) FROM tap_onefile.%I',
            name, name
        );
    END LOOP;
END $$;

SELECT
    "table",
    date_trunc('second', last_loaded AT TIME ZONE 'Europe/London') AS last_loaded,
    round(extract(epoch FROM now() - last_loaded) / 3600, 1) AS hours_ago,
    records
FROM freshness
ORDER BY last_loaded NULLS FIRST, "table";
