-- Schools, rolls and Key Adults, kept as generations so that a decision can be reproduced.
CREATE TABLE encompass.generation (
    generation_id uuid PRIMARY KEY,
    force_id text NOT NULL REFERENCES encompass.force,
    kind text NOT NULL CHECK (kind IN ('schools', 'roll', 'key_adults', 'school_days')),
    source text NOT NULL,
    number bigint NOT NULL CHECK (number > 0),
    sha256 bytea NOT NULL,
    taken_at timestamptz NOT NULL,
    confirmed_at timestamptz NOT NULL,
    entries bigint NOT NULL CHECK (entries >= 0),
    refused bigint NOT NULL CHECK (refused >= 0),
    key_id uuid,
    run_id uuid NOT NULL,
    UNIQUE (force_id, kind, source, number),
    FOREIGN KEY (force_id, key_id) REFERENCES encompass.data_key (force_id, key_id),
    FOREIGN KEY (force_id, run_id) REFERENCES encompass.run (force_id, run_id)
);

CREATE TABLE encompass.school (
    force_id text NOT NULL REFERENCES encompass.force,
    urn bigint NOT NULL CHECK (urn > 0),
    name text NOT NULL,
    la_code text NOT NULL,
    la_name text NOT NULL,
    establishment_number text,
    status_code bigint NOT NULL,
    phase text,
    low_age bigint,
    high_age bigint,
    opened_on date,
    closed_on date,
    town text,
    postcode text,
    telephone text,
    seen_in_generation bigint NOT NULL,
    PRIMARY KEY (force_id, urn)
);

CREATE TABLE encompass.closed_day (
    force_id text NOT NULL REFERENCES encompass.force,
    scope text NOT NULL CHECK (scope IN ('school', 'la', 'default')),
    code text NOT NULL,
    closed_on date NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (force_id, scope, code, closed_on)
);

-- A pupil is an identity: a keyed hash of a valid UPN, else of the row's own reference.
CREATE TABLE encompass.pupil (
    pupil_id uuid PRIMARY KEY,
    force_id text NOT NULL REFERENCES encompass.force,
    identity_hash bytea NOT NULL,
    UNIQUE (force_id, identity_hash),
    UNIQUE (force_id, pupil_id)
);

-- One row of a roll, as one school holds it. A changed row closes its version and opens another.
CREATE TABLE encompass.enrolment (
    enrolment_id uuid PRIMARY KEY,
    force_id text NOT NULL,
    pupil_id uuid NOT NULL,
    urn bigint NOT NULL,
    source text NOT NULL,
    row_hash bytea NOT NULL,
    content_hash bytea NOT NULL,
    enrol_status text NOT NULL CHECK (enrol_status IN ('C', 'M', 'S', 'G', 'F', 'O', 'P')),
    entry_date date NOT NULL,
    leaving_date date,
    nc_year text,
    sealed bytea NOT NULL,
    key_id uuid NOT NULL,
    first_generation bigint NOT NULL,
    last_generation bigint,
    FOREIGN KEY (force_id, pupil_id) REFERENCES encompass.pupil (force_id, pupil_id),
    FOREIGN KEY (force_id, urn) REFERENCES encompass.school (force_id, urn),
    FOREIGN KEY (force_id, key_id) REFERENCES encompass.data_key (force_id, key_id),
    CHECK (last_generation IS NULL OR last_generation >= first_generation)
);
CREATE UNIQUE INDEX enrolment_one_open_version ON encompass.enrolment (force_id, source, row_hash)
    WHERE last_generation IS NULL;
CREATE INDEX enrolment_by_pupil ON encompass.enrolment (force_id, pupil_id) WHERE last_generation IS NULL;

-- Keyed hashes only; the database never holds a plain blocking key.
CREATE TABLE encompass.enrolment_key (
    force_id text NOT NULL,
    key_hash bytea NOT NULL,
    enrolment_id uuid NOT NULL REFERENCES encompass.enrolment ON DELETE CASCADE,
    PRIMARY KEY (force_id, key_hash, enrolment_id)
);

-- The person hash is that of the work mailbox: where the register gives a reference to another person, whoever
-- was bound to it is no longer.
CREATE TABLE encompass.key_adult (
    key_adult_id uuid PRIMARY KEY,
    force_id text NOT NULL,
    reference_hash bytea NOT NULL,
    person_hash bytea NOT NULL,
    urn bigint NOT NULL,
    role text NOT NULL CHECK (role IN ('dsl', 'deputy')),
    language text NOT NULL,
    active_from date NOT NULL,
    active_to date,
    content_hash bytea NOT NULL,
    sealed bytea NOT NULL,
    key_id uuid NOT NULL,
    seen_in_generation bigint NOT NULL,
    UNIQUE (force_id, reference_hash),
    UNIQUE (force_id, key_adult_id),
    FOREIGN KEY (force_id, urn) REFERENCES encompass.school (force_id, urn),
    FOREIGN KEY (force_id, key_id) REFERENCES encompass.data_key (force_id, key_id)
);
CREATE INDEX key_adult_by_school ON encompass.key_adult (force_id, urn);

-- A roll just loaded must be found by its keys at once, not when autovacuum next comes by. ANALYZE needs the
-- owner; the pipeline may ask for this one.
CREATE FUNCTION encompass.analyse_rolls() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = encompass, pg_temp
AS $$ BEGIN ANALYZE encompass.pupil; ANALYZE encompass.enrolment; ANALYZE encompass.enrolment_key; END $$;
REVOKE ALL ON FUNCTION encompass.analyse_rolls() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION encompass.analyse_rolls() TO encompass_pipeline;
