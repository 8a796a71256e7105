-- The table that match_with_mis.sql needs, created or emptied, to be loaded with the learners of the MIS.
CREATE SCHEMA IF NOT EXISTS mis;
CREATE TABLE IF NOT EXISTS mis.learners (misid text, uln text, email text, name text);
TRUNCATE mis.learners;
