-- name: recipient_id
SELECT recipient_id FROM recipient
WHERE force_id = CAST(:force_id AS text) AND kind = CAST(:kind AS text) AND code = CAST(:code AS text)

-- name: insert_recipient
INSERT INTO recipient (recipient_id, force_id, kind, urn, la_code, office, partner_force)
VALUES (CAST(:recipient_id AS uuid), CAST(:force_id AS text), CAST(:kind AS text), CAST(:urn AS bigint),
    CAST(:la_code AS text), CAST(:office AS text), CAST(:partner_force AS text))
ON CONFLICT (force_id, kind, code) DO NOTHING

-- name: named
SELECT r.kind, r.urn, r.la_code, r.office, r.partner_force,
    coalesce(s.name, r.partner_force, (
        SELECT min(l.la_name) FROM school AS l WHERE l.force_id = r.force_id AND l.la_code = r.la_code
    ), r.la_code) AS name
FROM recipient AS r LEFT JOIN school AS s ON s.force_id = r.force_id AND s.urn = r.urn
WHERE r.recipient_id = CAST(:recipient_id AS uuid)
