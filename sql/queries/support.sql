-- name: support_of
SELECT support_id, version, sealed, key_id, recorded_at FROM support
WHERE notification_id = CAST(:notification_id AS uuid) ORDER BY version DESC

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
