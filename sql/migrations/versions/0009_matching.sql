-- Matching by sound, date and home: more keys a pupil in a leaner index, how common each name is, and what a
-- person decided of a doubtful match.

-- Keys are 8 bytes of a keyed BLAKE2b and point to a number, so that a million pupils' keys stay in memory. No
-- foreign key: a key whose row is closed finds nothing, and is deleted when its row closes.
-- squawk-ignore ban-drop-table
DROP TABLE encompass.enrolment_key;
CREATE TABLE encompass.enrolment_key (
    key_hash bytea NOT NULL,
    enrolment_no bigint NOT NULL,
    PRIMARY KEY (key_hash, enrolment_no)
);

-- Each row keeps its own key hashes and value hashes (8 bytes each, one after another), so that closing it takes
-- back exactly what opening it put in.
ALTER TABLE encompass.enrolment
    -- squawk-ignore adding-field-with-default
    ADD COLUMN enrolment_no bigint GENERATED ALWAYS AS IDENTITY,
    ADD COLUMN key_hashes bytea NOT NULL DEFAULT '',
    ADD COLUMN forename_hashes bytea NOT NULL DEFAULT '',
    ADD COLUMN surname_hashes bytea NOT NULL DEFAULT '',
    ADD COLUMN born_hashes bytea NOT NULL DEFAULT '',
    -- squawk-ignore ban-drop-not-null
    ALTER COLUMN entry_date DROP NOT NULL;
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX enrolment_by_number ON encompass.enrolment (enrolment_no);

-- How many open rows of a force's rolls carry a value: a forename, a surname, a birth date, a birth year.
CREATE TABLE encompass.roll_frequency (
    force_id text NOT NULL REFERENCES encompass.force,
    kind text NOT NULL CHECK (kind IN ('forename', 'surname', 'born', 'year', 'row')),
    value_hash bytea NOT NULL,
    pupils bigint NOT NULL CHECK (pupils >= 0),
    PRIMARY KEY (force_id, kind, value_hash)
);

-- Rows taken before have no keys of the new kind: every roll is taken anew at its next refresh.
UPDATE encompass.enrolment SET content_hash = decode(repeat('00', 16), 'hex') WHERE last_generation IS NULL;
UPDATE encompass.generation SET sha256 = '' WHERE kind = 'roll';
UPDATE encompass.placement SET evidence = '{"model": "first-rule-1", "digest": "", "pupils": 0, "automatic": 0,
    "margin": 0, "candidates": []}';

-- What a person decided of a child in review. A decision against a veto is proposed by one and confirmed by another.
CREATE TABLE encompass.review_decision (
    decision_id uuid PRIMARY KEY,
    force_id text NOT NULL,
    involvement_id uuid NOT NULL,
    decided_version bigint NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('placed', 'not_found')),
    pupil_id uuid,
    urns bigint [] NOT NULL,
    overrides text [] NOT NULL,
    sealed_reason bytea NOT NULL,
    key_id uuid NOT NULL,
    proposed_by text NOT NULL CHECK (proposed_by <> ''),
    proposed_at timestamptz NOT NULL,
    confirmed_by text,
    confirmed_at timestamptz,
    withdrawn_at timestamptz,
    FOREIGN KEY (force_id, involvement_id) REFERENCES encompass.placement (force_id, involvement_id),
    FOREIGN KEY (force_id, pupil_id) REFERENCES encompass.pupil (force_id, pupil_id),
    FOREIGN KEY (force_id, key_id) REFERENCES encompass.data_key (force_id, key_id),
    CHECK ((outcome = 'placed') = (pupil_id IS NOT NULL)),
    CHECK ((outcome = 'placed') = (cardinality(urns) > 0)),
    CHECK ((confirmed_at IS NULL) = (confirmed_by IS NULL)),
    CHECK (confirmed_by IS NULL OR cardinality(overrides) = 0 OR confirmed_by <> proposed_by),
    CHECK (confirmed_at IS NULL OR withdrawn_at IS NULL)
);
CREATE UNIQUE INDEX review_decision_one_open ON encompass.review_decision (involvement_id)
WHERE confirmed_at IS NULL AND withdrawn_at IS NULL;

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['enrolment_key', 'roll_frequency', 'review_decision'] LOOP
        EXECUTE format('ALTER TABLE encompass.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE encompass.%I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_all ON encompass.%I TO encompass_owner USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY backup_read ON encompass.%I FOR SELECT TO encompass_backup USING (true)', t);
        EXECUTE format('CREATE POLICY pipeline_all ON encompass.%I TO encompass_pipeline USING (true) WITH CHECK (true)', t);
        EXECUTE format('GRANT SELECT ON encompass.%I TO encompass_backup', t);
    END LOOP;
END
$$;
GRANT SELECT, INSERT, DELETE ON encompass.enrolment_key TO encompass_pipeline;
GRANT SELECT, INSERT, UPDATE ON encompass.roll_frequency, encompass.review_decision TO encompass_pipeline;

CREATE OR REPLACE FUNCTION encompass.analyse_rolls() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = encompass, pg_temp
AS $$ BEGIN
    ANALYZE encompass.pupil; ANALYZE encompass.enrolment; ANALYZE encompass.enrolment_key;
    ANALYZE encompass.roll_frequency;
END $$;

-- The first load of an installation builds its index of keys once, at its end, and not key by key: while nothing is
-- there, nobody can be looking. True when the index was put off.
CREATE FUNCTION encompass.first_load_begins() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = encompass, pg_temp
AS $$ BEGIN
    IF EXISTS (SELECT 1 FROM encompass.enrolment_key) THEN
        RETURN false;
    END IF;
    ALTER TABLE encompass.enrolment_key DROP CONSTRAINT IF EXISTS enrolment_key_pkey;
    RETURN true;
END $$;
CREATE FUNCTION encompass.first_load_ends() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = encompass, pg_temp SET maintenance_work_mem = '256MB'
AS $$ BEGIN
    ALTER TABLE encompass.enrolment_key ADD PRIMARY KEY (key_hash, enrolment_no);
END $$;
REVOKE ALL ON FUNCTION encompass.first_load_begins() FROM PUBLIC;
REVOKE ALL ON FUNCTION encompass.first_load_ends() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION encompass.first_load_begins() TO encompass_pipeline;
GRANT EXECUTE ON FUNCTION encompass.first_load_ends() TO encompass_pipeline;
-- Rolls are staged in a temporary table, which COPY may fill: it refuses tables with row-level security.
DO $$ BEGIN EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO encompass_pipeline', current_database()); END $$;
