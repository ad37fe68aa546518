-- name: upsert_key_adult
INSERT INTO key_adult (key_adult_id, force_id, reference_hash, person_hash, recipient_id, recipient_kind, urn, role,
    language, active_from, active_to, content_hash, sealed, key_id, seen_in_generation, by_hand)
VALUES (
    CAST(:key_adult_id AS uuid), CAST(:force_id AS text), CAST(:reference_hash AS bytea),
    CAST(:person_hash AS bytea), CAST(:recipient_id AS uuid), CAST(:recipient_kind AS text), CAST(:urn AS bigint),
    CAST(:role AS text), CAST(:language AS text), CAST(:active_from AS date), CAST(:active_to AS date),
    CAST(:content_hash AS bytea), CAST(:sealed AS bytea), CAST(:key_id AS uuid),
    CAST(:seen_in_generation AS bigint), CAST(:by_hand AS boolean)
)
ON CONFLICT (force_id, reference_hash) DO UPDATE SET
    person_hash = excluded.person_hash, recipient_id = excluded.recipient_id, recipient_kind = excluded.recipient_kind,
    urn = excluded.urn, role = excluded.role, language = excluded.language, active_from = excluded.active_from,
    active_to = excluded.active_to, content_hash = excluded.content_hash, sealed = excluded.sealed,
    key_id = excluded.key_id, seen_in_generation = excluded.seen_in_generation,
    by_hand = excluded.by_hand

-- name: key_adult_references
SELECT reference_hash, key_adult_id FROM key_adult WHERE force_id = CAST(:force_id AS text)

-- name: known_adults
SELECT reference_hash, key_adult_id, recipient_id, person_hash, content_hash,
    (active_to IS NULL OR active_to >= CAST(:day AS date)) AS is_active
FROM key_adult WHERE force_id = CAST(:force_id AS text)

-- name: listed_adults
SELECT k.key_adult_id, k.sealed, k.key_id, (
        SELECT max(t.attested_on) FROM attestation AS t WHERE t.recipient_id = k.recipient_id
    ) AS attested_on
FROM key_adult AS k JOIN recipient AS r ON r.recipient_id = k.recipient_id
WHERE k.force_id = CAST(:force_id AS text) AND (k.active_to IS NULL OR k.active_to >= CAST(:day AS date))
ORDER BY r.kind, r.code, k.role DESC, k.key_adult_id

-- name: keep_listed
UPDATE key_adult SET seen_in_generation = CAST(:generation AS bigint)
WHERE key_adult_id = ANY (CAST(:key_adult_ids AS uuid[]))

-- name: end_unlisted
UPDATE key_adult SET active_to = CAST(:ended_on AS date), compared_hash = NULL
WHERE force_id = CAST(:force_id AS text) AND seen_in_generation < CAST(:generation AS bigint) AND NOT by_hand
    AND NOT EXISTS (
        SELECT 1 FROM contact_change AS c
        WHERE c.recipient_id = key_adult.recipient_id AND c.kind = 'add' AND c.origin = 'register'
            AND c.confirmed_at IS NULL AND c.withdrawn_at IS NULL
    )
    AND (active_to IS NULL OR active_to > CAST(:ended_on AS date))
RETURNING key_adult_id

-- name: active_at
SELECT key_adult_id, sealed, key_id FROM key_adult
WHERE recipient_id = CAST(:recipient_id AS uuid)
    AND active_from <= CAST(:day AS date) AND (active_to IS NULL OR active_to >= CAST(:day AS date))
ORDER BY role DESC, key_adult_id

-- name: contact
SELECT key_adult_id, sealed, key_id FROM key_adult
WHERE key_adult_id = CAST(:key_adult_id AS uuid)
    AND active_from <= CAST(:day AS date) AND (active_to IS NULL OR active_to >= CAST(:day AS date))

-- name: of_reference
SELECT key_adult_id FROM key_adult
WHERE force_id = CAST(:force_id AS text) AND reference_hash = CAST(:reference_hash AS bytea)
    AND recipient_id = CAST(:recipient_id AS uuid)
    AND active_from <= CAST(:day AS date) AND (active_to IS NULL OR active_to >= CAST(:day AS date))

-- name: unbound
SELECT k.key_adult_id, k.sealed, k.key_id FROM key_adult AS k
WHERE k.force_id = CAST(:force_id AS text) AND (k.active_to IS NULL OR k.active_to >= CAST(:day AS date))
    AND NOT EXISTS (
        SELECT 1 FROM key_adult_identity AS i
        JOIN second_factor AS f ON f.issuer = i.issuer AND f.subject = i.subject
        WHERE i.key_adult_id = k.key_adult_id AND i.person_hash = k.person_hash
            AND f.confirmed_at IS NOT NULL AND f.ended_at IS NULL
    )
ORDER BY k.recipient_id, k.role

-- name: end_open_codes
UPDATE key_adult_code SET used_at = now()
WHERE used_at IS NULL AND key_adult_id = ANY (CAST(:key_adult_ids AS uuid[]))

-- name: insert_codes
INSERT INTO key_adult_code (code_hash, force_id, key_adult_id, person_hash, expires_at)
SELECT c.code_hash, CAST(:force_id AS text), c.key_adult_id, k.person_hash, now() + CAST(:lasts AS interval)
FROM unnest(CAST(:code_hashes AS bytea[]), CAST(:key_adult_ids AS uuid[])) AS c (code_hash, key_adult_id)
JOIN key_adult AS k ON k.key_adult_id = c.key_adult_id

-- name: key_adults_by_id
SELECT key_adult_id, sealed, key_id FROM key_adult WHERE key_adult_id = ANY (CAST(:key_adult_ids AS uuid[]))

-- name: recipients_to_compare
SELECT DISTINCT k.recipient_id FROM key_adult AS k
WHERE k.force_id = CAST(:force_id AS text) AND k.compared_hash IS DISTINCT FROM k.content_hash
    AND k.active_from <= CAST(:day AS date) AND (k.active_to IS NULL OR k.active_to >= CAST(:day AS date))
    AND EXISTS (SELECT 1 FROM notification AS n WHERE n.recipient_id = k.recipient_id)
ORDER BY k.recipient_id

-- name: to_compare
SELECT key_adult_id, content_hash, sealed, key_id FROM key_adult
WHERE recipient_id = CAST(:recipient_id AS uuid) AND compared_hash IS DISTINCT FROM content_hash
    AND active_from <= CAST(:day AS date) AND (active_to IS NULL OR active_to >= CAST(:day AS date))
ORDER BY key_adult_id

-- name: set_compared
UPDATE key_adult SET compared_hash = content_hash
WHERE key_adult_id = CAST(:key_adult_id AS uuid) AND content_hash = CAST(:content_hash AS bytea)

-- name: own_contacts
SELECT k.key_adult_id, k.active_to, k.sealed, k.key_id, k.key_adult_id IN (SELECT session_ready_adults()) AS is_ready
FROM key_adult AS k
WHERE k.recipient_id = session_recipient() AND (k.active_to IS NULL OR k.active_to >= CAST(:day AS date))
ORDER BY k.role DESC, k.key_adult_id

-- name: entry_of_reference
SELECT key_adult_id, sealed, key_id FROM key_adult
WHERE force_id = CAST(:force_id AS text) AND reference_hash = CAST(:reference_hash AS bytea)
