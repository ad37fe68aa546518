-- name: undecided
SELECT x.notification_id, q.code AS recipient, n.status, x.key_adult_id, x.reason, x.excluded_at,
    (SELECT d.outcome FROM conflict_decision AS d
     WHERE d.notification_id = x.notification_id AND d.person_hash = x.person_hash AND d.confirmed_at IS NULL
         AND d.withdrawn_at IS NULL) AS proposed
FROM notification_exclusion AS x
JOIN notification AS n ON n.notification_id = x.notification_id
JOIN recipient AS q ON q.recipient_id = n.recipient_id
WHERE x.force_id = CAST(:force_id AS text) AND x.found_later AND x.decided_at IS NULL
    AND n.status IN ('held', 'released', 'acknowledged')
ORDER BY x.excluded_at, x.notification_id, x.key_adult_id, x.reason

-- name: insert_decision
INSERT INTO conflict_decision (decision_id, force_id, notification_id, key_adult_id, person_hash, outcome, needs_two,
    sealed_reason, key_id, proposed_by, proposed_at)
SELECT CAST(:decision_id AS uuid), k.force_id, CAST(:notification_id AS uuid), k.key_adult_id, k.person_hash,
    CAST(:outcome AS text), CAST(:needs_two AS boolean), CAST(:sealed_reason AS bytea), CAST(:key_id AS uuid),
    CAST(:proposed_by AS text), CAST(:proposed_at AS timestamptz)
FROM key_adult AS k WHERE k.key_adult_id = CAST(:key_adult_id AS uuid)
ON CONFLICT (notification_id, person_hash) WHERE confirmed_at IS NULL AND withdrawn_at IS NULL DO NOTHING
RETURNING decision_id

-- name: open_decision
SELECT d.decision_id, d.outcome, d.needs_two, d.proposed_by FROM conflict_decision AS d
JOIN key_adult AS k ON k.force_id = d.force_id AND k.person_hash = d.person_hash
WHERE d.notification_id = CAST(:notification_id AS uuid) AND k.key_adult_id = CAST(:key_adult_id AS uuid)
    AND d.confirmed_at IS NULL AND d.withdrawn_at IS NULL
FOR UPDATE OF d

-- name: confirm_decision
UPDATE conflict_decision SET confirmed_by = CAST(:confirmed_by AS text),
    confirmed_at = CAST(:confirmed_at AS timestamptz)
WHERE decision_id = CAST(:decision_id AS uuid) AND confirmed_at IS NULL AND withdrawn_at IS NULL
RETURNING decision_id

-- name: withdraw_decision
UPDATE conflict_decision SET withdrawn_at = CAST(:withdrawn_at AS timestamptz)
WHERE decision_id = CAST(:decision_id AS uuid) AND confirmed_at IS NULL AND withdrawn_at IS NULL
RETURNING decision_id

-- name: set_decided
UPDATE notification_exclusion AS x SET admitted = CAST(:admitted AS boolean), decided_at = CAST(:decided_at AS timestamptz)
FROM key_adult AS k
WHERE k.key_adult_id = CAST(:key_adult_id AS uuid) AND x.force_id = k.force_id AND x.person_hash = k.person_hash
    AND x.notification_id = CAST(:notification_id AS uuid) AND x.found_later AND x.decided_at IS NULL
RETURNING x.notification_id
