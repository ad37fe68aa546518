-- name: climbs
SELECT d.duty_id, d.recipient_id, d.duty_by, d.act_by, r.urn, n.notification_id, n.status, n.released_at,
    a.acknowledged_at,
    EXISTS (
        SELECT 1 FROM nudge_notification AS l JOIN nudge AS u ON u.nudge_id = l.nudge_id
        WHERE l.notification_id = n.notification_id AND u.status IN ('accepted', 'delivered')
    ) AS is_accepted,
    ARRAY(SELECT s.step FROM ladder_step AS s WHERE s.duty_id = d.duty_id) AS taken,
    EXISTS (
        SELECT 1 FROM notification_part AS ep JOIN acknowledgement AS e ON e.notification_id = ep.notification_id
        WHERE ep.duty_id = d.duty_id AND e.acknowledged_at <= d.duty_by
            AND (ep.ended IS NULL OR ep.ended = 'superseded')
    ) AS is_met,
    EXISTS (
        SELECT 1 FROM placement AS p WHERE p.involvement_id = d.involvement_id AND p.status NOT IN ('placed', 'referred')
    ) AS is_in_doubt
FROM duty AS d
JOIN recipient AS r ON r.recipient_id = d.recipient_id
LEFT JOIN notification_part AS np ON np.duty_id = d.duty_id AND np.ended_at IS NULL
LEFT JOIN notification AS n ON n.notification_id = np.notification_id
LEFT JOIN acknowledgement AS a ON a.notification_id = n.notification_id
WHERE d.force_id = CAST(:force_id AS text) AND d.withdrawn_at IS NULL
    AND d.opened_at <= CAST(:as_of AS timestamptz)
    AND (n.released_at IS NULL OR n.released_at <= CAST(:as_of AS timestamptz))
    AND (
        n.notification_id IS NULL OR n.status IN ('held', 'released')
        OR (
            n.status = 'acknowledged' AND a.acknowledged_at > d.duty_by
            AND NOT EXISTS (SELECT 1 FROM ladder_step AS s WHERE s.duty_id = d.duty_id AND s.step = 'missed')
        )
    )
ORDER BY d.recipient_id, d.duty_id

-- name: insert_step
INSERT INTO ladder_step (duty_id, step, force_id, reason, since, taken_at, run_id)
VALUES (CAST(:duty_id AS uuid), CAST(:step AS text), CAST(:force_id AS text), CAST(:reason AS text),
    CAST(:since AS timestamptz), CAST(:taken_at AS timestamptz), CAST(:run_id AS uuid))
ON CONFLICT (duty_id, step) DO NOTHING
RETURNING step

-- name: open_exception_of_duty
INSERT INTO duty_exception (exception_id, force_id, involvement_id, duty_id, duty_by, reason, opened_at, run_id)
SELECT CAST(:exception_id AS uuid), d.force_id, d.involvement_id, d.duty_id, d.duty_by, CAST(:reason AS text),
    CAST(:opened_at AS timestamptz), CAST(:run_id AS uuid)
FROM duty AS d WHERE d.duty_id = CAST(:duty_id AS uuid)
ON CONFLICT (involvement_id, duty_id) DO NOTHING
RETURNING exception_id

-- name: unplaced_past_their_bell
SELECT p.involvement_id, p.duty_by
FROM placement AS p
WHERE p.force_id = CAST(:force_id AS text) AND p.status IN ('unplaced', 'in_review', 'not_found', 'referred')
    AND p.duty_by < CAST(:as_of AS timestamptz) AND p.decided_at <= CAST(:as_of AS timestamptz)
    AND NOT EXISTS (
        SELECT 1 FROM duty AS d WHERE d.involvement_id = p.involvement_id AND d.withdrawn_at IS NULL
    )
    AND NOT EXISTS (
        SELECT 1 FROM duty_exception AS e WHERE e.involvement_id = p.involvement_id AND e.duty_id IS NULL
    )
ORDER BY p.duty_by, p.involvement_id

