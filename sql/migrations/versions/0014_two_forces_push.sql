-- Several forces in one installation, records that a force pushes to us, and children beyond the statutory scope.

-- A member of staff is of one force: who moves to another signs in there anew.
-- squawk-ignore ban-drop-constraint
ALTER TABLE encompass.staff DROP CONSTRAINT staff_issuer_subject_role_key;
ALTER TABLE encompass.staff
    -- squawk-ignore disallowed-unique-constraint, constraint-missing-not-valid
    ADD CONSTRAINT staff_one_a_force UNIQUE (force_id, issuer, subject, role);

-- Which way a look at the feed took, and how new the newest of what came is.
ALTER TABLE encompass.feed_pull
    ADD COLUMN way text,
    ADD COLUMN newest_at timestamptz,
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT feed_pull_way_check CHECK (way IN ('rest', 'folder', 'sftp', 'push'));

-- A child whom the statutory duty does not reach and whom a person looks at all the same; it stays said after the
-- person has decided.
ALTER TABLE encompass.placement
    ADD COLUMN beyond_scope text,
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT placement_beyond_scope_check
        CHECK (beyond_scope IN ('eighteen', 'under_reception', 'outside_england_and_wales'));

-- A page that a force pushed, whole and sealed, until the night's look at the feed takes it. A message is known by
-- its id: the same one again is the same page.
CREATE TABLE encompass.pushed_page (
    page_id uuid PRIMARY KEY,
    force_id text NOT NULL REFERENCES encompass.force,
    message_hash bytea NOT NULL,
    content_hash bytea NOT NULL,
    received_at timestamptz NOT NULL,
    made_at timestamptz NOT NULL,
    records bigint NOT NULL CHECK (records >= 0),
    sealed bytea NOT NULL,
    key_id uuid NOT NULL,
    UNIQUE (force_id, message_hash),
    FOREIGN KEY (force_id, key_id) REFERENCES encompass.data_key (force_id, key_id)
);
CREATE INDEX pushed_page_by_time ON encompass.pushed_page (force_id, received_at);
-- squawk-ignore ban-drop-constraint
ALTER TABLE encompass.data_key DROP CONSTRAINT data_key_purpose_check;
ALTER TABLE encompass.data_key
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT data_key_purpose_check CHECK (purpose IN ('incident', 'register', 'quarantine', 'pushed'));

ALTER TABLE encompass.pushed_page ENABLE ROW LEVEL SECURITY;
ALTER TABLE encompass.pushed_page FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON encompass.pushed_page TO encompass_owner USING (true) WITH CHECK (true);
CREATE POLICY backup_read ON encompass.pushed_page FOR SELECT TO encompass_backup USING (true);
CREATE POLICY pipeline_read ON encompass.pushed_page FOR SELECT TO encompass_pipeline USING (true);
GRANT SELECT ON encompass.pushed_page TO encompass_backup, encompass_pipeline;

-- The door for pushed pages: it puts pages in, and reads back nothing but their ids and times.
GRANT USAGE ON SCHEMA encompass TO encompass_inbound;
GRANT SELECT (force_id) ON encompass.force TO encompass_inbound;
GRANT INSERT ON encompass.pushed_page, encompass.data_key, encompass.audit_event TO encompass_inbound;
GRANT SELECT (page_id, force_id, message_hash, content_hash, received_at) ON encompass.pushed_page
    TO encompass_inbound;
CREATE POLICY inbound_force ON encompass.force FOR SELECT TO encompass_inbound USING (true);
CREATE POLICY inbound_page ON encompass.pushed_page FOR SELECT TO encompass_inbound USING (true);
CREATE POLICY inbound_page_insert ON encompass.pushed_page FOR INSERT TO encompass_inbound WITH CHECK (true);
CREATE POLICY inbound_key ON encompass.data_key FOR INSERT TO encompass_inbound WITH CHECK (purpose = 'pushed');
CREATE POLICY inbound_audit ON encompass.audit_event FOR INSERT TO encompass_inbound WITH CHECK (
    actor_kind = 'pipeline' AND action = 'page_pushed'
);
