-- name: force_is_known
SELECT force_id FROM force WHERE force_id = CAST(:force_id AS text)

-- name: known_message
SELECT content_hash FROM pushed_page
WHERE force_id = CAST(:force_id AS text) AND message_hash = CAST(:message_hash AS bytea)

-- name: pushed_since
SELECT count(page_id) FROM pushed_page
WHERE force_id = CAST(:force_id AS text) AND received_at > CAST(:since AS timestamptz)

-- name: insert_pushed_page
INSERT INTO pushed_page (page_id, force_id, message_hash, content_hash, received_at, made_at, records, sealed, key_id)
VALUES (CAST(:page_id AS uuid), CAST(:force_id AS text), CAST(:message_hash AS bytea), CAST(:content_hash AS bytea),
    CAST(:received_at AS timestamptz), CAST(:made_at AS timestamptz), CAST(:records AS bigint),
    CAST(:sealed AS bytea), CAST(:key_id AS uuid))

-- name: pushed_between
SELECT page_id, made_at, records, sealed, key_id FROM pushed_page
WHERE force_id = CAST(:force_id AS text) AND received_at >= CAST(:updated_from AS timestamptz)
    AND received_at < CAST(:updated_to AS timestamptz)
ORDER BY received_at, page_id
