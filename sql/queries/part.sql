-- name: outdated_parts
SELECT np.notification_id, np.duty_id, d.involvement_id, d.duty_by, n.pupil_id, n.person_hash, n.status, np.sealed, np.key_id
FROM notification_part AS np
JOIN notification AS n ON n.notification_id = np.notification_id
JOIN duty AS d ON d.duty_id = np.duty_id AND d.withdrawn_at IS NULL
JOIN involvement AS v ON v.involvement_id = d.involvement_id
JOIN placement AS p ON p.involvement_id = v.involvement_id
WHERE n.recipient_id = CAST(:recipient_id AS uuid) AND n.status IN ('held', 'released', 'acknowledged')
    AND np.ended_at IS NULL AND np.version < v.version AND p.status IN ('placed', 'referred') AND p.decided_version >= v.version
    -- somebody says that this recipient was told in error: it is told no more until a second person has decided
    AND NOT EXISTS (
        SELECT 1 FROM recall AS c
        WHERE c.notification_id = np.notification_id AND (c.duty_id IS NULL OR c.duty_id = np.duty_id)
            AND c.confirmed_at IS NULL AND c.withdrawn_at IS NULL
    )
ORDER BY np.notification_id, np.duty_id

-- name: told_duties
SELECT d.duty_id, d.involvement_id, n.pupil_id, n.person_hash, d.duty_by
FROM notification_part AS np
JOIN notification AS n ON n.notification_id = np.notification_id
JOIN duty AS d ON d.duty_id = np.duty_id
WHERE np.notification_id = CAST(:notification_id AS uuid) AND np.ended_at IS NULL
ORDER BY d.duty_id

-- name: insert_part
INSERT INTO notification_part (notification_id, duty_id, force_id, version, sealed, key_id)
VALUES (CAST(:notification_id AS uuid), CAST(:duty_id AS uuid), CAST(:force_id AS text), CAST(:version AS bigint),
    CAST(:sealed AS bytea), CAST(:key_id AS uuid))

-- name: rewrite_part
UPDATE notification_part SET sealed = CAST(:sealed AS bytea), version = CAST(:version AS bigint)
WHERE notification_id = CAST(:notification_id AS uuid) AND duty_id = CAST(:duty_id AS uuid) AND ended_at IS NULL

-- name: keep_part
UPDATE notification_part SET version = CAST(:version AS bigint)
WHERE notification_id = CAST(:notification_id AS uuid) AND duty_id = CAST(:duty_id AS uuid) AND ended_at IS NULL

-- name: end_part
UPDATE notification_part SET ended = CAST(:ended AS text), ended_at = CAST(:ended_at AS timestamptz)
WHERE notification_id = CAST(:notification_id AS uuid) AND duty_id = CAST(:duty_id AS uuid) AND ended_at IS NULL
RETURNING notification_id

-- name: has_current_part
SELECT EXISTS (
    SELECT 1 FROM notification_part
    WHERE notification_id = CAST(:notification_id AS uuid) AND ended_at IS NULL
)

-- name: current_parts_of_involvement
SELECT np.notification_id, np.duty_id
FROM notification_part AS np JOIN duty AS d ON d.duty_id = np.duty_id
WHERE d.involvement_id = CAST(:involvement_id AS uuid) AND np.ended_at IS NULL
ORDER BY np.notification_id

-- name: returned
SELECT n.notification_id, np.duty_id, d.involvement_id
FROM notification AS n
JOIN notification_part AS np ON np.notification_id = n.notification_id AND np.ended_at IS NULL
JOIN duty AS d ON d.duty_id = np.duty_id
WHERE n.force_id = CAST(:force_id AS text) AND n.status = 'not_our_pupil'
ORDER BY n.notification_id, np.duty_id

-- name: is_in_doubt
SELECT EXISTS (
    SELECT 1 FROM notification_part AS np
    JOIN duty AS d ON d.duty_id = np.duty_id
    JOIN placement AS p ON p.involvement_id = d.involvement_id
    WHERE np.notification_id = CAST(:notification_id AS uuid) AND np.ended_at IS NULL
        AND p.status NOT IN ('placed', 'referred')
)

-- name: parts
SELECT np.duty_id, np.sealed, np.key_id, k.ring_key_id, k.wrapped FROM notification_part AS np
LEFT JOIN data_key AS k ON k.key_id = np.key_id
WHERE np.notification_id = CAST(:notification_id AS uuid) AND np.ended_at IS NULL ORDER BY np.duty_id
