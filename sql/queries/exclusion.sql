-- name: exclude
INSERT INTO notification_exclusion (notification_id, person_hash, key_adult_id, force_id, reason, excluded_at,
    rerouted_at, found_later)
SELECT CAST(:notification_id AS uuid), k.person_hash, k.key_adult_id, k.force_id, CAST(:reason AS text),
    CAST(:excluded_at AS timestamptz), CAST(:excluded_at AS timestamptz), CAST(:found_later AS boolean)
FROM key_adult AS k WHERE k.key_adult_id = CAST(:key_adult_id AS uuid)
ON CONFLICT DO NOTHING
RETURNING key_adult_id

-- name: inherit
INSERT INTO notification_exclusion (notification_id, person_hash, key_adult_id, force_id, reason, excluded_at,
    rerouted_at, found_later)
SELECT DISTINCT ON (x.person_hash, x.reason) CAST(:notification_id AS uuid), x.person_hash, x.key_adult_id,
    x.force_id, x.reason, CAST(:excluded_at AS timestamptz), CAST(:excluded_at AS timestamptz),
    x.found_later AND x.decided_at IS NULL
FROM notification_exclusion AS x
JOIN notification AS n ON n.notification_id = x.notification_id
WHERE n.recipient_id = CAST(:recipient_id AS uuid) AND NOT x.admitted
    AND (n.pupil_id = CAST(:pupil_id AS uuid) OR n.person_hash = CAST(:person_of AS bytea))
ORDER BY x.person_hash, x.reason, x.excluded_at
ON CONFLICT DO NOTHING

-- name: excuse
INSERT INTO notification_exclusion (notification_id, person_hash, key_adult_id, force_id, reason, excluded_at)
SELECT n.notification_id, session_person(), session_key_adult(), n.force_id, 'own_word',
    CAST(:excluded_at AS timestamptz)
FROM notification AS n WHERE n.notification_id = CAST(:notification_id AS uuid)
ON CONFLICT DO NOTHING

-- name: excluded_adults
SELECT x.notification_id, k.key_adult_id FROM notification_exclusion AS x
JOIN key_adult AS k ON k.force_id = x.force_id AND k.person_hash = x.person_hash
WHERE x.notification_id = ANY (CAST(:notification_ids AS uuid[])) AND NOT x.admitted
UNION
SELECT n.notification_id, k.key_adult_id FROM notification AS n JOIN key_adult AS k ON k.recipient_id = n.recipient_id
WHERE n.notification_id = ANY (CAST(:notification_ids AS uuid[])) AND k.compared_hash IS DISTINCT FROM k.content_hash

-- name: to_reroute
SELECT DISTINCT x.notification_id, n.recipient_id, n.status FROM notification_exclusion AS x
JOIN notification AS n ON n.notification_id = x.notification_id
WHERE x.force_id = CAST(:force_id AS text) AND x.rerouted_at IS NULL
ORDER BY x.notification_id

-- name: set_rerouted
UPDATE notification_exclusion SET rerouted_at = CAST(:rerouted_at AS timestamptz)
WHERE notification_id = CAST(:notification_id AS uuid) AND rerouted_at IS NULL

-- name: told_or_held
SELECT n.notification_id, n.status, array_agg(d.involvement_id ORDER BY d.involvement_id) AS involvement_ids
FROM notification AS n
JOIN notification_part AS np ON np.notification_id = n.notification_id
JOIN duty AS d ON d.duty_id = np.duty_id
WHERE n.recipient_id = CAST(:recipient_id AS uuid) AND (
    n.status IN ('held', 'released', 'acknowledged')
    OR EXISTS (SELECT 1 FROM notice AS w WHERE w.notification_id = n.notification_id)
)
GROUP BY n.notification_id
ORDER BY n.notification_id
