-- name: insert_event
INSERT INTO audit_event (force_id, happened_at, actor_kind, actor_id, action, subject_kind, subject_id, details)
VALUES (
    CAST(:force_id AS text), CAST(:happened_at AS timestamptz), CAST(:actor AS text), CAST(:actor_id AS uuid),
    CAST(:action AS text), CAST(:subject_kind AS text), CAST(:subject_id AS uuid), CAST(:details AS jsonb)
)

-- name: lock_chain
SELECT pg_advisory_xact_lock(7266)

-- name: last_link
SELECT position, link_hash FROM audit_link ORDER BY position DESC LIMIT 1

-- name: unchained_events
SELECT e.event_id, e.recorded_at, e.force_id, e.happened_at, e.actor_kind, e.actor_id, e.action, e.subject_kind,
    e.subject_id, e.details
FROM audit_event AS e
WHERE NOT EXISTS (SELECT 1 FROM audit_link AS l WHERE l.event_id = e.event_id)
ORDER BY e.event_id

-- name: insert_links
INSERT INTO audit_link (position, event_id, event_hash, link_hash)
SELECT * FROM unnest(
    CAST(:positions AS bigint[]), CAST(:event_ids AS bigint[]), CAST(:event_hashes AS bytea[]),
    CAST(:link_hashes AS bytea[])
)

-- name: links
SELECT position, event_id, event_hash, link_hash FROM audit_link ORDER BY position

-- name: events
SELECT event_id, recorded_at, force_id, happened_at, actor_kind, actor_id, action, subject_kind, subject_id, details
FROM audit_event
