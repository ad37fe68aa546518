-- name: is_held
SELECT EXISTS (
    SELECT 1 FROM enrolment
    WHERE force_id = CAST(:force_id AS text) AND urn = CAST(:urn AS bigint) AND last_generation IS NULL
)

-- name: open_enrolments
SELECT coalesce(string_agg(row_hash || content_hash, ''), '') FROM enrolment
WHERE force_id = CAST(:force_id AS text) AND source = CAST(:source AS text) AND last_generation IS NULL

-- name: close_enrolments
WITH closed AS (
    UPDATE enrolment SET last_generation = CAST(:last_generation AS bigint)
    WHERE force_id = CAST(:force_id AS text) AND source = CAST(:source AS text) AND last_generation IS NULL
        AND row_hash = ANY (CAST(:row_hashes AS bytea[]))
    RETURNING enrolment_no, key_hashes, forename_hashes, surname_hashes, born_hashes
),
unkeyed AS (
    DELETE FROM enrolment_key WHERE ctid = ANY (ARRAY(
        SELECT k.ctid
        FROM closed AS c
        CROSS JOIN generate_series(0, length(c.key_hashes) / 8 - 1) AS n (i)
        CROSS JOIN LATERAL (
            SELECT e.ctid FROM enrolment_key AS e
            WHERE e.key_hash = substring(c.key_hashes FROM n.i * 8 + 1 FOR 8) AND e.enrolment_no = c.enrolment_no
            LIMIT 1
        ) AS k
    ))
),
gone AS (
    SELECT v.kind, substring(v.hashes FROM n.i * 8 + 1 FOR 8) AS value_hash, count(*) AS pupils
    FROM closed AS c
    CROSS JOIN LATERAL (
        VALUES ('forename', c.forename_hashes), ('surname', c.surname_hashes),
            ('born', substring(c.born_hashes FROM 1 FOR 8)), ('year', substring(c.born_hashes FROM 9)), ('row', CAST('\x0000000000000000' AS bytea))
    ) AS v (kind, hashes)
    CROSS JOIN generate_series(0, length(v.hashes) / 8 - 1) AS n (i)
    GROUP BY v.kind, value_hash
),
counted AS (
    UPDATE roll_frequency AS f SET pupils = f.pupils - g.pupils
    FROM gone AS g
    WHERE f.force_id = CAST(:force_id AS text) AND f.kind = g.kind AND f.value_hash = g.value_hash
)
SELECT count(*) FROM closed

-- name: stage_rows
CREATE TEMPORARY TABLE staged_enrolment (
    enrolment_id uuid, identity_hash bytea, new_pupil_id uuid, urn bigint, row_hash bytea, content_hash bytea,
    enrol_status text, entry_date date, leaving_date date, nc_year text, sealed bytea, key_hashes bytea,
    forename_hashes bytea, surname_hashes bytea, born_hashes bytea
) ON COMMIT DROP

-- name: sort_in_memory
-- The keys of each part of a roll are put in order for their index: with the usual 4 MB they went through a file.
SELECT set_config('work_mem', '64MB', true)

-- name: copy_rows
COPY staged_enrolment FROM STDIN (FORMAT binary)

-- name: clear_staged
TRUNCATE staged_enrolment

-- name: unstage_rows
DROP TABLE staged_enrolment

-- name: insert_staged_pupils
INSERT INTO pupil (pupil_id, force_id, identity_hash)
SELECT DISTINCT ON (s.identity_hash) s.new_pupil_id, CAST(:force_id AS text), s.identity_hash
FROM staged_enrolment AS s
ON CONFLICT (force_id, identity_hash) DO NOTHING

-- name: insert_staged_enrolments
WITH opened AS (
    INSERT INTO enrolment (enrolment_id, force_id, pupil_id, urn, source, row_hash, content_hash, enrol_status,
        entry_date, leaving_date, nc_year, sealed, key_hashes, forename_hashes, surname_hashes, born_hashes, key_id,
        first_generation)
    SELECT e.enrolment_id, CAST(:force_id AS text), p.pupil_id, e.urn, CAST(:source AS text), e.row_hash,
        e.content_hash, e.enrol_status, e.entry_date, e.leaving_date, e.nc_year, e.sealed, e.key_hashes,
        e.forename_hashes, e.surname_hashes, e.born_hashes, CAST(:key_id AS uuid), CAST(:first_generation AS bigint)
    FROM staged_enrolment AS e
    -- One look at the index a row, whatever is known of the table: joined freely, every part read all pupils.
    CROSS JOIN LATERAL (
        SELECT pupil_id FROM pupil
        WHERE force_id = CAST(:force_id AS text) AND identity_hash = e.identity_hash
        OFFSET 0
    ) AS p
    RETURNING enrolment_no, key_hashes
)
INSERT INTO enrolment_key (key_hash, enrolment_no)
SELECT substring(o.key_hashes FROM n.i * 8 + 1 FOR 8) AS key_hash, o.enrolment_no
FROM opened AS o CROSS JOIN generate_series(0, length(o.key_hashes) / 8 - 1) AS n (i)
ORDER BY key_hash

-- name: count_values
INSERT INTO roll_frequency AS f (force_id, kind, value_hash, pupils)
SELECT CAST(:force_id AS text), CAST(:kind AS text),
    substring(CAST(:value_hashes AS bytea) FROM CAST(c.i AS integer) * 8 - 7 FOR 8), c.pupils
FROM unnest(CAST(:pupils AS bigint[])) WITH ORDINALITY AS c (pupils, i)
ON CONFLICT (force_id, kind, value_hash) DO UPDATE SET pupils = f.pupils + excluded.pupils

-- name: first_load_begins
SELECT first_load_begins()

-- name: first_load_ends
SELECT first_load_ends()

-- name: analyse_if_many
-- What PostgreSQL knows of the tables still holds after a night's usual change, which autovacuum sees to. A row that
-- changed was closed and opened, and counts twice.
SELECT analyse_rolls() FROM (
    SELECT coalesce(sum(pupils), 0) AS pupils FROM roll_frequency
    WHERE force_id = CAST(:force_id AS text) AND kind = 'row'
) AS held
WHERE CAST(:changed AS bigint) * 20 > held.pupils

-- name: enrolment_at_school
SELECT enrolment_id, nc_year, sealed, key_id FROM enrolment
WHERE force_id = CAST(:force_id AS text) AND pupil_id = CAST(:pupil_id AS uuid) AND urn = CAST(:urn AS bigint)
    AND last_generation IS NULL
ORDER BY enrolment_id LIMIT 1
