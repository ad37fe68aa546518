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

-- name: own_changes
SELECT change_id, kind, sealed, key_id, proposed_by, proposed_at FROM contact_change
WHERE recipient_id = session_recipient() AND confirmed_at IS NULL AND withdrawn_at IS NULL
ORDER BY proposed_at, change_id

-- name: school_confirms
SELECT school_confirms(CAST(:change_id AS uuid), CAST(:at AS timestamptz))

-- name: changes_to_take
SELECT change_id, kind, sealed, key_id, proposed_by, proposed_at FROM contact_change
WHERE force_id = CAST(:force_id AS text) AND confirmed_at IS NOT NULL AND taken_at IS NULL
ORDER BY confirmed_at, change_id

-- name: set_taken
UPDATE contact_change SET taken_at = CAST(:taken_at AS timestamptz), sealed_former = CAST(:sealed_former AS bytea),
    former_key_id = CAST(:former_key_id AS uuid)
WHERE change_id = CAST(:change_id AS uuid) AND taken_at IS NULL
RETURNING change_id

-- name: changes_to_notice
SELECT c.change_id, c.recipient_id, k.key_adult_id
FROM contact_change AS c JOIN key_adult AS k ON k.force_id = c.force_id AND k.reference_hash = c.reference_hash
WHERE c.force_id = CAST(:force_id AS text) AND c.taken_at IS NOT NULL AND c.sealed_former IS NOT NULL
    AND c.noticed_at IS NULL
ORDER BY c.taken_at, c.change_id

-- name: set_noticed
UPDATE contact_change SET noticed_at = CAST(:noticed_at AS timestamptz)
WHERE change_id = CAST(:change_id AS uuid) AND noticed_at IS NULL
RETURNING change_id

-- name: former_contact
SELECT c.sealed_former, c.former_key_id, k.key_adult_id
FROM contact_change AS c JOIN key_adult AS k ON k.force_id = c.force_id AND k.reference_hash = c.reference_hash
WHERE c.change_id = CAST(:change_id AS uuid)
