-- name: contacts
SELECT k.key_adult_id, k.sealed, k.key_id, k.urn, s.name AS school_name, s.telephone,
    (SELECT count(*) FROM notification AS n
        WHERE n.force_id = k.force_id AND n.urn = k.urn AND n.status = 'released') AS unacknowledged
FROM key_adult AS k
JOIN school AS s ON s.force_id = k.force_id AND s.urn = k.urn
WHERE k.force_id = CAST(:force_id AS text)
    AND k.active_from <= CAST(:day AS date) AND (k.active_to IS NULL OR k.active_to >= CAST(:day AS date))
ORDER BY s.name, k.urn, k.role DESC, k.key_adult_id
