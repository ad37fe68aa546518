-- Rolls and calendars from many sources, what became of a school, and a quarantine that a person empties.
ALTER TABLE encompass.school ADD COLUMN trust_code text;

-- Which school became which (Get Information About Schools).
CREATE TABLE encompass.school_link (
    force_id text NOT NULL REFERENCES encompass.force,
    urn bigint NOT NULL CHECK (urn > 0),
    link_urn bigint NOT NULL CHECK (link_urn > 0 AND link_urn <> urn),
    link_type text NOT NULL,
    established_on date,
    PRIMARY KEY (force_id, urn, link_urn, link_type)
);

-- What each source says of a day: shut, open against a wider scope, or the first day of a new start time. Replaces
-- the closed days of a single source, which are taken anew at the next refresh.
-- squawk-ignore ban-drop-table
DROP TABLE encompass.closed_day;
CREATE TABLE encompass.calendar_day (
    force_id text NOT NULL REFERENCES encompass.force,
    source text NOT NULL,
    scope text NOT NULL CHECK (scope IN ('school', 'trust', 'la', 'default')),
    code text NOT NULL CHECK ((scope = 'default') = (code = '')),
    on_day date NOT NULL,
    kind text NOT NULL CHECK (kind IN ('closed', 'open', 'start')),
    reason text NOT NULL,
    starts_at time,
    PRIMARY KEY (force_id, source, scope, code, on_day, kind),
    CHECK ((starts_at IS NOT NULL) = (kind = 'start'))
);

-- squawk-ignore ban-drop-constraint
ALTER TABLE encompass.generation DROP CONSTRAINT generation_kind_check;
UPDATE encompass.generation SET kind = 'calendar', sha256 = '' WHERE kind = 'school_days';
ALTER TABLE encompass.generation
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT generation_kind_check CHECK (kind IN ('schools', 'school_links', 'roll', 'key_adults', 'calendar'));

-- A school all of whose Key Adults are away is told all the same, and telephoned besides.
-- squawk-ignore ban-drop-constraint
ALTER TABLE encompass.phone_task DROP CONSTRAINT phone_task_reason_check;
ALTER TABLE encompass.phone_task
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT phone_task_reason_check CHECK (reason IN ('unacknowledged', 'no_key_adult', 'key_adults_away'));

-- A refused record waits for a person: it is released (and taken), corrected at its source, or discarded with a reason.
ALTER TABLE encompass.quarantine
    ADD COLUMN path text,
    -- squawk-ignore adding-field-with-default
    ADD COLUMN status text NOT NULL DEFAULT 'held',
    ADD COLUMN resolved_by text,
    ADD COLUMN resolved_at timestamptz,
    ADD COLUMN sealed_resolution bytea,
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT quarantine_status_check CHECK (status IN ('held', 'released', 'discarded')),
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT quarantine_resolved_check CHECK (
        (status = 'held') = (resolved_by IS NULL) AND (status = 'held') = (resolved_at IS NULL)
        AND (status = 'held') = (sealed_resolution IS NULL)
    );

-- What each version of an incident leaves unsaid, by field: it outlives the incident's own key.
CREATE TABLE encompass.completeness (
    incident_id uuid NOT NULL,
    version bigint NOT NULL,
    force_id text NOT NULL,
    team text,
    children bigint NOT NULL CHECK (children >= 0),
    missing jsonb NOT NULL,
    PRIMARY KEY (incident_id, version),
    FOREIGN KEY (incident_id, version) REFERENCES encompass.incident_version (incident_id, version),
    FOREIGN KEY (force_id, incident_id) REFERENCES encompass.incident (force_id, incident_id)
);

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['school_link', 'calendar_day', 'completeness'] LOOP
        EXECUTE format('ALTER TABLE encompass.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE encompass.%I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_all ON encompass.%I TO encompass_owner USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY backup_read ON encompass.%I FOR SELECT TO encompass_backup USING (true)', t);
        EXECUTE format('CREATE POLICY pipeline_all ON encompass.%I TO encompass_pipeline USING (true) WITH CHECK (true)', t);
        EXECUTE format('GRANT SELECT ON encompass.%I TO encompass_backup', t);
    END LOOP;
END
$$;
GRANT SELECT, INSERT, DELETE ON encompass.school_link, encompass.calendar_day TO encompass_pipeline;
GRANT SELECT, INSERT ON encompass.completeness TO encompass_pipeline;
GRANT UPDATE (status, resolved_by, resolved_at, sealed_resolution) ON encompass.quarantine TO encompass_pipeline;
