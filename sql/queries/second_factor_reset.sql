-- name: has_factor
SELECT EXISTS (
    SELECT 1 FROM key_adult_identity AS i
    JOIN key_adult AS k ON k.key_adult_id = i.key_adult_id AND k.person_hash = i.person_hash
    JOIN second_factor AS f ON f.issuer = i.issuer AND f.subject = i.subject
    WHERE i.key_adult_id = CAST(:key_adult_id AS uuid) AND f.ended_at IS NULL
)

-- name: insert_reset
INSERT INTO second_factor_reset (reset_id, force_id, key_adult_id, person_hash, proposed_by, proposed_at)
SELECT CAST(:reset_id AS uuid), k.force_id, k.key_adult_id, k.person_hash, CAST(:proposed_by AS text),
    CAST(:proposed_at AS timestamptz)
FROM key_adult AS k WHERE k.key_adult_id = CAST(:key_adult_id AS uuid)
ON CONFLICT (key_adult_id) WHERE confirmed_at IS NULL AND withdrawn_at IS NULL DO NOTHING
RETURNING reset_id

-- name: open_resets
SELECT reset_id, key_adult_id, proposed_by, proposed_at FROM second_factor_reset
WHERE force_id = CAST(:force_id AS text) AND confirmed_at IS NULL AND withdrawn_at IS NULL
ORDER BY proposed_at, reset_id

-- name: confirm_reset
UPDATE second_factor_reset SET confirmed_by = CAST(:confirmed_by AS text),
    confirmed_at = CAST(:confirmed_at AS timestamptz)
WHERE reset_id = CAST(:reset_id AS uuid) AND confirmed_at IS NULL AND withdrawn_at IS NULL
RETURNING key_adult_id, person_hash

-- name: withdraw_reset
UPDATE second_factor_reset SET withdrawn_at = CAST(:withdrawn_at AS timestamptz)
WHERE reset_id = CAST(:reset_id AS uuid) AND confirmed_at IS NULL AND withdrawn_at IS NULL
RETURNING reset_id

-- name: end_factors
UPDATE second_factor AS f SET ended_at = now() FROM key_adult_identity AS i
WHERE i.key_adult_id = CAST(:key_adult_id AS uuid) AND i.person_hash = CAST(:person_hash AS bytea)
    AND f.issuer = i.issuer AND f.subject = i.subject AND f.ended_at IS NULL
RETURNING f.key_id
