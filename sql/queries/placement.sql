-- name: to_decide
SELECT v.incident_id, v.involvement_id
FROM involvement AS v
LEFT JOIN placement AS p ON p.involvement_id = v.involvement_id
WHERE v.force_id = CAST(:force_id AS text)
    AND (p.involvement_id IS NULL OR p.status = 'unplaced' OR p.decided_version < v.version)
ORDER BY v.incident_id, v.involvement_id

-- name: involvements_of_incidents
SELECT v.involvement_id, p.pupil_id
FROM involvement AS v
LEFT JOIN placement AS p ON p.involvement_id = v.involvement_id AND p.decided_version >= v.version
WHERE v.incident_id = ANY (CAST(:incident_ids AS uuid[]))
ORDER BY v.incident_id, v.involvement_id

-- name: placement_for_update
SELECT status, reason, pupil_id, decided_version FROM placement
WHERE involvement_id = CAST(:involvement_id AS uuid) FOR UPDATE

-- name: insert_placement
INSERT INTO placement (involvement_id, force_id, status, reason, pupil_id, duty_by, evidence, decided_at,
    decided_version, run_id, beyond_scope)
VALUES (CAST(:involvement_id AS uuid), CAST(:force_id AS text), CAST(:status AS text), CAST(:reason AS text),
    CAST(:pupil_id AS uuid), CAST(:duty_by AS timestamptz), CAST(:evidence AS jsonb),
    CAST(:decided_at AS timestamptz), CAST(:decided_version AS bigint), CAST(:run_id AS uuid),
    CAST(:beyond_scope AS text))
-- of two at once the second may meet the first in any of the unique indexes
ON CONFLICT DO NOTHING
RETURNING involvement_id

-- name: move_placement
UPDATE placement SET status = CAST(:status AS text), reason = CAST(:reason AS text),
    pupil_id = CAST(:pupil_id AS uuid), evidence = CAST(:evidence AS jsonb),
    decided_at = CAST(:decided_at AS timestamptz), decided_version = CAST(:decided_version AS bigint),
    run_id = CAST(:run_id AS uuid)
WHERE involvement_id = CAST(:involvement_id AS uuid) AND status = CAST(:expected AS text)
RETURNING involvement_id

-- name: mark_scope
UPDATE placement SET beyond_scope = CAST(:beyond_scope AS text)
WHERE involvement_id = CAST(:involvement_id AS uuid)

-- name: keep_placement
UPDATE placement SET decided_version = CAST(:decided_version AS bigint)
WHERE involvement_id = CAST(:involvement_id AS uuid)

-- name: pupils_claimed_in_incident
SELECT p.pupil_id FROM placement AS p
JOIN involvement AS v ON v.involvement_id = p.involvement_id
WHERE v.incident_id = CAST(:incident_id AS uuid) AND p.status = 'placed'
    AND v.involvement_id <> CAST(:involvement_id AS uuid)

-- name: disputed
-- A recall that waits, and an answer not taken up yet, are disputes whatever was decided before; any other until a person
-- has said since that the school is the right one. Where the message was of another child, it says nothing of this pupil.
WITH said AS (
    SELECT n.pupil_id, n.urn, max(
        CASE WHEN np.ended IS NULL AND n.status = 'not_our_pupil' THEN 'infinity'
            WHEN c.recall_id IS NOT NULL AND c.confirmed_at IS NULL THEN 'infinity'
            ELSE greatest(c.confirmed_at, CASE WHEN np.ended IN ('not_ours', 'recalled') THEN np.ended_at END)
        END
    ) AS at
    FROM notification AS n
    JOIN notification_part AS np ON np.notification_id = n.notification_id
    JOIN duty AS d ON d.duty_id = np.duty_id
    JOIN placement AS p ON p.involvement_id = d.involvement_id AND coalesce(p.pupil_id, n.pupil_id) = n.pupil_id
    LEFT JOIN recall AS c ON c.notification_id = n.notification_id AND c.withdrawn_at IS NULL
        AND coalesce(c.duty_id, np.duty_id) = np.duty_id
    WHERE n.force_id = CAST(:force_id AS text) AND n.pupil_id = ANY (CAST(:pupil_ids AS uuid[]))
        AND n.urn IS NOT NULL
    GROUP BY n.pupil_id, n.urn
)
SELECT said.pupil_id, said.urn FROM said
WHERE said.at IS NOT NULL
    AND NOT EXISTS (
        SELECT 1 FROM review_decision AS d
        WHERE d.pupil_id = said.pupil_id AND d.outcome = 'placed' AND said.urn = ANY (d.urns)
            AND d.proposed_at > said.at AND d.confirmed_at IS NOT NULL
    )
    AND NOT EXISTS (
        SELECT 1 FROM hold_decision AS d
        JOIN notification AS n ON n.notification_id = d.notification_id
        WHERE n.pupil_id = said.pupil_id AND n.urn = said.urn AND 'disputed' = ANY (n.hold_kinds)
            AND d.outcome = 'released' AND d.proposed_at > said.at AND d.confirmed_at IS NOT NULL
    )
    AND NOT EXISTS (
        SELECT 1 FROM recall AS c
        JOIN notification AS n ON n.notification_id = c.notification_id
        WHERE n.pupil_id = said.pupil_id AND c.right_urn = said.urn AND c.confirmed_at > said.at
    )

