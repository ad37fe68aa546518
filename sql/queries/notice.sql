-- name: insert_notice
INSERT INTO notice (notice_id, force_id, notification_id, recipient_id, kind, sealed, key_id, written_at, run_id)
VALUES (CAST(:notice_id AS uuid), CAST(:force_id AS text), CAST(:notification_id AS uuid),
    CAST(:recipient_id AS uuid), CAST(:kind AS text), CAST(:sealed AS bytea), CAST(:key_id AS uuid),
    CAST(:written_at AS timestamptz), CAST(:run_id AS uuid))

-- name: notices
SELECT notice_id, notification_id, kind, sealed, key_id, written_at FROM notice
ORDER BY written_at DESC, notice_id LIMIT 50

-- name: notices_of
SELECT notice_id, notification_id, kind, sealed, key_id, written_at FROM notice
WHERE notification_id = CAST(:notification_id AS uuid) ORDER BY written_at, notice_id

-- name: to_nudge
SELECT notice_id, notification_id FROM notice
WHERE recipient_id = CAST(:recipient_id AS uuid) AND nudged_at IS NULL ORDER BY notice_id

-- name: set_nudged
UPDATE notice SET nudged_at = CAST(:nudged_at AS timestamptz)
WHERE notice_id = CAST(:notice_id AS uuid) AND nudged_at IS NULL
