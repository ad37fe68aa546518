-- name: recipients_with_untold_duties
SELECT DISTINCT d.recipient_id, r.code
FROM duty AS d JOIN recipient AS r ON r.recipient_id = d.recipient_id
WHERE d.force_id = CAST(:force_id AS text) AND d.withdrawn_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM notification_part AS np WHERE np.duty_id = d.duty_id AND np.ended_at IS NULL)
ORDER BY r.code

-- name: recipients_to_look_at_again
SELECT DISTINCT r.recipient_id, r.code
FROM recipient AS r
JOIN notification AS n ON n.recipient_id = r.recipient_id
WHERE r.force_id = CAST(:force_id AS text) AND (
    (n.status = 'held' AND 'police' = ANY (n.hold_kinds) AND n.hold_until <= CAST(:as_of AS timestamptz))
    OR EXISTS (SELECT 1 FROM notice AS t WHERE t.notification_id = n.notification_id AND t.nudged_at IS NULL)
    OR (n.status IN ('held', 'released', 'acknowledged') AND EXISTS (
        SELECT 1 FROM notification_part AS np
        JOIN duty AS d ON d.duty_id = np.duty_id AND d.withdrawn_at IS NULL
        JOIN involvement AS v ON v.involvement_id = d.involvement_id
        JOIN placement AS p ON p.involvement_id = v.involvement_id
        WHERE np.notification_id = n.notification_id AND np.ended_at IS NULL AND np.version < v.version
            AND p.status IN ('placed', 'referred') AND p.decided_version >= v.version
    ))
)
ORDER BY r.code

-- name: recipient_of
SELECT recipient_id FROM notification
WHERE force_id = CAST(:force_id AS text) AND notification_id = CAST(:notification_id AS uuid)

-- name: lock_recipient
SELECT pg_advisory_xact_lock(hashtextextended(CAST(:recipient_id AS text), 7267))

-- name: untold_duties
SELECT d.duty_id, d.involvement_id, p.pupil_id, d.duty_by,
    CASE WHEN p.pupil_id IS NULL THEN v.person_hash END AS person_hash
FROM duty AS d
JOIN placement AS p ON p.involvement_id = d.involvement_id
JOIN involvement AS v ON v.involvement_id = d.involvement_id
WHERE d.recipient_id = CAST(:recipient_id AS uuid) AND d.withdrawn_at IS NULL AND p.status IN ('placed', 'referred')
    AND NOT EXISTS (SELECT 1 FROM notification_part AS np WHERE np.duty_id = d.duty_id AND np.ended_at IS NULL)
ORDER BY p.pupil_id, person_hash, d.duty_id

-- name: expired_police_holds
SELECT notification_id FROM notification
WHERE recipient_id = CAST(:recipient_id AS uuid) AND status = 'held' AND 'police' = ANY (hold_kinds)
    AND hold_until <= CAST(:as_of AS timestamptz)
ORDER BY notification_id

-- name: held_notification
SELECT notification_id, key_id FROM notification
WHERE recipient_id = CAST(:recipient_id AS uuid) AND status = 'held'
    AND (pupil_id = CAST(:pupil_id AS uuid) OR person_hash = CAST(:person_hash AS bytea))

-- name: told_this_night
SELECT n.notification_id FROM notification AS n JOIN run AS r ON r.run_id = n.run_id
WHERE n.recipient_id = CAST(:recipient_id AS uuid)
    AND (n.pupil_id = CAST(:pupil_id AS uuid) OR n.person_hash = CAST(:person_hash AS bytea))
    AND r.night = CAST(:night AS date) AND n.status IN ('released', 'acknowledged')
ORDER BY n.prepared_at DESC, n.notification_id LIMIT 1

-- name: insert_notification
INSERT INTO notification (notification_id, force_id, recipient_id, recipient_kind, urn, pupil_id, person_hash, adds_to,
    supersedes, status, sealed_hold, hold_kinds, hold_until, year_group, sealed_child, advice, key_id, prepared_at, released_at, run_id)
VALUES (CAST(:notification_id AS uuid), CAST(:force_id AS text), CAST(:recipient_id AS uuid),
    CAST(:recipient_kind AS text), CAST(:urn AS bigint), CAST(:pupil_id AS uuid), CAST(:person_hash AS bytea),
    CAST(:adds_to AS uuid), CAST(:supersedes AS uuid), CAST(:status AS text),
    CAST(:sealed_hold AS bytea), CAST(:hold_kinds AS text[]), CAST(:hold_until AS timestamptz),
    CAST(:year_group AS text), CAST(:sealed_child AS bytea), CAST(:advice AS jsonb), CAST(:key_id AS uuid),
    CAST(:prepared_at AS timestamptz), CAST(:released_at AS timestamptz), CAST(:run_id AS uuid))

-- name: set_hold
UPDATE notification SET sealed_hold = CAST(:sealed_hold AS bytea), hold_kinds = CAST(:hold_kinds AS text[]),
    hold_until = CAST(:hold_until AS timestamptz), supersedes = coalesce(supersedes, CAST(:supersedes AS uuid))
WHERE notification_id = CAST(:notification_id AS uuid) AND status = 'held'
RETURNING notification_id

-- name: release
UPDATE notification SET status = CAST(:status AS text), released_at = CAST(:released_at AS timestamptz),
    adds_to = coalesce(adds_to, CAST(:adds_to AS uuid)), run_id = CAST(:run_id AS uuid)
WHERE notification_id = CAST(:notification_id AS uuid) AND status = CAST(:expected AS text)
RETURNING notification_id

-- name: move
UPDATE notification SET status = CAST(:status AS text)
WHERE notification_id = CAST(:notification_id AS uuid) AND status = CAST(:expected AS text)
RETURNING notification_id

-- name: whole
SELECT n.notification_id, n.force_id, n.recipient_id, n.pupil_id, n.person_hash, n.status, n.key_id, n.sealed_child, n.sealed_hold,
    n.released_at
FROM notification AS n
WHERE n.force_id = CAST(:force_id AS text) AND n.notification_id = CAST(:notification_id AS uuid)
FOR UPDATE

-- name: return
SELECT school_returns(CAST(:notification_id AS uuid), CAST(:expected AS text)) AS is_returned

-- name: status
SELECT status FROM notification WHERE notification_id = CAST(:notification_id AS uuid)

-- name: insert_acknowledgement
INSERT INTO acknowledgement (notification_id, force_id, key_adult_id, channel, acknowledged_at)
VALUES (CAST(:notification_id AS uuid), CAST(:force_id AS text), CAST(:key_adult_id AS uuid),
    CAST(:channel AS text), CAST(:acknowledged_at AS timestamptz))

-- name: withdraw_phone_task
UPDATE phone_task SET withdrawn_at = CAST(:withdrawn_at AS timestamptz)
WHERE notification_id = CAST(:notification_id AS uuid) AND withdrawn_at IS NULL AND reason <> 'recalled'

-- name: open_phone_task
INSERT INTO phone_task (phone_task_id, force_id, notification_id, called, reason, opened_at, run_id)
VALUES (CAST(:phone_task_id AS uuid), CAST(:force_id AS text), CAST(:notification_id AS uuid), CAST(:called AS text),
    CAST(:reason AS text), CAST(:opened_at AS timestamptz), CAST(:run_id AS uuid))
ON CONFLICT (notification_id, called) DO NOTHING
RETURNING phone_task_id
