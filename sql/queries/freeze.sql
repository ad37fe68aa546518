-- name: standing
SELECT freeze_id, cause, frozen_at, frozen_by, key_id FROM sending_freeze
WHERE force_id = CAST(:force_id AS text) AND lifted_at IS NULL

-- name: insert_freeze
INSERT INTO sending_freeze (freeze_id, force_id, cause, frozen_at, frozen_by, sealed_reason, key_id)
VALUES (CAST(:freeze_id AS uuid), CAST(:force_id AS text), CAST(:cause AS text), CAST(:frozen_at AS timestamptz),
    CAST(:frozen_by AS text), CAST(:sealed_reason AS bytea), CAST(:key_id AS uuid))
ON CONFLICT (force_id) WHERE lifted_at IS NULL DO NOTHING
RETURNING freeze_id

-- name: lift
UPDATE sending_freeze SET lifted_at = CAST(:lifted_at AS timestamptz), lifted_by = CAST(:lifted_by AS text),
    sealed_lift_reason = CAST(:sealed_lift_reason AS bytea), key_id = CAST(:key_id AS uuid)
WHERE freeze_id = CAST(:freeze_id AS uuid) AND lifted_at IS NULL
RETURNING freeze_id

-- name: is_outbox_behind
SELECT EXISTS (
    SELECT 1 FROM nudge AS u
    WHERE u.force_id = CAST(:force_id AS text) AND u.status IN ('queued', 'sending', 'ambiguous')
        AND u.run_id <> CAST(:run_id AS uuid)
) AND coalesce((
    SELECT max(r.opened_at) FROM run AS r
    WHERE r.force_id = CAST(:force_id AS text) AND r.opened_at < (
        SELECT c.opened_at FROM run AS c WHERE c.run_id = CAST(:run_id AS uuid)
    )
) < clock_timestamp() - CAST(:behind AS interval), false) AND NOT EXISTS (
    SELECT 1 FROM sending_freeze AS f
    WHERE f.force_id = CAST(:force_id AS text) AND f.lifted_at >= CAST(:as_of AS timestamptz)
) AS is_behind