-- name: insert_duty
INSERT INTO duty (duty_id, force_id, involvement_id, recipient_id, duty_by, act_by, opened_at, run_id)
VALUES (CAST(:duty_id AS uuid), CAST(:force_id AS text), CAST(:involvement_id AS uuid),
    CAST(:recipient_id AS uuid), CAST(:duty_by AS timestamptz), CAST(:act_by AS timestamptz),
    CAST(:opened_at AS timestamptz), CAST(:run_id AS uuid))
ON CONFLICT (involvement_id, recipient_id) DO UPDATE SET withdrawn_at = NULL, duty_by = excluded.duty_by,
    act_by = excluded.act_by, opened_at = excluded.opened_at, run_id = excluded.run_id
WHERE duty.withdrawn_at IS NOT NULL
RETURNING duty_id

-- name: live_duties
SELECT d.duty_id, d.recipient_id, n.notification_id, n.pupil_id
FROM duty AS d
LEFT JOIN notification_part AS np ON np.duty_id = d.duty_id AND np.ended_at IS NULL
LEFT JOIN notification AS n ON n.notification_id = np.notification_id
WHERE d.involvement_id = CAST(:involvement_id AS uuid) AND d.withdrawn_at IS NULL
ORDER BY d.duty_id

-- name: reinstate_duty
UPDATE duty SET withdrawn_at = NULL
WHERE duty_id = CAST(:duty_id AS uuid) AND withdrawn_at IS NOT NULL
RETURNING duty_id

-- name: withdraw_duty
UPDATE duty SET withdrawn_at = CAST(:withdrawn_at AS timestamptz)
WHERE duty_id = CAST(:duty_id AS uuid) AND withdrawn_at IS NULL
RETURNING duty_id

-- name: reopen_placement
UPDATE placement SET status = CAST(:status AS text), reason = CAST(:reason AS text), pupil_id = NULL,
    decided_at = CAST(:decided_at AS timestamptz), run_id = CAST(:run_id AS uuid)
WHERE involvement_id = CAST(:involvement_id AS uuid) AND status = CAST(:expected AS text)
RETURNING involvement_id

-- name: withdraw_duties
UPDATE duty SET withdrawn_at = CAST(:withdrawn_at AS timestamptz)
WHERE involvement_id = CAST(:involvement_id AS uuid) AND withdrawn_at IS NULL
RETURNING duty_id

-- name: outcomes_of_night
SELECT v.involvement_id, v.sealed, i.incident_id, i.key_id, iv.sealed AS incident_sealed, p.status, p.reason,
    array_remove(array_agg(r.urn ORDER BY r.urn), NULL) AS urns,
    coalesce(bool_or(n.status = 'held'), false) AS held
FROM involvement AS v
JOIN incident AS i ON i.incident_id = v.incident_id
JOIN incident_version AS iv ON iv.incident_id = i.incident_id AND iv.version = i.current_version
LEFT JOIN placement AS p ON p.involvement_id = v.involvement_id
LEFT JOIN duty AS d ON d.involvement_id = v.involvement_id AND d.withdrawn_at IS NULL
LEFT JOIN recipient AS r ON r.recipient_id = d.recipient_id
LEFT JOIN notification_part AS np ON np.duty_id = d.duty_id AND np.ended_at IS NULL
LEFT JOIN notification AS n ON n.notification_id = np.notification_id
WHERE i.force_id = CAST(:force_id AS text) AND i.night = CAST(:night AS date)
GROUP BY v.involvement_id, i.incident_id, iv.incident_id, iv.version, p.involvement_id

-- name: evidence_of_placed
SELECT pupil_id, evidence FROM placement
WHERE force_id = CAST(:force_id AS text) AND status = 'placed'
ORDER BY involvement_id
