-- name: inbox
SELECT n.notification_id, n.status, n.year_group, n.sealed_child, n.key_id, k.ring_key_id, k.wrapped,
    n.released_at, n.supersedes, min(d.duty_by) AS duty_by, array_agg(np.key_id) AS incidents, a.acknowledged_at,
    EXISTS (SELECT 1 FROM support AS g WHERE g.notification_id = n.notification_id) AS has_support
FROM notification AS n
JOIN notification_part AS np ON np.notification_id = n.notification_id
JOIN duty AS d ON d.duty_id = np.duty_id
LEFT JOIN acknowledgement AS a ON a.notification_id = n.notification_id
LEFT JOIN data_key AS k ON k.key_id = n.key_id
GROUP BY n.notification_id, n.status, n.year_group, n.sealed_child, n.key_id, n.released_at, n.supersedes,
    k.key_id, a.acknowledged_at
ORDER BY (a.acknowledged_at IS NOT NULL), has_support,
    CASE WHEN a.acknowledged_at IS NULL THEN min(d.duty_by) END, n.released_at DESC, n.notification_id
LIMIT CAST(:lines AS integer) OFFSET CAST(:after AS integer)

-- name: beside
SELECT (SELECT count(*) FROM notification AS n WHERE n.status = 'released') AS waiting,
    (SELECT max(a.attested_on) FROM attestation AS a WHERE a.recipient_id = session_recipient()) AS attested_on,
    (
        SELECT count(*) FROM contact_change AS c
        WHERE c.recipient_id = session_recipient() AND c.confirmed_at IS NULL AND c.withdrawn_at IS NULL
            AND c.proposed_by <> CAST(session_key_adult() AS text)
    ) AS changes_to_confirm,
    -- counted: the planner looks for the first of any by going through everybody's
    (SELECT count(*) FROM notice) > 0 AS has_notices

-- name: cover
SELECT n.notification_id, n.status, n.year_group, n.sealed_child, n.key_id, k.ring_key_id, k.wrapped,
    n.released_at, n.supersedes, min(d.duty_by) AS duty_by, array_agg(np.key_id) AS incidents, a.acknowledged_at,
    EXISTS (SELECT 1 FROM support AS g WHERE g.notification_id = n.notification_id) AS has_support
FROM notification AS n
JOIN notification_part AS np ON np.notification_id = n.notification_id
JOIN duty AS d ON d.duty_id = np.duty_id
LEFT JOIN acknowledgement AS a ON a.notification_id = n.notification_id
LEFT JOIN data_key AS k ON k.key_id = n.key_id
WHERE n.notification_id = CAST(:notification_id AS uuid)
GROUP BY n.notification_id, n.status, n.year_group, n.sealed_child, n.key_id, n.released_at, n.supersedes,
    k.key_id, a.acknowledged_at

-- name: one
SELECT n.notification_id, n.status, n.year_group, n.sealed_child, n.key_id, k.ring_key_id, k.wrapped,
    n.released_at, n.adds_to, n.supersedes, n.advice, min(d.duty_by) AS duty_by, a.acknowledged_at,
    EXISTS (SELECT 1 FROM notice AS w WHERE w.notification_id = n.notification_id) AS has_notices,
    EXISTS (SELECT 1 FROM support AS g WHERE g.notification_id = n.notification_id) AS has_support
FROM notification AS n
JOIN notification_part AS np ON np.notification_id = n.notification_id
JOIN duty AS d ON d.duty_id = np.duty_id
LEFT JOIN acknowledgement AS a ON a.notification_id = n.notification_id
LEFT JOIN data_key AS k ON k.key_id = n.key_id
WHERE n.notification_id = CAST(:notification_id AS uuid)
GROUP BY n.notification_id, n.status, n.year_group, n.sealed_child, n.key_id, n.released_at, n.adds_to,
    n.supersedes, n.advice, k.key_id, a.acknowledged_at

-- name: earlier
SELECT n.notification_id, n.status, n.year_group, n.sealed_child, n.key_id, k.ring_key_id, k.wrapped,
    n.released_at, n.supersedes, min(d.duty_by) AS duty_by, array_agg(np.key_id) AS incidents, a.acknowledged_at,
    EXISTS (SELECT 1 FROM support AS g WHERE g.notification_id = n.notification_id) AS has_support
FROM notification AS n
JOIN notification AS o ON o.notification_id = CAST(:notification_id AS uuid)
    AND (n.pupil_id = o.pupil_id OR n.person_hash = o.person_hash)
JOIN notification_part AS np ON np.notification_id = n.notification_id
JOIN duty AS d ON d.duty_id = np.duty_id
LEFT JOIN acknowledgement AS a ON a.notification_id = n.notification_id
LEFT JOIN data_key AS k ON k.key_id = n.key_id
WHERE n.notification_id <> o.notification_id
    AND (n.released_at, n.notification_id) < (o.released_at, o.notification_id)
GROUP BY n.notification_id, n.status, n.year_group, n.sealed_child, n.key_id, n.released_at, n.supersedes,
    k.key_id, a.acknowledged_at
ORDER BY n.released_at DESC, n.notification_id
LIMIT 50
