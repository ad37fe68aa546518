-- name: insert_nudge
INSERT INTO nudge (nudge_id, force_id, recipient_id, key_adult_id, channel, rung, run_id, status, queued_at)
VALUES (CAST(:nudge_id AS uuid), CAST(:force_id AS text), CAST(:recipient_id AS uuid),
    CAST(:key_adult_id AS uuid), 'email', CAST(:rung AS text), CAST(:run_id AS uuid), 'queued', CAST(:queued_at AS timestamptz))
ON CONFLICT (key_adult_id, channel, rung, run_id) DO NOTHING

-- name: is_nudged
SELECT nudge_id FROM nudge_notification
WHERE notification_id = CAST(:notification_id AS uuid) AND key_adult_id = CAST(:key_adult_id AS uuid)
    AND channel = 'email' AND rung = CAST(:rung AS text)

-- name: nudge_of_adult
SELECT nudge_id FROM nudge
WHERE key_adult_id = CAST(:key_adult_id AS uuid) AND channel = 'email' AND rung = CAST(:rung AS text)
    AND run_id = CAST(:run_id AS uuid)

-- name: link_notification
INSERT INTO nudge_notification (nudge_id, notification_id, force_id, key_adult_id, channel, rung)
VALUES (CAST(:nudge_id AS uuid), CAST(:notification_id AS uuid), CAST(:force_id AS text),
    CAST(:key_adult_id AS uuid), 'email', CAST(:rung AS text))
ON CONFLICT DO NOTHING

-- name: lost_leases
UPDATE nudge SET status = 'ambiguous', lease_token = NULL, lease_until = NULL, lease_backend = NULL,
    last_reason = 'sender_lost'
WHERE force_id = CAST(:force_id AS text) AND status = 'sending' AND (
    lease_until < clock_timestamp()
    OR NOT EXISTS (SELECT 1 FROM pg_stat_activity AS s WHERE s.pid = nudge.lease_backend)
)
RETURNING nudge_id

-- name: requeue_ambiguous
UPDATE nudge SET status = 'queued', resends = resends + 1
WHERE force_id = CAST(:force_id AS text) AND status = 'ambiguous' AND resends < 1
RETURNING nudge_id

-- name: lease
UPDATE nudge SET status = 'sending', attempts = attempts + 1, lease_token = CAST(:lease_token AS uuid),
    lease_until = clock_timestamp() + CAST(:lasts AS interval), lease_backend = pg_backend_pid()
WHERE nudge_id = (
    SELECT q.nudge_id FROM nudge AS q
    WHERE q.force_id = CAST(:force_id AS text) AND q.status = 'queued'
        AND (q.retry_after IS NULL OR q.retry_after <= clock_timestamp())
    ORDER BY q.queued_at, q.nudge_id
    LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING nudge_id, key_adult_id, attempts

-- name: complete
UPDATE nudge SET status = CAST(:status AS text), last_reason = CAST(:reason AS text), lease_token = NULL,
    lease_until = NULL, lease_backend = NULL, retry_after = clock_timestamp() + CAST(:wait AS interval)
WHERE nudge_id = CAST(:nudge_id AS uuid) AND status = 'sending' AND lease_token = CAST(:lease_token AS uuid)
RETURNING nudge_id

-- name: insert_receipt
INSERT INTO receipt (receipt_id, force_id, nudge_id, kind, provider_reference, received_at)
VALUES (CAST(:receipt_id AS uuid), CAST(:force_id AS text), CAST(:nudge_id AS uuid), CAST(:kind AS text),
    CAST(:provider_reference AS text), CAST(:received_at AS timestamptz))
ON CONFLICT (nudge_id, kind) DO NOTHING

-- name: counts
SELECT status, count(*) AS nudges FROM nudge
WHERE force_id = CAST(:force_id AS text) GROUP BY status ORDER BY status
