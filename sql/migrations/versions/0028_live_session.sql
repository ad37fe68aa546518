-- The rule of a live session, and of what its school may read, each said once as a view that only the owner reads: the
-- functions that the policies ask are planned over it whole, where one function asked another and that one a third.
CREATE VIEW encompass.live_session AS
SELECT s.role, s.force_id, s.recipient_id, s.key_adult_id
FROM encompass.web_session AS s
WHERE s.token_hash = sha256(convert_to(current_setting('encompass.session_token', true), 'UTF8'))
    AND s.revoked_at IS NULL
    AND s.idle_until > now()
    AND s.expires_at > now()
    AND (s.role <> 'school' OR (
        s.stepped_up_at IS NOT NULL
        AND EXISTS (
            SELECT 1 FROM encompass.second_factor AS f
            WHERE f.factor_id = s.factor_id AND f.confirmed_at IS NOT NULL AND f.ended_at IS NULL
        )
        AND EXISTS (
            SELECT 1 FROM encompass.key_adult AS k
            WHERE k.key_adult_id = s.key_adult_id AND k.recipient_id = s.recipient_id
                AND k.person_hash = s.person_hash
                AND (k.active_to IS NULL OR k.active_to >= CAST(now() AT TIME ZONE 'Europe/London' AS date))
        )
    ));

-- The messages of the session's recipient, but those that its Key Adult is kept from and those that are being recalled;
-- none at all while that Key Adult has not been compared with what was told. OFFSET 0 has the planner look up what is of
-- the one session; left to join as it likes, it went through everybody's.
CREATE VIEW encompass.live_notification AS
SELECT own.notification_id, own.key_id
FROM encompass.live_session AS s
CROSS JOIN LATERAL (
    SELECT n.notification_id, n.key_id
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

CREATE OR REPLACE FUNCTION encompass.session_force(wanted_role text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = encompass, pg_temp
AS $$ SELECT s.force_id FROM encompass.live_session AS s WHERE s.role = wanted_role $$;

CREATE OR REPLACE FUNCTION encompass.session_recipient() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = encompass, pg_temp
AS $$ SELECT s.recipient_id FROM encompass.live_session AS s WHERE s.role = 'school' $$;

CREATE OR REPLACE FUNCTION encompass.session_key_adult() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = encompass, pg_temp
AS $$ SELECT s.key_adult_id FROM encompass.live_session AS s WHERE s.role = 'school' $$;

CREATE OR REPLACE FUNCTION encompass.session_person() RETURNS bytea
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = encompass, pg_temp
AS $$
    SELECT k.person_hash FROM encompass.live_session AS s
    JOIN encompass.key_adult AS k ON k.key_adult_id = s.key_adult_id WHERE s.role = 'school'
$$;

CREATE OR REPLACE FUNCTION encompass.session_notifications() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER ROWS 20 SET search_path = encompass, pg_temp
AS $$ SELECT n.notification_id FROM encompass.live_notification AS n $$;

CREATE OR REPLACE FUNCTION encompass.parts_being_recalled() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = encompass, pg_temp
AS $$
    SELECT r.duty_id FROM encompass.live_session AS s
    JOIN encompass.recall AS r ON r.force_id = s.force_id
    WHERE s.role = 'school' AND r.withdrawn_at IS NULL AND r.confirmed_at IS NULL AND r.duty_id IS NOT NULL
$$;

-- The keys of those messages and of their current parts.
CREATE OR REPLACE FUNCTION encompass.session_keys() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER ROWS 20 SET search_path = encompass, pg_temp
AS $$
    WITH own AS MATERIALIZED (SELECT n.notification_id, n.key_id FROM encompass.live_notification AS n)
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
$$;

-- Nothing asks it any more, and it was granted to nobody.
-- squawk-ignore ban-drop-function
DROP FUNCTION encompass.session_scope(text);