-- name: open_exception_of_child
INSERT INTO duty_exception (exception_id, force_id, involvement_id, duty_id, duty_by, reason, opened_at, run_id)
VALUES (CAST(:exception_id AS uuid), CAST(:force_id AS text), CAST(:involvement_id AS uuid), NULL,
    CAST(:duty_by AS timestamptz), 'not_placed', CAST(:opened_at AS timestamptz), CAST(:run_id AS uuid))
ON CONFLICT (involvement_id, duty_id) DO NOTHING
RETURNING exception_id

-- name: close_overtaken
UPDATE duty_exception AS e SET closed_at = CAST(:closed_at AS timestamptz), closed_by = 'pipeline'
WHERE e.force_id = CAST(:force_id AS text) AND e.closed_at IS NULL AND (
    (e.duty_id IS NULL AND EXISTS (
        SELECT 1 FROM placement AS p
        WHERE p.involvement_id = e.involvement_id AND p.status IN ('placed', 'excluded')
    ))
    OR EXISTS (SELECT 1 FROM duty AS d WHERE d.duty_id = e.duty_id AND d.withdrawn_at IS NOT NULL)
)
RETURNING e.exception_id

-- name: reopen_returned
UPDATE duty_exception AS e SET closed_at = NULL, closed_by = NULL
WHERE e.force_id = CAST(:force_id AS text) AND e.closed_by = 'pipeline' AND NOT EXISTS (
    SELECT 1 FROM duty AS d WHERE d.duty_id = e.duty_id AND d.withdrawn_at IS NOT NULL
) AND (e.duty_id IS NOT NULL OR NOT EXISTS (
    SELECT 1 FROM placement AS p
    WHERE p.involvement_id = e.involvement_id AND p.status IN ('placed', 'excluded')
))
RETURNING e.exception_id

-- name: exceptions
SELECT e.exception_id, i.night, e.duty_by, e.reason, e.opened_at, r.urn, coalesce(s.name, r.code) AS school_name,
    p.status AS placement_status, n.status AS notification_status, a.acknowledged_at
FROM duty_exception AS e
JOIN involvement AS v ON v.involvement_id = e.involvement_id
JOIN incident AS i ON i.incident_id = v.incident_id
LEFT JOIN placement AS p ON p.involvement_id = e.involvement_id
LEFT JOIN duty AS d ON d.duty_id = e.duty_id
LEFT JOIN recipient AS r ON r.recipient_id = d.recipient_id
LEFT JOIN school AS s ON s.force_id = r.force_id AND s.urn = r.urn
LEFT JOIN notification_part AS np ON np.duty_id = e.duty_id AND np.ended_at IS NULL
LEFT JOIN notification AS n ON n.notification_id = np.notification_id
LEFT JOIN acknowledgement AS a ON a.notification_id = n.notification_id
WHERE e.force_id = CAST(:force_id AS text) AND e.opened_at <= CAST(:as_of AS timestamptz)
    AND (e.closed_at IS NULL OR e.closed_at > CAST(:as_of AS timestamptz))
ORDER BY e.duty_by, e.exception_id

-- name: told_in_doubt
SELECT p.involvement_id, i.night, d.duty_by, r.urn, coalesce(s.name, r.code) AS school_name,
    n.status AS notification_status, a.acknowledged_at
FROM placement AS p
JOIN involvement AS v ON v.involvement_id = p.involvement_id
JOIN incident AS i ON i.incident_id = v.incident_id
JOIN duty AS d ON d.involvement_id = p.involvement_id AND d.withdrawn_at IS NULL
JOIN notification_part AS np ON np.duty_id = d.duty_id AND np.ended_at IS NULL
JOIN notification AS n ON n.notification_id = np.notification_id
JOIN recipient AS r ON r.recipient_id = d.recipient_id
LEFT JOIN school AS s ON s.force_id = r.force_id AND s.urn = r.urn
LEFT JOIN acknowledgement AS a ON a.notification_id = n.notification_id
WHERE p.force_id = CAST(:force_id AS text) AND p.decided_at <= CAST(:as_of AS timestamptz)
    AND (p.status = 'not_found' OR (p.status = 'in_review' AND p.reason IN ('corrected', 'no_longer_named')))
    AND n.status IN ('released', 'acknowledged')
