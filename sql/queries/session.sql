-- name: identities
SELECT i.key_adult_id, i.force_id, k.recipient_id, k.person_hash FROM key_adult_identity AS i
JOIN key_adult AS k ON k.key_adult_id = i.key_adult_id AND k.person_hash = i.person_hash
WHERE i.issuer = CAST(:issuer AS text) AND i.subject = CAST(:subject AS text)
    AND k.active_from <= CAST(:day AS date) AND (k.active_to IS NULL OR k.active_to >= CAST(:day AS date))
ORDER BY i.key_adult_id

-- name: insert_ticket
INSERT INTO binding_ticket (ticket_hash, issuer, subject, place, urn, expires_at)
VALUES (CAST(:ticket_hash AS bytea), CAST(:issuer AS text), CAST(:subject AS text), CAST(:place AS text),
    CAST(:urn AS bigint), now() + interval '10 minutes')

-- name: read_ticket
SELECT issuer, subject, place, urn FROM binding_ticket
WHERE ticket_hash = CAST(:ticket_hash AS bytea) AND expires_at > now()

-- name: try_ticket
UPDATE binding_ticket SET attempts = attempts + 1
WHERE ticket_hash = CAST(:ticket_hash AS bytea) AND expires_at > now() AND attempts < 5
RETURNING issuer, subject, place, urn

-- name: delete_ticket
DELETE FROM binding_ticket WHERE ticket_hash = CAST(:ticket_hash AS bytea) OR expires_at < now()

-- name: use_code
UPDATE key_adult_code AS c SET used_at = coalesce(c.used_at, now()), bound_at = coalesce(c.bound_at, now())
WHERE c.code_hash = CAST(:code_hash AS bytea) AND c.force_id = CAST(:force_id AS text) AND c.expires_at > now()
    AND (c.used_at IS NULL OR (
        EXISTS (
            SELECT 1 FROM key_adult_identity AS i
            WHERE i.key_adult_id = c.key_adult_id AND i.issuer = CAST(:issuer AS text)
                AND i.subject = CAST(:subject AS text) AND c.bound_at IS NOT NULL
        )
        AND NOT EXISTS (
            SELECT 1 FROM second_factor AS f
            WHERE f.issuer = CAST(:issuer AS text) AND f.subject = CAST(:subject AS text)
                AND f.confirmed_at > c.bound_at
        )
    ))
    AND EXISTS (
        SELECT 1 FROM key_adult AS k WHERE k.key_adult_id = c.key_adult_id AND k.person_hash = c.person_hash
    )
RETURNING c.key_adult_id, c.force_id, c.person_hash

-- name: unbind_stale
DELETE FROM key_adult_identity AS i USING key_adult AS k
WHERE k.key_adult_id = i.key_adult_id
    AND (
        (i.key_adult_id = CAST(:key_adult_id AS uuid) AND i.person_hash <> k.person_hash)
        OR (
            i.issuer = CAST(:issuer AS text) AND i.subject = CAST(:subject AS text)
            AND (i.person_hash <> k.person_hash OR k.active_to < CAST(:day AS date))
        )
    )
RETURNING i.key_adult_id, i.force_id

-- name: bind_identity
INSERT INTO key_adult_identity (key_adult_id, force_id, person_hash, issuer, subject)
VALUES (CAST(:key_adult_id AS uuid), CAST(:force_id AS text), CAST(:person_hash AS bytea), CAST(:issuer AS text),
    CAST(:subject AS text))
ON CONFLICT (key_adult_id) DO UPDATE SET bound_at = now()
WHERE key_adult_identity.issuer = excluded.issuer AND key_adult_identity.subject = excluded.subject
RETURNING key_adult_id

-- name: insert_staff
INSERT INTO staff (staff_id, force_id, issuer, subject, role)
SELECT CAST(:staff_id AS uuid), f.force_id, CAST(:issuer AS text), CAST(:subject AS text), CAST(:role AS text)
FROM force AS f WHERE f.force_id = CAST(:force_id AS text)
ON CONFLICT (force_id, issuer, subject, role) DO NOTHING

