-- name: to_call
SELECT n.notification_id, t.phone_task_id, t.called, t.reason, t.opened_at, r.recipient_id, r.urn,
    coalesce(s.name, r.partner_force, (
        SELECT min(l.la_name) FROM school AS l WHERE l.force_id = r.force_id AND l.la_code = r.la_code
    ), r.la_code) AS recipient_name, s.telephone, coalesce(s.la_code, r.la_code) AS la_code, s.la_name,
    (SELECT min(d.duty_by) FROM notification_part AS np JOIN duty AS d ON d.duty_id = np.duty_id
        WHERE np.notification_id = n.notification_id) AS duty_by,
    (SELECT count(*) FROM phone_call AS c WHERE c.notification_id = n.notification_id) AS calls,
    (SELECT c.outcome FROM phone_call AS c WHERE c.notification_id = n.notification_id
        ORDER BY c.called_at DESC, c.call_id LIMIT 1) AS last_outcome,
    EXISTS (
        SELECT 1 FROM notification_exclusion AS x WHERE x.notification_id = n.notification_id AND NOT x.admitted
    ) AS is_in_conflict,
    EXISTS (
        SELECT 1 FROM notification_part AS np
        JOIN duty AS d ON d.duty_id = np.duty_id
        JOIN placement AS p ON p.involvement_id = d.involvement_id
        WHERE np.notification_id = n.notification_id AND np.ended_at IS NULL AND n.status = 'released'
            AND p.status NOT IN ('placed', 'referred')
    ) AS is_in_doubt
FROM notification AS n
JOIN recipient AS r ON r.recipient_id = n.recipient_id
LEFT JOIN school AS s ON s.force_id = r.force_id AND s.urn = r.urn
LEFT JOIN phone_task AS t ON t.notification_id = n.notification_id AND t.withdrawn_at IS NULL
WHERE n.force_id = CAST(:force_id AS text) AND (n.status = 'released' OR t.reason = 'recalled')
ORDER BY duty_by, r.urn, n.notification_id, t.opened_at

-- name: called_about
SELECT n.notification_id, n.status, n.recipient_id, n.key_id, n.sealed_child,
    (SELECT min(iv.occurred_from) FROM notification_part AS np
        JOIN duty AS d ON d.duty_id = np.duty_id
        JOIN involvement AS v ON v.involvement_id = d.involvement_id
        JOIN incident AS i ON i.incident_id = v.incident_id
        JOIN incident_version AS iv ON iv.incident_id = i.incident_id AND iv.version = i.current_version
        WHERE np.notification_id = n.notification_id) AS occurred_from
FROM notification AS n
WHERE n.force_id = CAST(:force_id AS text) AND (
    n.notification_id = CAST(:called_id AS uuid)
    OR n.notification_id IN (SELECT t.notification_id FROM phone_task AS t WHERE t.phone_task_id = CAST(:called_id AS uuid))
)

-- name: insert_call
INSERT INTO phone_call (call_id, force_id, notification_id, outcome, key_adult_id, sealed_spoke_to, key_id, called_by,
    called_at)
VALUES (CAST(:call_id AS uuid), CAST(:force_id AS text), CAST(:notification_id AS uuid), CAST(:outcome AS text),
    CAST(:key_adult_id AS uuid), CAST(:sealed_spoke_to AS bytea), CAST(:key_id AS uuid), CAST(:called_by AS text),
    CAST(:called_at AS timestamptz))

-- name: close_recalled
UPDATE phone_task AS t SET
    reason = CASE WHEN n.status = 'released' THEN 'unacknowledged' ELSE t.reason END,
    withdrawn_at = CASE WHEN n.status = 'released' THEN NULL ELSE CAST(:withdrawn_at AS timestamptz) END
FROM notification AS n
WHERE t.notification_id = CAST(:notification_id AS uuid) AND t.reason = 'recalled' AND t.withdrawn_at IS NULL
    AND n.notification_id = t.notification_id
