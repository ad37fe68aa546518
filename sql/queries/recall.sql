-- name: insert_recall
INSERT INTO recall (recall_id, force_id, notification_id, duty_id, right_urn, sealed_reason, key_id, proposed_by,
    proposed_at)
VALUES (CAST(:recall_id AS uuid), CAST(:force_id AS text), CAST(:notification_id AS uuid), CAST(:duty_id AS uuid),
    CAST(:right_urn AS bigint), CAST(:sealed_reason AS bytea), CAST(:key_id AS uuid), CAST(:proposed_by AS text),
    CAST(:proposed_at AS timestamptz))
ON CONFLICT (notification_id, duty_id) WHERE withdrawn_at IS NULL DO NOTHING
RETURNING recall_id

-- name: open_recall
SELECT recall_id, right_urn, duty_id, proposed_by, proposed_at FROM recall
WHERE notification_id = CAST(:notification_id AS uuid) AND confirmed_at IS NULL AND withdrawn_at IS NULL
ORDER BY duty_id IS NOT NULL, proposed_at, recall_id LIMIT 1
FOR UPDATE

-- name: confirm_recall
UPDATE recall SET confirmed_by = CAST(:confirmed_by AS text), confirmed_at = CAST(:confirmed_at AS timestamptz)
WHERE recall_id = CAST(:recall_id AS uuid) AND confirmed_at IS NULL AND withdrawn_at IS NULL
RETURNING recall_id

-- name: withdraw_recall
UPDATE recall SET withdrawn_at = CAST(:withdrawn_at AS timestamptz)
WHERE notification_id = CAST(:notification_id AS uuid) AND confirmed_at IS NULL AND withdrawn_at IS NULL
RETURNING recall_id

-- name: views_of
SELECT e.actor_id, e.happened_at FROM audit_event AS e
WHERE e.subject_id = CAST(:notification_id AS uuid) AND e.action = 'notification_viewed'
ORDER BY e.event_id

-- name: reopen_phone_task
INSERT INTO phone_task (phone_task_id, force_id, notification_id, called, reason, opened_at, run_id)
VALUES (CAST(:phone_task_id AS uuid), CAST(:force_id AS text), CAST(:notification_id AS uuid), 'key_adult', 'recalled',
    CAST(:opened_at AS timestamptz), CAST(:run_id AS uuid))
ON CONFLICT (notification_id, called) DO UPDATE SET reason = 'recalled', opened_at = excluded.opened_at, withdrawn_at = NULL,
    run_id = excluded.run_id

-- name: insert_breach
INSERT INTO breach (breach_id, force_id, recall_id, notification_id, opened_at, report_by, key_id)
VALUES (CAST(:breach_id AS uuid), CAST(:force_id AS text), CAST(:recall_id AS uuid),
    CAST(:notification_id AS uuid), CAST(:opened_at AS timestamptz), CAST(:report_by AS timestamptz),
    CAST(:key_id AS uuid))

-- name: insert_breach_of_pupil
INSERT INTO breach (breach_id, force_id, notification_id, opened_at, report_by, opened_by, sealed_cause, key_id)
VALUES (CAST(:breach_id AS uuid), CAST(:force_id AS text), CAST(:notification_id AS uuid),
    CAST(:opened_at AS timestamptz), CAST(:report_by AS timestamptz), CAST(:opened_by AS text),
    CAST(:sealed_cause AS bytea), CAST(:key_id AS uuid))

-- name: breaches
SELECT b.breach_id, b.notification_id, q.code AS recipient, b.opened_at, b.report_by, b.outcome, b.closed_by, b.closed_at
FROM breach AS b JOIN notification AS n ON n.notification_id = b.notification_id
JOIN recipient AS q ON q.recipient_id = n.recipient_id
WHERE b.force_id = CAST(:force_id AS text)
ORDER BY (b.closed_at IS NOT NULL), b.report_by, b.breach_id

-- name: one_breach
SELECT b.breach_id, b.notification_id, q.code AS recipient, b.opened_at, b.report_by, b.outcome, b.closed_by, b.closed_at,
    r.recall_id, r.sealed_reason, coalesce(r.proposed_by, b.opened_by) AS proposed_by, r.confirmed_by, b.sealed_cause,
    b.sealed_outcome, b.key_id
FROM breach AS b
JOIN notification AS n ON n.notification_id = b.notification_id
JOIN recipient AS q ON q.recipient_id = n.recipient_id
LEFT JOIN recall AS r ON r.recall_id = b.recall_id
WHERE b.force_id = CAST(:force_id AS text) AND b.breach_id = CAST(:breach_id AS uuid)
FOR UPDATE OF b

-- name: close_breach
UPDATE breach SET outcome = CAST(:outcome AS text), sealed_outcome = CAST(:sealed_outcome AS bytea),
    closed_by = CAST(:closed_by AS text), closed_at = CAST(:closed_at AS timestamptz)
WHERE breach_id = CAST(:breach_id AS uuid) AND closed_at IS NULL
RETURNING breach_id

-- name: readable
SELECT n.notification_id, r.night, q.code AS recipient, coalesce(s.name, q.code) AS recipient_name, n.status,
    n.released_at, a.acknowledged_at
FROM notification AS n
JOIN run AS r ON r.run_id = n.run_id
JOIN recipient AS q ON q.recipient_id = n.recipient_id
LEFT JOIN school AS s ON s.force_id = q.force_id AND s.urn = q.urn
LEFT JOIN acknowledgement AS a ON a.notification_id = n.notification_id
WHERE n.force_id = CAST(:force_id AS text) AND n.status IN ('released', 'acknowledged')
    AND (CAST(:night AS date) IS NULL OR r.night = CAST(:night AS date))
    AND (CAST(:recipient AS text) IS NULL OR q.code = CAST(:recipient AS text))
ORDER BY r.night DESC, q.code, n.released_at, n.notification_id
LIMIT 1000

-- name: open_breaches
SELECT count(*) AS open_breaches FROM breach WHERE force_id = CAST(:force_id AS text) AND closed_at IS NULL
