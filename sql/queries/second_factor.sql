-- name: insert_factor
INSERT INTO second_factor (factor_id, force_id, issuer, subject, kind, sealed, key_id)
VALUES (CAST(:factor_id AS uuid), CAST(:force_id AS text), CAST(:issuer AS text), CAST(:subject AS text),
    CAST(:kind AS text), CAST(:sealed AS bytea), CAST(:key_id AS uuid))

-- name: factor_of_person
SELECT factor_id FROM second_factor
WHERE issuer = CAST(:issuer AS text) AND subject = CAST(:subject AS text) AND kind = CAST(:kind AS text)
    AND confirmed_at IS NOT NULL AND ended_at IS NULL

-- name: person_of_session
SELECT f.factor_id, f.issuer, f.subject FROM web_session AS s JOIN second_factor AS f ON f.factor_id = s.factor_id
WHERE s.token_hash = CAST(:token_hash AS bytea) AND s.stepped_up_at IS NULL AND s.revoked_at IS NULL
    AND s.idle_until > now() AND s.expires_at > now() AND f.ended_at IS NULL

-- name: lock_factors
SELECT factor_id, sealed, key_id, confirmed_at IS NOT NULL AS is_confirmed, last_step, wrong, wrong_since, locked_until,
    clock_timestamp() AS at
FROM second_factor
WHERE issuer = CAST(:issuer AS text) AND subject = CAST(:subject AS text) AND ended_at IS NULL
ORDER BY factor_id
FOR UPDATE

-- name: factor_to_enrol
SELECT factor_id, sealed, key_id FROM second_factor
WHERE factor_id = CAST(:factor_id AS uuid) AND confirmed_at IS NULL AND ended_at IS NULL

-- name: use_step
UPDATE second_factor SET last_step = CAST(:step AS bigint), confirmed_at = coalesce(confirmed_at, now()), wrong = 0,
    wrong_since = NULL, locked_until = NULL
WHERE factor_id = CAST(:factor_id AS uuid) AND ended_at IS NULL
    AND (last_step IS NULL OR last_step < CAST(:step AS bigint))
RETURNING factor_id

-- name: end_other_factors
UPDATE second_factor SET ended_at = now()
WHERE issuer = CAST(:issuer AS text) AND subject = CAST(:subject AS text) AND ended_at IS NULL
    AND factor_id <> CAST(:factor_id AS uuid)

-- name: count_wrong
UPDATE second_factor SET wrong = CAST(:wrong AS bigint), wrong_since = CAST(:wrong_since AS timestamptz),
    locked_until = CAST(:locked_until AS timestamptz)
WHERE factor_id = CAST(:factor_id AS uuid)
