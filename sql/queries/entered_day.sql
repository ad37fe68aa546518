-- name: standing_days
SELECT on_day, kind, reason, starts_at FROM entered_day WHERE removed_at IS NULL ORDER BY on_day

-- name: enter_day
INSERT INTO entered_day (entered_day_id, force_id, recipient_id, urn, on_day, kind, reason, starts_at, entered_by,
    entered_at)
SELECT CAST(:entered_day_id AS uuid), r.force_id, r.recipient_id, r.urn, CAST(:on_day AS date), CAST(:kind AS text),
    CAST(:reason AS text), CAST(:starts_at AS time), session_key_adult(), CAST(:entered_at AS timestamptz)
FROM recipient AS r WHERE r.recipient_id = session_recipient() AND r.urn IS NOT NULL
ON CONFLICT (force_id, urn, on_day, kind) WHERE removed_at IS NULL DO NOTHING

-- name: remove_days
UPDATE entered_day SET removed_by = session_key_adult(), removed_at = CAST(:removed_at AS timestamptz)
WHERE kind = CAST(:kind AS text) AND on_day BETWEEN CAST(:first AS date) AND CAST(:last AS date) AND removed_at IS NULL
RETURNING on_day

-- name: own_recipient
SELECT recipient_id FROM recipient WHERE recipient_id = session_recipient()
