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

-- The current parts of those messages, but those that are being recalled; a message of which none is left has one row.
CREATE VIEW encompass.live_part AS
SELECT n.notification_id, n.key_id AS notification_key_id, n.supersedes, p.duty_id, p.key_id
FROM encompass.live_notification AS n
LEFT JOIN LATERAL (
    SELECT p.duty_id, p.key_id FROM encompass.notification_part AS p
    WHERE p.notification_id = n.notification_id AND p.ended_at IS NULL
        AND NOT EXISTS (
            SELECT 1 FROM encompass.recall AS r
            WHERE r.duty_id = p.duty_id AND r.withdrawn_at IS NULL AND r.confirmed_at IS NULL
        )
    OFFSET 0
) AS p ON true;

-- Each message of the session's school with those before it that it replaced: as far as the session may read what took
-- the place of all that they told. Where anything of that was withdrawn or recalled, or is kept from this Key Adult, what
-- was recorded of it stays closed too. OFFSET 0 has each looked up by its index.
CREATE FUNCTION encompass.session_replaced() RETURNS TABLE (notification_id uuid, replaced_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 2 SET search_path = encompass, pg_temp
AS $$
    WITH own AS MATERIALIZED (
        SELECT p.notification_id, p.duty_id FROM encompass.live_part AS p WHERE p.duty_id IS NOT NULL
    )
    SELECT DISTINCT own.notification_id, r.notification_id
    FROM own
    CROSS JOIN LATERAL (
        SELECT p.notification_id FROM encompass.notification_part AS p
        WHERE p.duty_id = own.duty_id AND p.ended = 'superseded'
        OFFSET 0
    ) AS r
    WHERE (SELECT n.status FROM encompass.notification AS n WHERE n.notification_id = r.notification_id) = 'superseded'
    AND NOT EXISTS (
        SELECT 1 FROM encompass.notification_part AS told
        WHERE told.notification_id = r.notification_id
            AND (told.ended <> 'superseded' OR told.duty_id NOT IN (SELECT own.duty_id FROM own))
        OFFSET 0
    )
    AND NOT EXISTS (
        SELECT 1 FROM encompass.notification_exclusion AS x
        WHERE x.notification_id = r.notification_id AND x.person_hash = (SELECT encompass.session_person())
            AND NOT x.admitted
        OFFSET 0
    )
$$;
REVOKE ALL ON FUNCTION encompass.session_replaced() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION encompass.session_replaced() TO encompass_school;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX notification_part_replaced ON encompass.notification_part (duty_id) WHERE ended = 'superseded';

ALTER POLICY school_support ON encompass.support USING (
    notification_id IN (SELECT encompass.session_notifications())
    OR notification_id IN (SELECT r.replaced_id FROM encompass.session_replaced() AS r)
);

-- The keys of those messages, of their parts, and of what was recorded of those that they replaced: looked for only
-- where there is a message that replaces another.
CREATE OR REPLACE FUNCTION encompass.session_keys() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER ROWS 20 SET search_path = encompass, pg_temp
AS $$
    WITH own AS MATERIALIZED (
        SELECT p.notification_key_id, p.key_id, p.supersedes FROM encompass.live_part AS p
    )
    SELECT own.notification_key_id FROM own
    UNION ALL
    SELECT own.key_id FROM own WHERE own.key_id IS NOT NULL
    UNION ALL
    SELECT g.key_id FROM encompass.session_replaced() AS r
    CROSS JOIN LATERAL (
        SELECT g.key_id FROM encompass.support AS g WHERE g.notification_id = r.replaced_id OFFSET 0
    ) AS g
    WHERE EXISTS (SELECT 1 FROM own WHERE own.supersedes IS NOT NULL)
$$;
