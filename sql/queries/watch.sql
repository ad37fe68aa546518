-- name: contacts
SELECT k.key_adult_id, k.sealed, k.key_id, r.recipient_id, r.urn, coalesce(s.name, r.partner_force, (
        SELECT min(l.la_name) FROM school AS l WHERE l.force_id = r.force_id AND l.la_code = r.la_code
    ), r.la_code) AS name, s.telephone,
    (SELECT count(*) FROM notification AS n
        WHERE n.recipient_id = r.recipient_id AND n.status = 'released') AS unacknowledged
FROM key_adult AS k
JOIN recipient AS r ON r.recipient_id = k.recipient_id
LEFT JOIN school AS s ON s.force_id = r.force_id AND s.urn = r.urn
WHERE k.force_id = CAST(:force_id AS text)
    AND k.active_from <= CAST(:day AS date) AND (k.active_to IS NULL OR k.active_to >= CAST(:day AS date))
ORDER BY name, r.recipient_id, k.role DESC, k.key_adult_id
