-- name: lock_records_of_force
SELECT pg_advisory_xact_lock(hashtextextended('records of ' || CAST(:force_id AS text), 0))

-- name: find_incident
SELECT incident_id, current_version, key_id FROM incident
WHERE force_id = CAST(:force_id AS text) AND reference_hash = CAST(:reference_hash AS bytea)
FOR UPDATE

-- name: insert_incident
INSERT INTO incident (incident_id, force_id, reference_hash, night, current_version, key_id)
VALUES (CAST(:incident_id AS uuid), CAST(:force_id AS text), CAST(:reference_hash AS bytea), CAST(:night AS date),
    1, CAST(:key_id AS uuid))

-- name: version_with_content
SELECT version, run_id FROM incident_version
WHERE incident_id = CAST(:incident_id AS uuid) AND content_hash = CAST(:content_hash AS bytea)

-- name: latest_version
SELECT max(version) AS version, max(updated_at) AS updated_at FROM incident_version
WHERE incident_id = CAST(:incident_id AS uuid)

-- name: insert_version
INSERT INTO incident_version (incident_id, version, force_id, run_id, updated_at, occurred_from, status,
    domestic_abuse, content_hash, sealed)
VALUES (CAST(:incident_id AS uuid), CAST(:version AS bigint), CAST(:force_id AS text), CAST(:run_id AS uuid),
    CAST(:updated_at AS timestamptz), CAST(:occurred_from AS timestamptz), CAST(:status AS text),
    CAST(:domestic_abuse AS boolean), CAST(:content_hash AS bytea), CAST(:sealed AS bytea))

-- name: set_current_version
UPDATE incident SET current_version = CAST(:version AS bigint) WHERE incident_id = CAST(:incident_id AS uuid)

-- name: upsert_involvement
INSERT INTO involvement (involvement_id, force_id, incident_id, person_hash, version, seen, spoken_to,
    voice_recorded, sealed)
VALUES (CAST(:involvement_id AS uuid), CAST(:force_id AS text), CAST(:incident_id AS uuid),
    CAST(:person_hash AS bytea), CAST(:version AS bigint), CAST(:seen AS boolean), CAST(:spoken_to AS boolean),
    CAST(:voice_recorded AS boolean), CAST(:sealed AS bytea))
ON CONFLICT (incident_id, person_hash) DO UPDATE SET
    version = excluded.version, is_named = true, seen = excluded.seen, spoken_to = excluded.spoken_to,
    voice_recorded = excluded.voice_recorded, sealed = excluded.sealed

-- name: involvement_ids
SELECT person_hash, involvement_id FROM involvement WHERE incident_id = CAST(:incident_id AS uuid)

-- name: unlisted_follow_version
UPDATE involvement SET version = CAST(:version AS bigint), is_named = false
WHERE incident_id = CAST(:incident_id AS uuid) AND NOT person_hash = ANY (CAST(:listed AS bytea[]))
RETURNING involvement_id

-- name: opened_sources
SELECT v.involvement_id, v.incident_id, v.is_named, v.sealed, i.key_id, iv.sealed AS incident_sealed, iv.version
FROM involvement AS v
JOIN incident AS i ON i.incident_id = v.incident_id
JOIN incident_version AS iv ON iv.incident_id = i.incident_id AND iv.version = i.current_version
WHERE v.involvement_id = ANY (CAST(:involvement_ids AS uuid[]))

-- name: insert_completeness
INSERT INTO completeness (incident_id, version, force_id, team, children, missing)
VALUES (CAST(:incident_id AS uuid), CAST(:version AS bigint), CAST(:force_id AS text), CAST(:team AS text),
    CAST(:children AS bigint), CAST(:missing AS jsonb))
ON CONFLICT DO NOTHING

-- name: completeness_of_night
SELECT i.incident_id, i.key_id, v.sealed, c.team, c.children, c.missing
FROM incident AS i
JOIN incident_version AS v ON v.incident_id = i.incident_id AND v.version = i.current_version
JOIN completeness AS c ON c.incident_id = i.incident_id AND c.version = i.current_version
WHERE i.force_id = CAST(:force_id AS text) AND i.night = CAST(:night AS date) AND v.status = 'active'
    AND v.domestic_abuse

-- name: involved_elsewhere
SELECT o.involvement_id
FROM involvement AS v
JOIN involvement AS o ON o.incident_id = v.incident_id AND o.involvement_id <> v.involvement_id
WHERE v.involvement_id = CAST(:involvement_id AS uuid) AND NOT EXISTS (
    SELECT 1 FROM duty AS d
    WHERE d.involvement_id = o.involvement_id AND d.recipient_id = CAST(:recipient_id AS uuid)
        AND d.withdrawn_at IS NULL
)
ORDER BY o.involvement_id
