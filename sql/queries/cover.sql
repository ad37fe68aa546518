-- name: name_cover
INSERT INTO cover (cover_id, force_id, recipient_id, key_adult_id, person_hash, stand_in_id, change_id, first_day,
    last_day, named_at)
SELECT CAST(:cover_id AS uuid), r.force_id, r.recipient_id, session_key_adult(), session_person(),
    CAST(:stand_in_id AS uuid), CAST(:change_id AS uuid), CAST(:first_day AS date), CAST(:last_day AS date),
    CAST(:named_at AS timestamptz)
FROM recipient AS r WHERE r.recipient_id = session_recipient()

-- name: standing_covers
SELECT c.cover_id, c.key_adult_id, c.stand_in_id, c.change_id, c.first_day, c.last_day, h.sealed, h.key_id,
    h.confirmed_at, h.withdrawn_at
FROM cover AS c
LEFT JOIN contact_change AS h ON h.change_id = c.change_id
WHERE c.withdrawn_at IS NULL AND c.last_day >= CAST(:day AS date) AND h.withdrawn_at IS NULL
ORDER BY c.first_day, c.cover_id

-- name: end_cover
UPDATE cover SET withdrawn_at = CAST(:withdrawn_at AS timestamptz)
WHERE cover_id = CAST(:cover_id AS uuid) AND withdrawn_at IS NULL
RETURNING change_id

-- name: covers_in_force
SELECT c.key_adult_id, s.key_adult_id AS stand_in_id, c.first_day, c.last_day
FROM cover AS c
JOIN key_adult AS a ON a.key_adult_id = c.key_adult_id AND a.person_hash = c.person_hash
LEFT JOIN contact_change AS h ON h.change_id = c.change_id AND h.confirmed_at IS NOT NULL
JOIN key_adult AS s ON s.force_id = c.force_id AND s.recipient_id = c.recipient_id
    AND (s.key_adult_id = c.stand_in_id OR s.reference_hash = h.reference_hash)
WHERE c.recipient_id = CAST(:recipient_id AS uuid) AND c.withdrawn_at IS NULL
    AND CAST(:day AS date) BETWEEN c.first_day AND c.last_day
    AND EXISTS (
        SELECT 1 FROM key_adult_identity AS i
        JOIN second_factor AS f ON f.issuer = i.issuer AND f.subject = i.subject
        WHERE i.key_adult_id = s.key_adult_id AND i.person_hash = s.person_hash
            AND f.confirmed_at IS NOT NULL AND f.ended_at IS NULL
    )
ORDER BY c.named_at, c.cover_id
