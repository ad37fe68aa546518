-- name: blocks
SELECT w.key_hash, b.enrolment_nos
FROM (
    SELECT substring(CAST(:key_hashes AS bytea) FROM n.i * 8 + 1 FOR 8) AS key_hash
    FROM generate_series(0, length(CAST(:key_hashes AS bytea)) / 8 - 1) AS n (i)
) AS w
CROSS JOIN LATERAL (
    SELECT array_agg(k.enrolment_no) AS enrolment_nos
    FROM (
        SELECT enrolment_no FROM enrolment_key WHERE key_hash = w.key_hash LIMIT CAST(:most AS bigint) + 1
    ) AS k
) AS b
WHERE b.enrolment_nos IS NOT NULL

-- name: rows_of_pupils
SELECT e.enrolment_no, e.enrolment_id, e.pupil_id, e.urn, e.source, e.enrol_status, e.entry_date, e.leaving_date,
    e.sealed, e.key_id
FROM (
    SELECT DISTINCT c.pupil_id
    FROM unnest(CAST(CAST(:enrolment_nos AS text) AS bigint[])) AS w (enrolment_no)
    JOIN enrolment AS c ON c.enrolment_no = w.enrolment_no
    WHERE c.force_id = CAST(:force_id AS text)
) AS p
JOIN enrolment AS e ON e.force_id = CAST(:force_id AS text) AND e.pupil_id = p.pupil_id
    AND e.last_generation IS NULL

-- name: rows_of_pupil
SELECT enrolment_no, enrolment_id, pupil_id, urn, source, enrol_status, entry_date, leaving_date, sealed, key_id
FROM enrolment
WHERE force_id = CAST(:force_id AS text) AND pupil_id = ANY (CAST(:pupil_ids AS uuid[])) AND last_generation IS NULL

-- name: frequencies
SELECT f.value_hash, f.pupils
FROM generate_series(0, length(CAST(:value_hashes AS bytea)) / 8 - 1) AS n (i)
JOIN roll_frequency AS f ON f.value_hash = substring(CAST(:value_hashes AS bytea) FROM n.i * 8 + 1 FOR 8)
    AND f.force_id = CAST(:force_id AS text) AND f.kind = CAST(:kind AS text)

-- name: rolls_as_a_whole
SELECT CAST(coalesce(sum(pupils) FILTER (WHERE kind = 'row'), 0) AS bigint) AS pupils,
    CAST(coalesce(sum(pupils) FILTER (WHERE kind = 'born'), 0) AS bigint) AS dated,
    CAST(coalesce(sum(pupils * (pupils - 1)) FILTER (WHERE kind = 'born'), 0) AS bigint) AS same_birth_date
FROM roll_frequency
WHERE force_id = CAST(:force_id AS text) AND kind IN ('row', 'born')

-- name: sources_confirmed
SELECT source, max(confirmed_at) AS confirmed_at FROM generation
WHERE force_id = CAST(:force_id AS text) AND kind = 'roll'
GROUP BY source
