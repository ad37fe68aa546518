-- How fast an account at a provider may be used: one bucket for every force and process that sends by it.
CREATE TABLE encompass.provider_pace (
    account_hash bytea PRIMARY KEY,
    tokens double precision NOT NULL,
    counted_at timestamptz NOT NULL
);
ALTER TABLE encompass.provider_pace ENABLE ROW LEVEL SECURITY;
ALTER TABLE encompass.provider_pace FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON encompass.provider_pace TO encompass_owner USING (true) WITH CHECK (true);
CREATE POLICY backup_read ON encompass.provider_pace FOR SELECT TO encompass_backup USING (true);
CREATE POLICY pipeline_all ON encompass.provider_pace TO encompass_pipeline USING (true) WITH CHECK (true);
GRANT SELECT ON encompass.provider_pace TO encompass_backup;
GRANT SELECT, INSERT, UPDATE ON encompass.provider_pace TO encompass_pipeline;
