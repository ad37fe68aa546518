-- name: add_report
INSERT INTO delivery_report (delivery_report_id, force_id, nudge_reference, kind, provider_status, provider_reference)
VALUES (CAST(:delivery_report_id AS uuid), CAST(:force_id AS text), CAST(:nudge_reference AS uuid),
    CAST(:kind AS text), CAST(:provider_status AS text), CAST(:provider_reference AS text))
ON CONFLICT DO NOTHING

-- name: unjoined
SELECT d.delivery_report_id, d.kind, d.provider_status, d.provider_reference, d.nudge_reference, n.status, n.channel
FROM delivery_report AS d
JOIN nudge AS n ON n.force_id = d.force_id AND n.nudge_id = d.nudge_reference
WHERE d.force_id = CAST(:force_id AS text) AND d.joined_at IS NULL
    AND n.status NOT IN ('queued', 'sending')
ORDER BY (d.kind = 'failed'), d.received_at, d.delivery_report_id
LIMIT 1000 FOR UPDATE OF d, n SKIP LOCKED

-- name: join_report
UPDATE delivery_report SET joined_at = clock_timestamp()
WHERE delivery_report_id = CAST(:delivery_report_id AS uuid)

-- name: move
UPDATE nudge SET status = CAST(:status AS text), last_reason = CAST(:reason AS text)
WHERE nudge_id = CAST(:nudge_id AS uuid) AND status = CAST(:expected AS text)
RETURNING nudge_id

-- name: unreported
SELECT nudge_id, channel FROM nudge
WHERE force_id = CAST(:force_id AS text) AND status = 'accepted' AND provider = CAST(:provider AS text)
    AND accepted_at BETWEEN clock_timestamp() - CAST(:at_most AS interval) AND clock_timestamp() - CAST(:at_least AS interval)
    AND (polled_at IS NULL OR polled_at < clock_timestamp() - CAST(:at_least AS interval))
ORDER BY polled_at NULLS FIRST, accepted_at, nudge_id
LIMIT CAST(:limit AS bigint)

-- name: polled
UPDATE nudge SET polled_at = clock_timestamp() WHERE nudge_id = CAST(:nudge_id AS uuid)
