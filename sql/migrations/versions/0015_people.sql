-- Changes of contacts that wait for a second person, and successors of closed schools whose contact somebody checked.
-- squawk-ignore adding-field-with-default
ALTER TABLE encompass.key_adult ADD COLUMN by_hand boolean NOT NULL DEFAULT false;

CREATE TABLE encompass.contact_change (
    change_id uuid PRIMARY KEY,
    force_id text NOT NULL,
    recipient_id uuid NOT NULL,
    reference_hash bytea NOT NULL,
    kind text NOT NULL CHECK (kind IN ('add', 'change', 'end')),
    origin text NOT NULL CHECK (origin IN ('register', 'person')),
    content_hash bytea NOT NULL,
    sealed bytea NOT NULL,
    key_id uuid NOT NULL,
    proposed_by text NOT NULL CHECK (proposed_by <> ''),
    proposed_at timestamptz NOT NULL,
    confirmed_by text,
    confirmed_at timestamptz,
    withdrawn_at timestamptz,
    FOREIGN KEY (force_id, recipient_id) REFERENCES encompass.recipient (force_id, recipient_id),
    FOREIGN KEY (force_id, key_id) REFERENCES encompass.data_key (force_id, key_id),
    CHECK ((confirmed_at IS NULL) = (confirmed_by IS NULL)),
    CHECK (lower(confirmed_by) <> lower(proposed_by)),
    CHECK (confirmed_at IS NULL OR withdrawn_at IS NULL)
);
CREATE UNIQUE INDEX contact_change_one_open ON encompass.contact_change (force_id, reference_hash)
WHERE confirmed_at IS NULL AND withdrawn_at IS NULL;

CREATE TABLE encompass.school_confirmation (
    force_id text NOT NULL,
    urn bigint NOT NULL,
    confirmed_by text NOT NULL CHECK (confirmed_by <> ''),
    confirmed_at timestamptz NOT NULL,
    PRIMARY KEY (force_id, urn),
    FOREIGN KEY (force_id, urn) REFERENCES encompass.school (force_id, urn)
);

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['contact_change', 'school_confirmation'] LOOP
        EXECUTE format('ALTER TABLE encompass.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE encompass.%I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_all ON encompass.%I TO encompass_owner USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY backup_read ON encompass.%I FOR SELECT TO encompass_backup USING (true)', t);
        EXECUTE format('CREATE POLICY pipeline_all ON encompass.%I TO encompass_pipeline USING (true) WITH CHECK (true)', t);
        EXECUTE format('GRANT SELECT ON encompass.%I TO encompass_backup', t);
    END LOOP;
END
$$;
GRANT SELECT, INSERT ON encompass.contact_change, encompass.school_confirmation TO encompass_pipeline;
GRANT UPDATE (confirmed_by, confirmed_at, withdrawn_at) ON encompass.contact_change TO encompass_pipeline;
