-- name: is_nudged
SELECT nudge_id FROM nudge_notification
WHERE notification_id = CAST(:notification_id AS uuid) AND key_adult_id = CAST(:key_adult_id AS uuid)
    AND channel = CAST(:channel AS text) AND rung = CAST(:rung AS text)

-- name: unsent_nudge
SELECT nudge_id FROM nudge
WHERE key_adult_id = CAST(:key_adult_id AS uuid) AND channel = CAST(:channel AS text)
    AND rung = CAST(:rung AS text) AND run_id = CAST(:run_id AS uuid) AND status = 'queued' AND attempts = 0
FOR UPDATE

-- name: insert_nudge
INSERT INTO nudge (nudge_id, force_id, recipient_id, key_adult_id, channel, rung, run_id, status, queued_at)
VALUES (CAST(:nudge_id AS uuid), CAST(:force_id AS text), CAST(:recipient_id AS uuid),
    CAST(:key_adult_id AS uuid), CAST(:channel AS text), CAST(:rung AS text), CAST(:run_id AS uuid), 'queued',
    CAST(:queued_at AS timestamptz))

-- name: insert_nudge_of_change
INSERT INTO nudge (nudge_id, force_id, recipient_id, key_adult_id, channel, rung, run_id, status, queued_at, change_id)
VALUES (CAST(:nudge_id AS uuid), CAST(:force_id AS text), CAST(:recipient_id AS uuid),
    CAST(:key_adult_id AS uuid), CAST(:channel AS text), CAST(:rung AS text), CAST(:run_id AS uuid), 'queued',
    CAST(:queued_at AS timestamptz), CAST(:change_id AS uuid))

-- name: link_notification
INSERT INTO nudge_notification (nudge_id, notification_id, force_id, key_adult_id, channel, rung)
VALUES (CAST(:nudge_id AS uuid), CAST(:notification_id AS uuid), CAST(:force_id AS text),
    CAST(:key_adult_id AS uuid), CAST(:channel AS text), CAST(:rung AS text))
ON CONFLICT DO NOTHING

-- name: session_id
SELECT pg_backend_pid()

-- name: lost_leases
UPDATE nudge SET status = 'ambiguous', lease_token = NULL, lease_until = NULL, lease_backend = NULL,
    last_reason = 'sender_lost', retry_after = clock_timestamp()
WHERE force_id = CAST(:force_id AS text) AND status = 'sending' AND (
    lease_until < clock_timestamp()
    OR NOT EXISTS (SELECT 1 FROM pg_stat_activity AS s WHERE s.pid = nudge.lease_backend)
)
RETURNING nudge_id

-- name: ambiguous_due
SELECT nudge_id, channel FROM nudge
WHERE force_id = CAST(:force_id AS text) AND status = 'ambiguous' AND resends < 1
    AND channel = ANY (CAST(:channels AS text[]))
    AND (retry_after IS NULL OR retry_after <= clock_timestamp())
ORDER BY queued_at, nudge_id LIMIT 500

-- name: ask_again
UPDATE nudge SET retry_after = clock_timestamp() + CAST(:wait AS interval)
WHERE nudge_id = CAST(:nudge_id AS uuid) AND status = 'ambiguous'

-- name: requeue_ambiguous
UPDATE nudge SET status = 'queued', resends = resends + 1, retry_after = NULL
WHERE nudge_id = CAST(:nudge_id AS uuid) AND status = 'ambiguous' AND resends < 1
RETURNING nudge_id

-- name: accept_ambiguous
UPDATE nudge SET status = 'accepted', accepted_at = clock_timestamp(), provider = CAST(:provider AS text),
    last_reason = NULL
WHERE nudge_id = CAST(:nudge_id AS uuid) AND status = 'ambiguous'
RETURNING nudge_id

