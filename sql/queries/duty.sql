-- name: waiting_duties
SELECT d.duty_id, d.duty_by, d.act_by, d.opened_at, r.urn
FROM duty AS d JOIN recipient AS r ON r.recipient_id = d.recipient_id
WHERE d.force_id = CAST(:force_id AS text) AND d.withdrawn_at IS NULL AND r.urn IS NOT NULL
    AND d.duty_by > CAST(:as_of AS timestamptz) AND d.opened_at <= CAST(:as_of AS timestamptz)
    AND NOT EXISTS (
        SELECT 1 FROM notification_part AS np JOIN acknowledgement AS a ON a.notification_id = np.notification_id
        WHERE np.duty_id = d.duty_id AND np.ended_at IS NULL
    )
ORDER BY d.duty_id

-- name: bring_forward
UPDATE duty SET duty_by = CAST(:duty_by AS timestamptz), act_by = least(act_by, CAST(:act_by AS timestamptz))
WHERE duty_id = CAST(:duty_id AS uuid) AND duty_by > CAST(:duty_by AS timestamptz) AND withdrawn_at IS NULL
RETURNING duty_id
