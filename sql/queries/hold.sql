-- name: held
SELECT n.notification_id, r.code AS recipient, n.hold_kinds, n.hold_until, n.prepared_at, min(d.duty_by) AS duty_by,
    (SELECT h.outcome FROM hold_decision AS h
     WHERE h.notification_id = n.notification_id AND h.confirmed_at IS NULL AND h.withdrawn_at IS NULL) AS proposed
FROM notification AS n
JOIN notification_part AS np ON np.notification_id = n.notification_id AND np.ended_at IS NULL
JOIN duty AS d ON d.duty_id = np.duty_id
JOIN recipient AS r ON r.recipient_id = n.recipient_id
WHERE n.force_id = CAST(:force_id AS text) AND n.status = 'held'
GROUP BY n.notification_id, r.recipient_id
ORDER BY min(d.duty_by), n.notification_id

-- name: overdue
SELECT EXISTS (
    SELECT 1 FROM notification
    WHERE force_id = CAST(:force_id AS text) AND status = 'held' AND NOT 'police' = ANY (hold_kinds)
        AND hold_until <= CAST(:as_of AS timestamptz)
)

-- name: night_of
SELECT r.night FROM notification AS n JOIN run AS r ON r.run_id = n.run_id
WHERE n.force_id = CAST(:force_id AS text) AND n.notification_id = CAST(:notification_id AS uuid)

-- name: insert_decision
INSERT INTO hold_decision (decision_id, force_id, notification_id, outcome, needs_two, sealed_reason, key_id,
    proposed_by, proposed_at)
VALUES (CAST(:decision_id AS uuid), CAST(:force_id AS text), CAST(:notification_id AS uuid),
    CAST(:outcome AS text), CAST(:needs_two AS boolean), CAST(:sealed_reason AS bytea), CAST(:key_id AS uuid),
    CAST(:proposed_by AS text), CAST(:proposed_at AS timestamptz))
ON CONFLICT (notification_id) WHERE confirmed_at IS NULL AND withdrawn_at IS NULL DO NOTHING
RETURNING decision_id

-- name: open_decision
SELECT decision_id, outcome, needs_two, proposed_by FROM hold_decision
WHERE notification_id = CAST(:notification_id AS uuid) AND confirmed_at IS NULL AND withdrawn_at IS NULL
FOR UPDATE

-- name: confirm_decision
UPDATE hold_decision SET confirmed_by = CAST(:confirmed_by AS text), confirmed_at = CAST(:confirmed_at AS timestamptz)
WHERE decision_id = CAST(:decision_id AS uuid) AND confirmed_at IS NULL AND withdrawn_at IS NULL
RETURNING decision_id

-- name: withdraw_decision
UPDATE hold_decision SET withdrawn_at = CAST(:withdrawn_at AS timestamptz)
WHERE notification_id = CAST(:notification_id AS uuid) AND confirmed_at IS NULL AND withdrawn_at IS NULL
RETURNING decision_id
