-- The police feed: pulls, each record's outcome, incidents in versions, involvements, quarantine.
CREATE TABLE encompass.feed_pull (
    run_id uuid PRIMARY KEY,
    force_id text NOT NULL,
    updated_from timestamptz NOT NULL,
    updated_to timestamptz NOT NULL,
    announced bigint CHECK (announced >= 0),
    completed_at timestamptz,
    FOREIGN KEY (force_id, run_id) REFERENCES encompass.run (force_id, run_id),
    CHECK (updated_from < updated_to)
);

-- Where each record that a pull was served went. The n-th copy of the same record is occurrence n.
CREATE TABLE encompass.feed_record (
    run_id uuid NOT NULL REFERENCES encompass.feed_pull,
    force_id text NOT NULL,
    digest bytea NOT NULL,
    occurrence bigint NOT NULL CHECK (occurrence > 0),
    outcome text NOT NULL CHECK (outcome IN ('accepted', 'duplicate', 'quarantined', 'refused')),
    PRIMARY KEY (run_id, digest, occurrence)
);

CREATE TABLE encompass.incident (
    incident_id uuid PRIMARY KEY,
    force_id text NOT NULL,
    reference_hash bytea NOT NULL,
    night date NOT NULL,
    current_version bigint NOT NULL CHECK (current_version > 0),
    key_id uuid NOT NULL,
    UNIQUE (force_id, reference_hash),
    UNIQUE (force_id, incident_id),
    FOREIGN KEY (force_id, key_id) REFERENCES encompass.data_key (force_id, key_id)
);
CREATE INDEX incident_by_night ON encompass.incident (force_id, night);

CREATE TABLE encompass.incident_version (
    incident_id uuid NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    force_id text NOT NULL,
    run_id uuid NOT NULL,
    updated_at timestamptz NOT NULL,
    occurred_from timestamptz NOT NULL,
    status text NOT NULL CHECK (status IN ('active', 'retracted')),
    domestic_abuse boolean NOT NULL,
    content_hash bytea NOT NULL,
    sealed bytea NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (incident_id, version),
    UNIQUE (incident_id, content_hash),
    FOREIGN KEY (force_id, incident_id) REFERENCES encompass.incident (force_id, incident_id),
    FOREIGN KEY (force_id, run_id) REFERENCES encompass.run (force_id, run_id)
);

-- A child as named in one incident. The person hash ties a child's involvements together.
CREATE TABLE encompass.involvement (
    involvement_id uuid PRIMARY KEY,
    force_id text NOT NULL,
    incident_id uuid NOT NULL,
    person_hash bytea NOT NULL,
    version bigint NOT NULL,
    seen boolean,
    spoken_to boolean,
    voice_recorded boolean NOT NULL,
    sealed bytea NOT NULL,
    UNIQUE (incident_id, person_hash),
    UNIQUE (force_id, involvement_id),
    FOREIGN KEY (force_id, incident_id) REFERENCES encompass.incident (force_id, incident_id),
    FOREIGN KEY (incident_id, version) REFERENCES encompass.incident_version (incident_id, version)
);
CREATE INDEX involvement_by_person ON encompass.involvement (force_id, person_hash);

CREATE TABLE encompass.quarantine (
    quarantine_id uuid PRIMARY KEY,
    force_id text NOT NULL,
    run_id uuid NOT NULL,
    source text NOT NULL,
    line bigint,
    reason text NOT NULL,
    content_hash bytea NOT NULL,
    sealed bytea NOT NULL,
    key_id uuid NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (force_id, source, content_hash),
    FOREIGN KEY (force_id, run_id) REFERENCES encompass.run (force_id, run_id),
    FOREIGN KEY (force_id, key_id) REFERENCES encompass.data_key (force_id, key_id)
);