-- name: next_queued
SELECT q.nudge_id, q.key_adult_id, q.channel, q.strikes, q.change_id FROM nudge AS q
WHERE q.force_id = CAST(:force_id AS text) AND q.status = 'queued' AND q.channel = ANY (CAST(:channels AS text[]))
    AND (q.retry_after IS NULL OR q.retry_after <= clock_timestamp())
    AND NOT EXISTS (
        SELECT 1 FROM channel_circuit AS c
        WHERE c.force_id = q.force_id AND c.channel = q.channel AND c.failures >= CAST(:opens_after AS bigint)
    )
ORDER BY q.queued_at, q.nudge_id
LIMIT 1 FOR UPDATE SKIP LOCKED

-- name: take_trial
UPDATE channel_circuit AS c SET open_until = clock_timestamp() + CAST(:lasts AS interval)
WHERE c.force_id = CAST(:force_id AS text) AND c.channel = ANY (CAST(:channels AS text[]))
    AND c.failures >= CAST(:opens_after AS bigint) AND c.open_until <= clock_timestamp()
    AND EXISTS (
        SELECT 1 FROM nudge AS q
        WHERE q.force_id = c.force_id AND q.channel = c.channel AND q.status = 'queued'
            AND (q.retry_after IS NULL OR q.retry_after <= clock_timestamp())
    )
RETURNING c.channel

-- name: next_on_trial
SELECT q.nudge_id, q.key_adult_id, q.channel, q.strikes, q.change_id FROM nudge AS q
WHERE q.force_id = CAST(:force_id AS text) AND q.status = 'queued' AND q.channel = ANY (CAST(:channels AS text[]))
    AND (q.retry_after IS NULL OR q.retry_after <= clock_timestamp())
ORDER BY q.strikes, q.queued_at, q.nudge_id
LIMIT 1 FOR UPDATE SKIP LOCKED

-- name: lease
UPDATE nudge SET status = 'sending', attempts = attempts + 1, lease_token = CAST(:lease_token AS uuid),
    lease_until = clock_timestamp() + CAST(:lasts AS interval), lease_backend = CAST(:session_id AS bigint)
WHERE nudge_id = CAST(:nudge_id AS uuid) AND status = 'queued'
RETURNING nudge_id

-- name: cancel
UPDATE nudge SET status = 'cancelled', last_reason = CAST(:reason AS text)
WHERE nudge_id = CAST(:nudge_id AS uuid) AND status = 'queued'
RETURNING nudge_id

-- name: complete
UPDATE nudge SET status = CAST(:status AS text), last_reason = CAST(:reason AS text), lease_token = NULL,
    lease_until = NULL, lease_backend = NULL, retry_after = clock_timestamp() + CAST(:wait AS interval),
    provider = CAST(:provider AS text),
    accepted_at = CASE WHEN CAST(:status AS text) = 'accepted' THEN clock_timestamp() ELSE accepted_at END
WHERE nudge_id = CAST(:nudge_id AS uuid) AND status = 'sending' AND lease_token = CAST(:lease_token AS uuid)
RETURNING nudge_id

-- name: put_back
UPDATE nudge SET status = 'queued', last_reason = CAST(:reason AS text), lease_token = NULL, lease_until = NULL,
    lease_backend = NULL, retry_after = clock_timestamp() + CAST(:wait AS interval),
    strikes = strikes + CAST(:strikes AS bigint),
    first_failed_at = CASE WHEN CAST(:strikes AS bigint) > 0 THEN coalesce(first_failed_at, clock_timestamp())
        ELSE first_failed_at END
WHERE nudge_id = CAST(:nudge_id AS uuid) AND status = 'sending' AND lease_token = CAST(:lease_token AS uuid)
RETURNING nudge_id

-- name: channel_served_others
SELECT EXISTS (
    SELECT 1 FROM nudge AS o JOIN nudge AS q ON q.force_id = o.force_id AND q.channel = o.channel
    WHERE q.nudge_id = CAST(:nudge_id AS uuid) AND o.accepted_at > q.first_failed_at
)

