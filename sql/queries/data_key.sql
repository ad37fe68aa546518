-- name: insert_data_key
INSERT INTO data_key (key_id, force_id, purpose, ring_key_id, wrapped)
VALUES (CAST(:key_id AS uuid), CAST(:force_id AS text), CAST(:purpose AS text), CAST(:ring_key_id AS text),
    CAST(:wrapped AS bytea))

-- name: data_keys
SELECT key_id, ring_key_id, wrapped FROM data_key WHERE key_id = ANY (CAST(:key_ids AS uuid[]))

-- name: destroy_data_keys
UPDATE data_key SET wrapped = NULL, destroyed_at = now()
WHERE key_id = ANY (CAST(:key_ids AS uuid[])) AND destroyed_at IS NULL
