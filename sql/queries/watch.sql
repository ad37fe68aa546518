-- name: recipients
SELECT r.recipient_id, r.urn, coalesce(s.name, r.partner_force, (
        SELECT min(l.la_name) FROM school AS l WHERE l.force_id = r.force_id AND l.la_code = r.la_code
    ), r.la_code) AS name, s.telephone, coalesce(s.la_code, r.la_code) AS la_code,
    ARRAY(SELECT n.notification_id FROM notification AS n
        WHERE n.recipient_id = r.recipient_id AND n.status = 'released' ORDER BY n.notification_id) AS waiting
FROM recipient AS r
LEFT JOIN school AS s ON s.force_id = r.force_id AND s.urn = r.urn
WHERE r.force_id = CAST(:force_id AS text) AND (
    EXISTS (SELECT 1 FROM notification AS n WHERE n.recipient_id = r.recipient_id AND n.status = 'released')
    OR EXISTS (
        SELECT 1 FROM key_adult AS k WHERE k.recipient_id = r.recipient_id
            AND k.active_from <= CAST(:day AS date) AND (k.active_to IS NULL OR k.active_to >= CAST(:day AS date))
    )
)
ORDER BY name, r.recipient_id

-- name: contacts
SELECT recipient_id, key_adult_id, sealed, key_id FROM key_adult
WHERE force_id = CAST(:force_id AS text)
    AND active_from <= CAST(:day AS date) AND (active_to IS NULL OR active_to >= CAST(:day AS date))
ORDER BY recipient_id, role DESC, key_adult_id