-- name: find_staff
SELECT staff_id FROM staff
WHERE force_id = CAST(:force_id AS text) AND issuer = CAST(:issuer AS text) AND subject = CAST(:subject AS text)
    AND role = CAST(:role AS text)

-- name: insert_session
INSERT INTO web_session (token_hash, force_id, role, recipient_id, key_adult_id, person_hash, staff_id, factor_id,
    idle_until, expires_at)
VALUES (CAST(:token_hash AS bytea), CAST(:force_id AS text), CAST(:role AS text), CAST(:recipient_id AS uuid),
    CAST(:key_adult_id AS uuid), CAST(:person_hash AS bytea), CAST(:staff_id AS uuid), CAST(:factor_id AS uuid),
    now() + CAST(:idle AS interval), now() + CAST(:lasts AS interval))

-- name: step_up
WITH ended AS (
    UPDATE web_session SET revoked_at = now()
    WHERE token_hash = CAST(:token_hash AS bytea) AND role = 'school' AND stepped_up_at IS NULL
        AND revoked_at IS NULL AND idle_until > now() AND expires_at > now()
    RETURNING force_id, role, recipient_id, key_adult_id, person_hash, factor_id, opened_at, idle_until, expires_at
)
INSERT INTO web_session (token_hash, force_id, role, recipient_id, key_adult_id, person_hash, factor_id, opened_at,
    idle_until, expires_at, stepped_up_at)
SELECT CAST(:new_token_hash AS bytea), force_id, role, recipient_id, key_adult_id, person_hash, factor_id, opened_at,
    idle_until, expires_at, now()
FROM ended
RETURNING token_hash

-- name: of_session
SELECT force_id, key_adult_id FROM web_session WHERE token_hash = CAST(:token_hash AS bytea)

-- name: ask_in_session
WITH found AS (
    SELECT s.token_hash, s.force_id, s.role, s.recipient_id, s.key_adult_id, s.staff_id, s.stepped_up_at, s.idle_until,
        least(s.expires_at, now() + CAST(:idle AS interval)) AS wanted_until
    FROM web_session AS s
    WHERE s.token_hash = CAST(:token_hash AS bytea) AND s.revoked_at IS NULL AND s.idle_until > now()
        AND s.expires_at > now()
        AND (s.role <> 'school' OR (
            EXISTS (SELECT 1 FROM second_factor AS f WHERE f.factor_id = s.factor_id AND f.ended_at IS NULL)
            AND EXISTS (
                SELECT 1 FROM key_adult AS k
                WHERE k.key_adult_id = s.key_adult_id AND k.recipient_id = s.recipient_id
                    AND k.person_hash = s.person_hash
                    AND (k.active_to IS NULL OR k.active_to >= CAST(now() AT TIME ZONE 'Europe/London' AS date))
            )
        ))
), touched AS (
    UPDATE web_session AS s SET idle_until = f.wanted_until FROM found AS f
    WHERE s.token_hash = f.token_hash AND s.idle_until < f.wanted_until - CAST(:idle AS interval) / 30
)
SELECT f.force_id, f.role, f.recipient_id, f.key_adult_id, f.staff_id, f.stepped_up_at, r.kind, r.urn, r.la_code,
    r.office, r.partner_force, coalesce(c.name, r.partner_force, (
        SELECT min(l.la_name) FROM school AS l WHERE l.force_id = r.force_id AND l.la_code = r.la_code
    ), r.la_code) AS name,
    take_page(f.token_hash, CAST(:a_minute AS float8)) AS is_within_pace
FROM found AS f
LEFT JOIN recipient AS r ON r.recipient_id = f.recipient_id
LEFT JOIN school AS c ON c.force_id = r.force_id AND c.urn = r.urn

-- name: revoke_session
UPDATE web_session SET revoked_at = now() WHERE token_hash = CAST(:token_hash AS bytea) AND revoked_at IS NULL
