-- name: lock_registers_of_force
SELECT pg_advisory_xact_lock(hashtextextended('registers of ' || CAST(:force_id AS text), 0))

-- name: last_generation
SELECT generation_id, number, sha256, entries, confirmed_at FROM generation
WHERE force_id = CAST(:force_id AS text) AND kind = CAST(:kind AS text) AND source = CAST(:source AS text)
ORDER BY number DESC LIMIT 1

-- name: insert_generation
INSERT INTO generation (generation_id, force_id, kind, source, number, sha256, taken_at, confirmed_at, entries,
    refused, key_id, run_id)
VALUES (
    CAST(:generation_id AS uuid), CAST(:force_id AS text), CAST(:kind AS text), CAST(:source AS text),
    CAST(:number AS bigint), CAST(:sha256 AS bytea), CAST(:taken_at AS timestamptz), CAST(:taken_at AS timestamptz),
    CAST(:entries AS bigint), CAST(:refused AS bigint), CAST(:key_id AS uuid), CAST(:run_id AS uuid)
)

-- name: confirm_generation
UPDATE generation SET confirmed_at = greatest(confirmed_at, CAST(:confirmed_at AS timestamptz))
WHERE generation_id = CAST(:generation_id AS uuid)

-- name: generations
SELECT DISTINCT ON (kind, source) kind, source, number, confirmed_at, entries, refused FROM generation
WHERE force_id = CAST(:force_id AS text)
ORDER BY kind, source, number DESC

-- name: upsert_school
INSERT INTO school (force_id, urn, name, la_code, la_name, establishment_number, status_code, phase, low_age,
    high_age, opened_on, closed_on, trust_code, town, postcode, telephone, seen_in_generation)
VALUES (
    CAST(:force_id AS text), CAST(:urn AS bigint), CAST(:name AS text), CAST(:la_code AS text),
    CAST(:la_name AS text), CAST(:establishment_number AS text), CAST(:status_code AS bigint),
    CAST(:phase AS text), CAST(:low_age AS bigint), CAST(:high_age AS bigint), CAST(:opened_on AS date),
    CAST(:closed_on AS date), CAST(:trust_code AS text), CAST(:town AS text), CAST(:postcode AS text), CAST(:telephone AS text),
    CAST(:seen_in_generation AS bigint)
)
ON CONFLICT (force_id, urn) DO UPDATE SET
    name = excluded.name, la_code = excluded.la_code, la_name = excluded.la_name,
    establishment_number = excluded.establishment_number, status_code = excluded.status_code,
    phase = excluded.phase, low_age = excluded.low_age, high_age = excluded.high_age,
    opened_on = excluded.opened_on, closed_on = excluded.closed_on,
    trust_code = excluded.trust_code, town = excluded.town,
    postcode = excluded.postcode, telephone = excluded.telephone,
    seen_in_generation = excluded.seen_in_generation

-- name: school_las
SELECT urn, la_code, trust_code, name, status_code FROM school WHERE force_id = CAST(:force_id AS text)

-- name: clear_calendar
DELETE FROM calendar_day WHERE force_id = CAST(:force_id AS text) AND source = CAST(:source AS text)

-- name: insert_calendar_day
INSERT INTO calendar_day (force_id, source, scope, code, on_day, kind, reason, starts_at)
VALUES (CAST(:force_id AS text), CAST(:source AS text), CAST(:scope AS text), CAST(:code AS text),
    CAST(:on_day AS date), CAST(:kind AS text), CAST(:reason AS text), CAST(:starts_at AS time))
ON CONFLICT DO NOTHING

-- name: calendar_days
SELECT scope, code, on_day, kind, reason, starts_at FROM calendar_day WHERE force_id = CAST(:force_id AS text)
UNION ALL
SELECT 'school', CAST(urn AS text), on_day, kind, reason, starts_at FROM entered_day
WHERE force_id = CAST(:force_id AS text) AND removed_at IS NULL

-- name: clear_links
DELETE FROM school_link WHERE force_id = CAST(:force_id AS text)

-- name: insert_link
INSERT INTO school_link (force_id, urn, link_urn, link_type, established_on)
VALUES (CAST(:force_id AS text), CAST(:urn AS bigint), CAST(:link_urn AS bigint), CAST(:link_type AS text),
    CAST(:established_on AS date))
ON CONFLICT DO NOTHING

-- name: school_numbers
SELECT urn, la_code, establishment_number FROM school
WHERE force_id = CAST(:force_id AS text) AND establishment_number IS NOT NULL AND status_code IN (1, 3)

-- name: links
SELECT urn, link_urn, link_type FROM school_link WHERE force_id = CAST(:force_id AS text)

-- name: confirmed_successors
SELECT urn FROM school_confirmation WHERE force_id = CAST(:force_id AS text)

-- name: confirm_successor
INSERT INTO school_confirmation (force_id, urn, confirmed_by, confirmed_at)
VALUES (CAST(:force_id AS text), CAST(:urn AS bigint), CAST(:confirmed_by AS text), CAST(:confirmed_at AS timestamptz))
ON CONFLICT (force_id, urn) DO NOTHING
RETURNING urn

-- name: look_again
UPDATE placement SET decided_version = 0
WHERE force_id = CAST(:force_id AS text) AND status = 'in_review' AND reason = CAST(:reason AS text)
RETURNING involvement_id

-- name: newest_number
SELECT coalesce(max(number), 0) FROM generation
WHERE force_id = CAST(:force_id AS text) AND kind = CAST(:kind AS text)

-- name: freshness
WITH held AS (
    SELECT DISTINCT urn, source FROM enrolment
    WHERE force_id = CAST(:force_id AS text) AND last_generation IS NULL
), confirmed AS (
    SELECT source, max(confirmed_at) AS confirmed_at FROM generation
    WHERE force_id = CAST(:force_id AS text) AND kind = 'roll' GROUP BY source
), contacts AS (
    SELECT urn, count(*) AS adults FROM key_adult
    WHERE force_id = CAST(:force_id AS text) AND active_from <= CAST(:day AS date)
        AND (active_to IS NULL OR active_to >= CAST(:day AS date))
    GROUP BY urn
)
SELECT s.urn, s.name, h.source, c.confirmed_at, coalesce(a.adults, 0) AS key_adults
FROM school AS s
LEFT JOIN held AS h ON h.urn = s.urn
LEFT JOIN confirmed AS c ON c.source = h.source
LEFT JOIN contacts AS a ON a.urn = s.urn
WHERE s.force_id = CAST(:force_id AS text) AND s.status_code IN (1, 3) AND s.la_code IN (
    SELECT l.la_code FROM held AS o JOIN school AS l ON l.force_id = CAST(:force_id AS text) AND l.urn = o.urn
)
ORDER BY c.confirmed_at NULLS FIRST, s.urn