-- name: deadline
SELECT min(d.duty_by) AS duty_by
FROM nudge_notification AS nn
JOIN notification_part AS np ON np.notification_id = nn.notification_id
JOIN duty AS d ON d.duty_id = np.duty_id
WHERE nn.nudge_id = CAST(:nudge_id AS uuid) AND d.withdrawn_at IS NULL

-- name: count_failure
INSERT INTO channel_circuit (force_id, channel, failures, open_until)
VALUES (CAST(:force_id AS text), CAST(:channel AS text), 1,
    CASE WHEN CAST(:opens_after AS bigint) <= 1 THEN clock_timestamp() + CAST(:rests_for AS interval) END)
ON CONFLICT (force_id, channel) DO UPDATE SET failures = channel_circuit.failures + 1,
    open_until = CASE WHEN channel_circuit.failures + 1 >= CAST(:opens_after AS bigint)
        THEN clock_timestamp() + CAST(:rests_for AS interval) END

-- name: close_circuit
UPDATE channel_circuit SET failures = 0, open_until = NULL
WHERE force_id = CAST(:force_id AS text) AND channel = CAST(:channel AS text) AND failures > 0

-- name: next_due
SELECT min(greatest(coalesce(q.retry_after, t.now), coalesce(c.open_until, t.now)) - t.now) AS due_in
FROM nudge AS q
CROSS JOIN (SELECT clock_timestamp() AS now) AS t
LEFT JOIN channel_circuit AS c ON c.force_id = q.force_id AND c.channel = q.channel AND q.status = 'queued'
WHERE q.force_id = CAST(:force_id AS text) AND q.channel = ANY (CAST(:channels AS text[]))
    AND (q.status = 'queued' OR (q.status = 'ambiguous' AND q.resends < 1))

-- name: lock_notifications
SELECT n.notification_id FROM notification AS n
JOIN nudge_notification AS nn ON nn.notification_id = n.notification_id
WHERE nn.nudge_id = CAST(:nudge_id AS uuid) ORDER BY n.notification_id FOR NO KEY UPDATE OF n

-- name: unreachable
SELECT nn.notification_id FROM nudge_notification AS nn
JOIN notification AS n ON n.notification_id = nn.notification_id
WHERE nn.nudge_id = CAST(:nudge_id AS uuid) AND n.status = 'released'
    AND NOT EXISTS (
        SELECT 1 FROM nudge_notification AS other JOIN nudge AS o ON o.nudge_id = other.nudge_id
        WHERE other.notification_id = nn.notification_id AND o.status NOT IN ('failed', 'cancelled')
    )
ORDER BY nn.notification_id

-- name: insert_receipt
INSERT INTO receipt (receipt_id, force_id, nudge_id, kind, provider_reference, received_at)
VALUES (CAST(:receipt_id AS uuid), CAST(:force_id AS text), CAST(:nudge_id AS uuid), CAST(:kind AS text),
    CAST(:provider_reference AS text), CAST(:received_at AS timestamptz))
ON CONFLICT (nudge_id, kind) DO NOTHING

-- name: counts
SELECT status, count(*) AS nudges FROM nudge
WHERE force_id = CAST(:force_id AS text) GROUP BY status ORDER BY status

-- name: waiting
SELECT channel, count(*) AS nudges FROM nudge
WHERE force_id = CAST(:force_id AS text) AND status = 'queued' GROUP BY channel ORDER BY channel

-- name: ended_of_night
SELECT n.channel, n.last_reason, count(*) AS nudges FROM nudge AS n JOIN run AS r ON r.run_id = n.run_id
WHERE n.force_id = CAST(:force_id AS text) AND r.night = CAST(:night AS date)
    AND n.status IN ('failed', 'cancelled')
GROUP BY n.channel, n.last_reason ORDER BY n.channel, n.last_reason
