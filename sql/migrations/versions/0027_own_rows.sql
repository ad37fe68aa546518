-- What a session may read is looked up by its recipient, once a statement: a school's page took longer with every
-- message of every other school, because a policy inside a policy went through all of them.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX notification_by_recipient ON encompass.notification (recipient_id, status);
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX notification_exclusion_of_person ON encompass.notification_exclusion (person_hash);

-- The messages of the session's recipient, but those that its Key Adult is kept from and those that are being recalled;
-- none at all while that Key Adult has not been compared with what was told. A school has a few: said to the planner, so
-- that it looks each of them up.
CREATE FUNCTION encompass.session_notifications() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER ROWS 20 SET search_path = encompass, pg_temp
AS $$
    SELECT n.notification_id FROM encompass.session_scope('school') AS s
    JOIN encompass.key_adult AS k ON k.key_adult_id = s.key_adult_id
        AND k.compared_hash IS NOT DISTINCT FROM k.content_hash
    JOIN encompass.notification AS n ON n.force_id = s.force_id AND n.recipient_id = s.recipient_id
        AND n.status IN ('released', 'acknowledged')
    WHERE NOT EXISTS (
        SELECT 1 FROM encompass.notification_exclusion AS x
        WHERE x.notification_id = n.notification_id AND x.person_hash = k.person_hash AND NOT x.admitted
    )
    AND NOT EXISTS (
        SELECT 1 FROM encompass.recall AS r
        WHERE r.notification_id = n.notification_id AND r.duty_id IS NULL AND r.withdrawn_at IS NULL
    )
$$;

-- The keys of those messages and of their current parts.
CREATE FUNCTION encompass.session_keys() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER ROWS 20 SET search_path = encompass, pg_temp
AS $$
    WITH own AS MATERIALIZED (SELECT encompass.session_notifications() AS notification_id)
    SELECT n.key_id FROM own JOIN encompass.notification AS n ON n.notification_id = own.notification_id
    UNION ALL
    SELECT p.key_id FROM own JOIN encompass.notification_part AS p ON p.notification_id = own.notification_id
    WHERE p.ended_at IS NULL AND p.duty_id NOT IN (SELECT encompass.parts_being_recalled())
$$;
REVOKE ALL ON FUNCTION encompass.session_notifications() FROM PUBLIC;
REVOKE ALL ON FUNCTION encompass.session_keys() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION encompass.session_notifications() TO encompass_school;
GRANT EXECUTE ON FUNCTION encompass.session_keys() TO encompass_school;

ALTER POLICY school_not_excluded ON encompass.notification
USING (notification_id IN (SELECT encompass.session_notifications()));
ALTER POLICY school_part ON encompass.notification_part
USING (notification_id IN (SELECT encompass.session_notifications()));
ALTER POLICY school_acknowledgement ON encompass.acknowledgement
USING (notification_id IN (SELECT encompass.session_notifications()));
ALTER POLICY school_acknowledgement_insert ON encompass.acknowledgement WITH CHECK (
    key_adult_id = (SELECT encompass.session_key_adult()) AND channel = 'page'
    AND notification_id IN (SELECT encompass.session_notifications())
);
ALTER POLICY school_support ON encompass.support
USING (notification_id IN (SELECT encompass.session_notifications()));
ALTER POLICY school_phone_task ON encompass.phone_task
USING (notification_id IN (SELECT encompass.session_notifications()));
ALTER POLICY school_key ON encompass.data_key USING (key_id IN (SELECT encompass.session_keys()));
ALTER POLICY school_duty ON encompass.duty USING (
    force_id = (SELECT encompass.session_force('school')) AND recipient_id = (SELECT encompass.session_recipient())
);
ALTER POLICY school_notice ON encompass.notice USING (
    force_id = (SELECT encompass.session_force('school')) AND recipient_id = (SELECT encompass.session_recipient())
    AND notification_id NOT IN (SELECT encompass.session_excluded())
);
