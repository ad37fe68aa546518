-- What a school did for a child afterwards: each version stays, and all that it says is sealed with the key of the
-- notification, so that erasing the one erases the other.
CREATE TABLE encompass.support (
    support_id uuid PRIMARY KEY,
    force_id text NOT NULL,
    notification_id uuid NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    sealed bytea NOT NULL,
    key_id uuid NOT NULL,
    key_adult_id uuid NOT NULL,
    recorded_at timestamptz NOT NULL,
    UNIQUE (notification_id, version),
    FOREIGN KEY (force_id, notification_id) REFERENCES encompass.notification (force_id, notification_id),
    FOREIGN KEY (force_id, key_id) REFERENCES encompass.data_key (force_id, key_id),
    FOREIGN KEY (force_id, key_adult_id) REFERENCES encompass.key_adult (force_id, key_adult_id)
);
ALTER TABLE encompass.support ENABLE ROW LEVEL SECURITY;
ALTER TABLE encompass.support FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON encompass.support TO encompass_owner USING (true) WITH CHECK (true);
CREATE POLICY backup_read ON encompass.support FOR SELECT TO encompass_backup USING (true);
GRANT SELECT ON encompass.support TO encompass_backup;

-- A school reads what was recorded of what it may read, and adds to it in the session's own name.
GRANT SELECT, INSERT ON encompass.support TO encompass_school;
CREATE POLICY school_support ON encompass.support FOR SELECT TO encompass_school USING (
    notification_id IN (SELECT n.notification_id FROM encompass.notification AS n)
);
CREATE POLICY school_support_insert ON encompass.support FOR INSERT TO encompass_school WITH CHECK (
    force_id = (SELECT encompass.session_force('school'))
    AND key_adult_id = (SELECT encompass.session_key_adult())
    AND (notification_id, key_id) IN (
        SELECT n.notification_id, n.key_id FROM encompass.notification AS n WHERE n.status = 'acknowledged'
    )
);

-- The notifications that a school may read about a child whom no roll holds are joined by the person's keyed hash.
GRANT SELECT (person_hash) ON encompass.notification TO encompass_school;
