-- Forces, partnerships, data keys, runs and alarms.
CREATE SCHEMA IF NOT EXISTS encompass;

CREATE TABLE encompass.partnership (
    partnership_id text PRIMARY KEY,
    name text NOT NULL
);

CREATE TABLE encompass.force (
    force_id text PRIMARY KEY,
    partnership_id text NOT NULL REFERENCES encompass.partnership,
    name text NOT NULL
);

-- One key an incident and one a register generation, wrapped by the key ring. Destroying it is erasure.
CREATE TABLE encompass.data_key (
    key_id uuid PRIMARY KEY,
    force_id text NOT NULL REFERENCES encompass.force,
    purpose text NOT NULL CHECK (purpose IN ('incident', 'register', 'quarantine')),
    ring_key_id text NOT NULL,
    wrapped bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    destroyed_at timestamptz,
    UNIQUE (force_id, key_id),
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
);

-- One force's night at one business instant. as_of is what rules read as "now".
CREATE TABLE encompass.run (
    run_id uuid PRIMARY KEY,
    force_id text NOT NULL REFERENCES encompass.force,
    night date NOT NULL,
    as_of timestamptz NOT NULL,
    replay boolean NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (force_id, night, as_of),
    UNIQUE (force_id, run_id)
);

CREATE TABLE encompass.alarm (
    alarm_id uuid PRIMARY KEY,
    force_id text NOT NULL REFERENCES encompass.force,
    night date NOT NULL,
    kind text NOT NULL,
    source text NOT NULL,
    raised_at timestamptz NOT NULL,
    cleared_at timestamptz,
    UNIQUE (force_id, night, kind, source)
);