ORDER BY d.duty_by, p.involvement_id, r.code

-- name: recalls_unconfirmed
SELECT n.notification_id, told.night, told.duty_by, r.urn, coalesce(s.name, r.code) AS school_name,
    n.status AS notification_status, a.acknowledged_at
FROM recall AS c
JOIN notification AS n ON n.notification_id = c.notification_id
JOIN LATERAL (
    SELECT min(d.duty_by) AS duty_by, min(i.night) AS night
    FROM notification_part AS np
    JOIN duty AS d ON d.duty_id = np.duty_id
    JOIN involvement AS v ON v.involvement_id = d.involvement_id
    JOIN incident AS i ON i.incident_id = v.incident_id
    WHERE np.notification_id = n.notification_id
) AS told ON true
JOIN recipient AS r ON r.recipient_id = n.recipient_id
LEFT JOIN school AS s ON s.force_id = r.force_id AND s.urn = r.urn
LEFT JOIN acknowledgement AS a ON a.notification_id = n.notification_id
WHERE c.force_id = CAST(:force_id AS text) AND c.proposed_at <= CAST(:as_of AS timestamptz)
    AND (c.confirmed_at IS NULL OR c.confirmed_at > CAST(:as_of AS timestamptz))
    AND (c.withdrawn_at IS NULL OR c.withdrawn_at > CAST(:as_of AS timestamptz))
ORDER BY told.duty_by, n.notification_id

-- name: conflicts_undecided
SELECT n.notification_id, told.night, told.duty_by, r.urn, coalesce(s.name, r.code) AS school_name,
    n.status AS notification_status, a.acknowledged_at
FROM notification AS n
JOIN LATERAL (
    SELECT min(d.duty_by) AS duty_by, min(i.night) AS night
    FROM notification_part AS np
    JOIN duty AS d ON d.duty_id = np.duty_id
    JOIN involvement AS v ON v.involvement_id = d.involvement_id
    JOIN incident AS i ON i.incident_id = v.incident_id
    WHERE np.notification_id = n.notification_id
) AS told ON true
JOIN recipient AS r ON r.recipient_id = n.recipient_id
LEFT JOIN school AS s ON s.force_id = r.force_id AND s.urn = r.urn
LEFT JOIN acknowledgement AS a ON a.notification_id = n.notification_id
WHERE n.force_id = CAST(:force_id AS text) AND n.status IN ('held', 'released', 'acknowledged')
    AND EXISTS (
        SELECT 1 FROM notification_exclusion AS x
        WHERE x.notification_id = n.notification_id AND x.found_later
            AND x.excluded_at <= CAST(:as_of AS timestamptz)
            AND (x.decided_at IS NULL OR x.decided_at > CAST(:as_of AS timestamptz))
    )
ORDER BY told.duty_by, n.notification_id

-- name: exception_key
SELECT i.key_id FROM duty_exception AS e
JOIN involvement AS v ON v.involvement_id = e.involvement_id
JOIN incident AS i ON i.incident_id = v.incident_id
WHERE e.force_id = CAST(:force_id AS text) AND e.exception_id = CAST(:exception_id AS uuid)

-- name: close_exception
UPDATE duty_exception SET closed_at = CAST(:closed_at AS timestamptz), closed_by = CAST(:closed_by AS text),
    sealed_reason = CAST(:sealed_reason AS bytea), key_id = CAST(:key_id AS uuid)
WHERE force_id = CAST(:force_id AS text) AND exception_id = CAST(:exception_id AS uuid) AND closed_at IS NULL
RETURNING exception_id

-- name: is_telephoned
SELECT EXISTS (
    SELECT 1 FROM ladder_step WHERE duty_id = CAST(:duty_id AS uuid) AND step = 'telephone'
)
