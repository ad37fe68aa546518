-- name: open_enrolments
SELECT row_hash, content_hash FROM enrolment
WHERE force_id = CAST(:force_id AS text) AND source = CAST(:source AS text) AND last_generation IS NULL

-- name: close_enrolments
UPDATE enrolment SET last_generation = CAST(:last_generation AS bigint)
WHERE force_id = CAST(:force_id AS text) AND source = CAST(:source AS text) AND last_generation IS NULL
    AND row_hash = ANY (CAST(:row_hashes AS bytea[]))
RETURNING enrolment_id

-- name: delete_keys_of_closed
DELETE FROM enrolment_key WHERE enrolment_id = ANY (CAST(:enrolment_ids AS uuid[]))

-- name: insert_pupils
INSERT INTO pupil (pupil_id, force_id, identity_hash)
SELECT p.pupil_id, CAST(:force_id AS text), p.identity_hash
FROM unnest(CAST(:pupil_ids AS uuid[]), CAST(:identity_hashes AS bytea[])) AS p (pupil_id, identity_hash)
ON CONFLICT (force_id, identity_hash) DO NOTHING

-- name: pupils_by_identity
SELECT identity_hash, pupil_id FROM pupil
WHERE force_id = CAST(:force_id AS text) AND identity_hash = ANY (CAST(:identity_hashes AS bytea[]))

-- name: insert_enrolments
INSERT INTO enrolment (enrolment_id, force_id, pupil_id, urn, source, row_hash, content_hash, enrol_status,
    entry_date, leaving_date, nc_year, sealed, key_id, first_generation)
SELECT e.enrolment_id, CAST(:force_id AS text), e.pupil_id, e.urn, CAST(:source AS text), e.row_hash,
    e.content_hash, e.enrol_status, e.entry_date, e.leaving_date, e.nc_year, e.sealed, CAST(:key_id AS uuid),
    CAST(:first_generation AS bigint)
FROM unnest(
    CAST(:enrolment_ids AS uuid[]), CAST(:pupil_ids AS uuid[]), CAST(:urns AS bigint[]),
    CAST(:row_hashes AS bytea[]), CAST(:content_hashes AS bytea[]), CAST(:enrol_statuses AS text[]),
    CAST(:entry_dates AS date[]), CAST(:leaving_dates AS date[]), CAST(:nc_years AS text[]),
    CAST(:sealed AS bytea[])
) AS e (enrolment_id, pupil_id, urn, row_hash, content_hash, enrol_status, entry_date, leaving_date, nc_year, sealed)

-- name: insert_enrolment_keys
INSERT INTO enrolment_key (force_id, key_hash, enrolment_id)
SELECT CAST(:force_id AS text), k.key_hash, k.enrolment_id
FROM unnest(CAST(:key_hashes AS bytea[]), CAST(:enrolment_ids AS uuid[])) AS k (key_hash, enrolment_id)
ON CONFLICT DO NOTHING

-- name: candidates
WITH hit AS MATERIALIZED (
    SELECT DISTINCT c.pupil_id
    FROM enrolment_key AS k JOIN enrolment AS c ON c.enrolment_id = k.enrolment_id
    WHERE k.force_id = CAST(:force_id AS text) AND k.key_hash = ANY (CAST(:key_hashes AS bytea[]))
    LIMIT CAST(:most AS bigint)
)
SELECT e.enrolment_id, e.pupil_id, e.urn, e.enrol_status, e.entry_date, e.leaving_date, e.nc_year, e.sealed, e.key_id
FROM hit JOIN enrolment AS e ON e.pupil_id = hit.pupil_id
WHERE e.force_id = CAST(:force_id AS text) AND e.last_generation IS NULL

-- name: analyse
SELECT analyse_rolls()

-- name: enrolment_at_school
SELECT enrolment_id, nc_year, sealed, key_id FROM enrolment
WHERE force_id = CAST(:force_id AS text) AND pupil_id = CAST(:pupil_id AS uuid) AND urn = CAST(:urn AS bigint)
    AND last_generation IS NULL
ORDER BY enrolment_id LIMIT 1
