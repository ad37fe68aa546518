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
