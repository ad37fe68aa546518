-- name: pull_of_run
SELECT updated_from, updated_to FROM feed_pull WHERE run_id = CAST(:run_id AS uuid)

-- name: last_completed_to
SELECT max(updated_to) AS updated_to FROM feed_pull
WHERE force_id = CAST(:force_id AS text) AND completed_at IS NOT NULL AND updated_to < CAST(:before AS timestamptz)

-- name: open_pull
INSERT INTO feed_pull (run_id, force_id, updated_from, updated_to, way)
VALUES (CAST(:run_id AS uuid), CAST(:force_id AS text), CAST(:updated_from AS timestamptz),
    CAST(:updated_to AS timestamptz), CAST(:way AS text))
ON CONFLICT (run_id) DO NOTHING

-- name: record_announced
UPDATE feed_pull SET announced = CAST(:announced AS bigint) WHERE run_id = CAST(:run_id AS uuid)

-- name: record_newest
UPDATE feed_pull SET newest_at = CAST(:newest_at AS timestamptz) WHERE run_id = CAST(:run_id AS uuid)

-- name: complete_pull
UPDATE feed_pull SET completed_at = now() WHERE run_id = CAST(:run_id AS uuid) AND completed_at IS NULL

-- name: record_outcome
INSERT INTO feed_record (run_id, force_id, digest, occurrence, outcome)
VALUES (CAST(:run_id AS uuid), CAST(:force_id AS text), CAST(:digest AS bytea), CAST(:occurrence AS bigint),
    CAST(:outcome AS text))
ON CONFLICT (run_id, digest, occurrence) DO NOTHING

-- name: accepted_this_night
SELECT count(*) FROM feed_record AS f JOIN run AS r ON r.run_id = f.run_id
WHERE r.force_id = CAST(:force_id AS text) AND r.night = CAST(:night AS date)
    AND r.as_of <= CAST(:as_of AS timestamptz) AND f.outcome = 'accepted'

-- name: insert_quarantine
INSERT INTO quarantine (quarantine_id, force_id, run_id, source, line, path, reason, content_hash, sealed, key_id)
VALUES (CAST(:quarantine_id AS uuid), CAST(:force_id AS text), CAST(:run_id AS uuid), CAST(:source AS text),
    CAST(:line AS bigint), CAST(:path AS text), CAST(:reason AS text), CAST(:content_hash AS bytea), CAST(:sealed AS bytea),
    CAST(:key_id AS uuid))
ON CONFLICT (force_id, source, content_hash) DO NOTHING

-- name: quarantined
SELECT source, reason, count(*) AS records FROM quarantine
WHERE force_id = CAST(:force_id AS text) AND status = 'held'
GROUP BY source, reason ORDER BY source, reason

-- name: held_in_quarantine
SELECT quarantine_id, source, line, path, reason, recorded_at FROM quarantine
WHERE force_id = CAST(:force_id AS text) AND status = 'held'
ORDER BY recorded_at, source, line, quarantine_id

-- name: one_in_quarantine
SELECT quarantine_id, source, line, path, reason, recorded_at, status, sealed, key_id FROM quarantine
WHERE force_id = CAST(:force_id AS text) AND quarantine_id = CAST(:quarantine_id AS uuid)

-- name: resolve_quarantined
UPDATE quarantine SET status = CAST(:status AS text), resolved_by = CAST(:resolved_by AS text),
    resolved_at = CAST(:resolved_at AS timestamptz), sealed_resolution = CAST(:sealed_resolution AS bytea)
WHERE quarantine_id = CAST(:quarantine_id AS uuid) AND status = 'held'
RETURNING quarantine_id
