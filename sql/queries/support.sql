-- name: support_of
SELECT true AS is_of_this, s.support_id, s.version, s.sealed, s.recorded_at, s.key_id, k.ring_key_id, k.wrapped
FROM support AS s
LEFT JOIN data_key AS k ON k.key_id = s.key_id
WHERE s.notification_id = CAST(:notification_id AS uuid)
UNION ALL
SELECT false, s.support_id, s.version, s.sealed, s.recorded_at, s.key_id, k.ring_key_id, k.wrapped
FROM session_replaced() AS r
CROSS JOIN LATERAL (SELECT * FROM support AS s WHERE s.notification_id = r.replaced_id OFFSET 0) AS s
JOIN data_key AS k ON k.key_id = s.key_id AND k.wrapped IS NOT NULL -- what is erased is no longer told
WHERE r.notification_id = CAST(:notification_id AS uuid)

-- name: supported
SELECT n.key_id, (
    SELECT coalesce(max(s.version), 0) FROM support AS s WHERE s.notification_id = n.notification_id
) AS version
FROM notification AS n
WHERE n.notification_id = CAST(:notification_id AS uuid) AND n.status = 'acknowledged'

-- name: insert_support
INSERT INTO support (support_id, force_id, notification_id, version, sealed, key_id, key_adult_id, recorded_at)
VALUES (CAST(:support_id AS uuid), CAST(:force_id AS text), CAST(:notification_id AS uuid), CAST(:version AS bigint),
    CAST(:sealed AS bytea), CAST(:key_id AS uuid), CAST(:key_adult_id AS uuid), CAST(:recorded_at AS timestamptz))
ON CONFLICT (notification_id, version) DO NOTHING
RETURNING version
