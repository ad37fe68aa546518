-- name: waiting
SELECT p.involvement_id, p.status, p.reason, p.duty_by, p.decided_at, i.night, p.evidence,
    (SELECT d.outcome FROM review_decision AS d
     WHERE d.involvement_id = p.involvement_id AND d.confirmed_at IS NULL AND d.withdrawn_at IS NULL) AS proposed
FROM placement AS p
JOIN involvement AS v ON v.involvement_id = p.involvement_id
JOIN incident AS i ON i.incident_id = v.incident_id
WHERE p.force_id = CAST(:force_id AS text) AND p.status IN ('in_review', 'not_found')
ORDER BY p.duty_by, p.involvement_id

-- name: one_waiting
SELECT p.involvement_id, p.status, p.reason, p.duty_by, p.decided_at, p.decided_version, p.evidence
FROM placement AS p
WHERE p.force_id = CAST(:force_id AS text) AND p.involvement_id = CAST(:involvement_id AS uuid)
    AND p.status IN ('in_review', 'not_found')
FOR UPDATE

-- name: placed_before
SELECT i.night, p.pupil_id, array_remove(array_agg(DISTINCT r.urn ORDER BY r.urn), NULL) AS urns
FROM involvement AS v
JOIN involvement AS w ON w.force_id = v.force_id AND w.person_hash = v.person_hash
    AND w.involvement_id <> v.involvement_id
JOIN placement AS p ON p.involvement_id = w.involvement_id AND p.status = 'placed'
JOIN incident AS i ON i.incident_id = w.incident_id
LEFT JOIN duty AS d ON d.involvement_id = w.involvement_id AND d.withdrawn_at IS NULL
LEFT JOIN recipient AS r ON r.recipient_id = d.recipient_id
WHERE v.force_id = CAST(:force_id AS text) AND v.involvement_id = CAST(:involvement_id AS uuid)
GROUP BY w.involvement_id, i.night, p.pupil_id
ORDER BY i.night DESC, w.involvement_id

-- name: insert_review_decision
INSERT INTO review_decision (decision_id, force_id, involvement_id, decided_version, outcome, pupil_id, urns,
    recipient_id, overrides, sealed_reason, key_id, proposed_by, proposed_at)
VALUES (CAST(:decision_id AS uuid), CAST(:force_id AS text), CAST(:involvement_id AS uuid),
    CAST(:decided_version AS bigint), CAST(:outcome AS text), CAST(:pupil_id AS uuid), CAST(:urns AS bigint[]),
    CAST(:recipient_id AS uuid), CAST(:overrides AS text[]), CAST(:sealed_reason AS bytea), CAST(:key_id AS uuid), CAST(:proposed_by AS text),
    CAST(:proposed_at AS timestamptz))
ON CONFLICT (involvement_id) WHERE confirmed_at IS NULL AND withdrawn_at IS NULL DO NOTHING
RETURNING decision_id

-- name: proposal
SELECT decision_id, decided_version, outcome, pupil_id, urns, overrides, proposed_by, proposed_at, recipient_id
FROM review_decision
WHERE involvement_id = CAST(:involvement_id AS uuid) AND confirmed_at IS NULL AND withdrawn_at IS NULL
FOR UPDATE

-- name: confirm_review_decision
UPDATE review_decision SET confirmed_by = CAST(:confirmed_by AS text), confirmed_at = CAST(:confirmed_at AS timestamptz)
WHERE decision_id = CAST(:decision_id AS uuid) AND confirmed_at IS NULL AND withdrawn_at IS NULL
RETURNING decision_id

-- name: withdraw_review_decision
UPDATE review_decision SET withdrawn_at = CAST(:withdrawn_at AS timestamptz)
WHERE involvement_id = CAST(:involvement_id AS uuid) AND confirmed_at IS NULL AND withdrawn_at IS NULL
