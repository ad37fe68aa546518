-- name: arrivals
SELECT r.as_of, p.way, p.newest_at, p.announced, p.completed_at IS NOT NULL AS complete,
    count(f.*) FILTER (WHERE f.outcome = 'accepted') AS accepted,
    count(f.*) FILTER (WHERE f.outcome = 'duplicate') AS duplicate,
    count(f.*) FILTER (WHERE f.outcome = 'quarantined') AS quarantined,
    count(f.*) FILTER (WHERE f.outcome = 'refused') AS refused,
    p.completed_at IS NULL AND EXISTS (
        SELECT 1 FROM feed_pull AS q JOIN run AS l ON l.run_id = q.run_id
        WHERE l.force_id = r.force_id AND l.night = r.night AND l.as_of > r.as_of
            AND l.as_of <= CAST(:as_of AS timestamptz) AND q.completed_at IS NOT NULL
            AND q.updated_from <= p.updated_from
    ) AS made_good
FROM run AS r
JOIN feed_pull AS p ON p.run_id = r.run_id
LEFT JOIN feed_record AS f ON f.run_id = p.run_id
WHERE r.force_id = CAST(:force_id AS text) AND r.night = CAST(:night AS date)
    AND r.as_of <= CAST(:as_of AS timestamptz)
GROUP BY r.run_id, p.run_id
ORDER BY r.as_of

-- name: facts
SELECT v.involvement_id, p.status AS placement_status, p.reason AS placement_reason, p.duty_by AS placement_duty_by,
    p.beyond_scope,
    d.duty_id, d.duty_by, d.withdrawn_at, r.urn,
    coalesce(s.name, r.partner_force, coalesce((
        SELECT min(l.la_name) FROM school AS l WHERE l.force_id = r.force_id AND l.la_code = r.la_code
    ), r.la_code) || ' (' || r.office || ')') AS recipient_name,
    n.notification_id, n.status AS notification_status, n.hold_kinds, a.acknowledged_at,
    (SELECT min(e.acknowledged_at) FROM acknowledgement AS e
     JOIN notification_part AS ep ON ep.notification_id = e.notification_id
     WHERE ep.duty_id = d.duty_id AND (ep.ended IS NULL OR ep.ended = 'superseded')) AS first_acknowledged_at,
    t.opened_at AS phone_task_opened_at, t.withdrawn_at AS phone_task_withdrawn_at
FROM involvement AS v
JOIN incident AS i ON i.incident_id = v.incident_id
LEFT JOIN placement AS p ON p.involvement_id = v.involvement_id
LEFT JOIN duty AS d ON d.involvement_id = v.involvement_id
LEFT JOIN recipient AS r ON r.recipient_id = d.recipient_id
LEFT JOIN school AS s ON s.force_id = r.force_id AND s.urn = r.urn
LEFT JOIN notification_part AS np ON np.duty_id = d.duty_id AND np.ended_at IS NULL
LEFT JOIN notification AS n ON n.notification_id = np.notification_id
LEFT JOIN acknowledgement AS a ON a.notification_id = n.notification_id
LEFT JOIN (
    SELECT notification_id, min(opened_at) AS opened_at,
        CASE WHEN bool_and(withdrawn_at IS NOT NULL) THEN max(withdrawn_at) END AS withdrawn_at
    FROM phone_task GROUP BY notification_id
) AS t ON t.notification_id = n.notification_id
WHERE i.force_id = CAST(:force_id AS text) AND i.night = CAST(:night AS date)
ORDER BY v.involvement_id, d.duty_id

-- name: insert_report
INSERT INTO compliance_report (force_id, night, as_of, run_id, report)
VALUES (CAST(:force_id AS text), CAST(:night AS date), CAST(:as_of AS timestamptz), CAST(:run_id AS uuid),
    CAST(:report AS jsonb))
ON CONFLICT (force_id, night, as_of) DO UPDATE SET report = excluded.report
