-- How fast one asker may use the pages: a session, or an address that is not signed in. It accounts for nobody and may
-- be lost with the server.
CREATE UNLOGGED TABLE encompass.page_pace (
    asker_hash bytea PRIMARY KEY,
    tokens double precision NOT NULL,
    counted_at timestamptz NOT NULL
);
ALTER TABLE encompass.page_pace ENABLE ROW LEVEL SECURITY;
ALTER TABLE encompass.page_pace FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON encompass.page_pace TO encompass_owner USING (true) WITH CHECK (true);
CREATE POLICY backup_read ON encompass.page_pace FOR SELECT TO encompass_backup USING (true);
CREATE POLICY sign_in_all ON encompass.page_pace TO encompass_sign_in USING (true) WITH CHECK (true);
GRANT SELECT ON encompass.page_pace TO encompass_backup;
GRANT SELECT, INSERT, UPDATE, DELETE ON encompass.page_pace TO encompass_sign_in;

-- Counts one request of an asker's; whether it is within so many a minute, which may also come all at once.
CREATE FUNCTION encompass.take_page(asker bytea, a_minute double precision) RETURNS boolean
LANGUAGE sql SET search_path = encompass, pg_temp
AS $$
    INSERT INTO encompass.page_pace AS p (asker_hash, tokens, counted_at)
    VALUES (asker, a_minute - 1, clock_timestamp())
    ON CONFLICT (asker_hash) DO UPDATE SET
        tokens = greatest(-1, least(
            p.tokens + extract(EPOCH FROM clock_timestamp() - p.counted_at) * a_minute / 60, a_minute
        ) - 1),
        counted_at = clock_timestamp()
    RETURNING tokens >= 0
$$;
REVOKE ALL ON FUNCTION encompass.take_page(bytea, double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION encompass.take_page(bytea, double precision) TO encompass_sign_in;
