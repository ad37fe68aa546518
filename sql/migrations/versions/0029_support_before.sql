-- What a school recorded of a message stays before its eyes when police correct that message: the one in its place has it.
CREATE OR REPLACE VIEW encompass.live_notification AS
SELECT own.notification_id, own.key_id, own.supersedes
FROM encompass.live_session AS s
CROSS JOIN LATERAL (
    SELECT n.notification_id, n.key_id, n.supersedes
    FROM encompass.key_adult AS k
    JOIN encompass.notification AS n ON n.force_id = s.force_id AND n.recipient_id = s.recipient_id
        AND n.status IN ('released', 'acknowledged')
    WHERE k.key_adult_id = s.key_adult_id AND k.compared_hash IS NOT DISTINCT FROM k.content_hash
        AND NOT EXISTS (
            SELECT 1 FROM encompass.notification_exclusion AS x
            WHERE x.notification_id = n.notification_id AND x.person_hash = k.person_hash AND NOT x.admitted
        )
        AND NOT EXISTS (
            SELECT 1 FROM encompass.recall AS r
            WHERE r.notification_id = n.notification_id AND r.duty_id IS NULL AND r.withdrawn_at IS NULL
        )
    OFFSET 0
) AS own
WHERE s.role = 'school';

-- The messages of the session's school, each with those of its own that it replaced, one after another, and that are
-- closed: but those that the session's Key Adult is kept from.
CREATE FUNCTION encompass.session_replaced() RETURNS TABLE (notification_id uuid, replaced_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 2 SET search_path = encompass, pg_temp
AS $$
    WITH RECURSIVE replaced AS (
        SELECT n.notification_id, n.supersedes AS replaced_id
        FROM encompass.live_notification AS n WHERE n.supersedes IS NOT NULL
        UNION
        SELECT r.notification_id, n.supersedes
        FROM replaced AS r
        JOIN encompass.notification AS n ON n.notification_id = r.replaced_id
        WHERE n.supersedes IS NOT NULL
    )
    SELECT r.notification_id, r.replaced_id
    FROM replaced AS r
    JOIN encompass.notification AS n ON n.notification_id = r.replaced_id AND n.status = 'superseded'
    JOIN encompass.live_session AS s ON s.force_id = n.force_id AND s.recipient_id = n.recipient_id
    JOIN encompass.key_adult AS k ON k.key_adult_id = s.key_adult_id
    WHERE NOT EXISTS (
        SELECT 1 FROM encompass.notification_exclusion AS x
        WHERE x.notification_id = n.notification_id AND x.person_hash = k.person_hash AND NOT x.admitted
    )
$$;
REVOKE ALL ON FUNCTION encompass.session_replaced() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION encompass.session_replaced() TO encompass_school;

ALTER POLICY school_support ON encompass.support USING (
    notification_id IN (SELECT encompass.session_notifications())
    OR notification_id IN (SELECT r.replaced_id FROM encompass.session_replaced() AS r)
);

-- The keys of those messages, of their current parts, and of what was recorded of those that they replaced: looked for
-- only where there is a message that replaces another.
CREATE OR REPLACE FUNCTION encompass.session_keys() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER ROWS 20 SET search_path = encompass, pg_temp
AS $$
    WITH own AS MATERIALIZED (SELECT n.notification_id, n.key_id, n.supersedes FROM encompass.live_notification AS n)
    SELECT own.key_id FROM own
    UNION ALL
    SELECT p.key_id FROM own
    CROSS JOIN LATERAL (
        SELECT p.key_id FROM encompass.notification_part AS p
        WHERE p.notification_id = own.notification_id AND p.ended_at IS NULL
            AND NOT EXISTS (
                SELECT 1 FROM encompass.recall AS r
                WHERE r.duty_id = p.duty_id AND r.withdrawn_at IS NULL AND r.confirmed_at IS NULL
            )
        OFFSET 0
    ) AS p
    UNION ALL
    SELECT g.key_id FROM encompass.session_replaced() AS r
    CROSS JOIN LATERAL (
        SELECT g.key_id FROM encompass.support AS g WHERE g.notification_id = r.replaced_id OFFSET 0
    ) AS g
    WHERE EXISTS (SELECT 1 FROM own WHERE own.supersedes IS NOT NULL)
$$;
