-- name: insert_change
INSERT INTO contact_change (change_id, force_id, recipient_id, reference_hash, kind, origin, content_hash, sealed, key_id,
    proposed_by, proposed_at)
VALUES (CAST(:change_id AS uuid), CAST(:force_id AS text), CAST(:recipient_id AS uuid),
    CAST(:reference_hash AS bytea), CAST(:kind AS text), CAST(:origin AS text), CAST(:content_hash AS bytea),
    CAST(:sealed AS bytea), CAST(:key_id AS uuid), CAST(:proposed_by AS text), CAST(:proposed_at AS timestamptz))
ON CONFLICT (force_id, reference_hash) WHERE confirmed_at IS NULL AND withdrawn_at IS NULL DO NOTHING
RETURNING change_id

-- name: withdraw_stale
UPDATE contact_change SET withdrawn_at = CAST(:withdrawn_at AS timestamptz)
WHERE force_id = CAST(:force_id AS text) AND origin = 'register' AND confirmed_at IS NULL AND withdrawn_at IS NULL
    AND NOT content_hash = ANY (CAST(:content_hashes AS bytea[]))
RETURNING change_id

-- name: open_changes
SELECT change_id, kind, origin, sealed, key_id, proposed_by, proposed_at FROM contact_change
WHERE force_id = CAST(:force_id AS text) AND confirmed_at IS NULL AND withdrawn_at IS NULL
ORDER BY proposed_at, change_id

-- name: confirm_change
UPDATE contact_change SET confirmed_by = CAST(:confirmed_by AS text), confirmed_at = CAST(:confirmed_at AS timestamptz)
WHERE change_id = CAST(:change_id AS uuid) AND confirmed_at IS NULL AND withdrawn_at IS NULL
RETURNING change_id

-- name: withdraw_change
UPDATE contact_change SET withdrawn_at = CAST(:withdrawn_at AS timestamptz)
WHERE change_id = CAST(:change_id AS uuid) AND confirmed_at IS NULL AND withdrawn_at IS NULL
RETURNING change_id
