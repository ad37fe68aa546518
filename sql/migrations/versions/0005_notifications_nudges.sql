-- What a school may read of a child, how its Key Adults are reached, and who acknowledged. A hold's reason and
-- owner are police's own words, so they are sealed too, in a column that no school is granted.
CREATE TABLE encompass.notification (
    notification_id uuid PRIMARY KEY,
    force_id text NOT NULL,
    recipient_id uuid NOT NULL,
    urn bigint NOT NULL,
    pupil_id uuid NOT NULL,
    adds_to uuid REFERENCES encompass.notification,
    status text NOT NULL CHECK (status IN (
        'held', 'released', 'acknowledged', 'not_our_pupil', 'withdrawn', 'superseded', 'recalled', 'cancelled'
    )),
    sealed_hold bytea,
    hold_until timestamptz,
    year_group text,
    sealed_child bytea NOT NULL,
    key_id uuid NOT NULL,
    prepared_at timestamptz NOT NULL,
    released_at timestamptz,
    run_id uuid NOT NULL,
    UNIQUE (force_id, notification_id),
    FOREIGN KEY (force_id, recipient_id) REFERENCES encompass.recipient (force_id, recipient_id),
    FOREIGN KEY (force_id, urn) REFERENCES encompass.school (force_id, urn),
    FOREIGN KEY (force_id, pupil_id) REFERENCES encompass.pupil (force_id, pupil_id),
    FOREIGN KEY (force_id, key_id) REFERENCES encompass.data_key (force_id, key_id),
    FOREIGN KEY (force_id, run_id) REFERENCES encompass.run (force_id, run_id),
    CHECK ((sealed_hold IS NULL) = (hold_until IS NULL)),
    CHECK (status <> 'held' OR sealed_hold IS NOT NULL),
    CHECK (status NOT IN ('released', 'acknowledged') OR released_at IS NOT NULL)
);
CREATE UNIQUE INDEX notification_one_unreleased ON encompass.notification (recipient_id, pupil_id)
    WHERE status = 'held';
CREATE UNIQUE INDEX notification_one_first ON encompass.notification (recipient_id, pupil_id, run_id)
    WHERE status <> 'held' AND adds_to IS NULL;
CREATE INDEX notification_by_school ON encompass.notification (force_id, urn);

-- The content about one incident, sealed with that incident's key; a duty is told in exactly one part.
CREATE TABLE encompass.notification_part (
    notification_id uuid NOT NULL REFERENCES encompass.notification ON DELETE CASCADE,
    duty_id uuid NOT NULL UNIQUE,
    force_id text NOT NULL,
    sealed bytea NOT NULL,
    key_id uuid NOT NULL,
    PRIMARY KEY (notification_id, duty_id),
    FOREIGN KEY (force_id, duty_id) REFERENCES encompass.duty (force_id, duty_id),
    FOREIGN KEY (force_id, key_id) REFERENCES encompass.data_key (force_id, key_id)
);

CREATE TABLE encompass.acknowledgement (
    notification_id uuid PRIMARY KEY REFERENCES encompass.notification ON DELETE CASCADE,
    force_id text NOT NULL,
    key_adult_id uuid NOT NULL,
    channel text NOT NULL CHECK (channel IN ('page', 'telephone')),
    acknowledged_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (force_id, key_adult_id) REFERENCES encompass.key_adult (force_id, key_adult_id)
);

-- The outbox: one attempt to reach one person by one channel, for any number of notifications.
CREATE TABLE encompass.nudge (
    nudge_id uuid PRIMARY KEY,
    force_id text NOT NULL,
    recipient_id uuid NOT NULL,
    key_adult_id uuid NOT NULL,
    channel text NOT NULL CHECK (channel IN ('email')),
    rung text NOT NULL CHECK (rung IN ('first')),
    run_id uuid NOT NULL,
    status text NOT NULL CHECK (status IN (
        'queued', 'sending', 'accepted', 'delivered', 'failed', 'ambiguous', 'cancelled'
    )),
    attempts bigint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    resends bigint NOT NULL DEFAULT 0 CHECK (resends BETWEEN 0 AND 1),
    queued_at timestamptz NOT NULL,
    lease_token uuid,
    lease_until timestamptz,
    lease_backend bigint,
    retry_after timestamptz,
    last_reason text,
    UNIQUE (force_id, nudge_id),
    UNIQUE (key_adult_id, channel, rung, run_id),
    FOREIGN KEY (force_id, recipient_id) REFERENCES encompass.recipient (force_id, recipient_id),
    FOREIGN KEY (force_id, key_adult_id) REFERENCES encompass.key_adult (force_id, key_adult_id),
    FOREIGN KEY (force_id, run_id) REFERENCES encompass.run (force_id, run_id),
    CHECK ((status = 'sending') = (lease_token IS NOT NULL)),
    CHECK ((lease_token IS NULL) = (lease_until IS NULL))
);
CREATE INDEX nudge_waiting ON encompass.nudge (force_id, queued_at) WHERE status IN ('queued', 'sending', 'ambiguous');

CREATE TABLE encompass.nudge_notification (
    nudge_id uuid NOT NULL REFERENCES encompass.nudge,
    notification_id uuid NOT NULL REFERENCES encompass.notification ON DELETE CASCADE,
    force_id text NOT NULL,
    key_adult_id uuid NOT NULL,
    channel text NOT NULL,
    rung text NOT NULL,
    PRIMARY KEY (nudge_id, notification_id),
    UNIQUE (notification_id, key_adult_id, channel, rung)
);

CREATE TABLE encompass.receipt (
    receipt_id uuid PRIMARY KEY,
    force_id text NOT NULL,
    nudge_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('accepted', 'delivered', 'failed')),
    provider_reference text,
    received_at timestamptz NOT NULL,
    UNIQUE (nudge_id, kind),
    FOREIGN KEY (force_id, nudge_id) REFERENCES encompass.nudge (force_id, nudge_id)
);

-- Somebody telephones: the rung that a person stands on.
CREATE TABLE encompass.phone_task (
    phone_task_id uuid PRIMARY KEY,
    force_id text NOT NULL,
    notification_id uuid NOT NULL UNIQUE REFERENCES encompass.notification ON DELETE CASCADE,
    reason text NOT NULL CHECK (reason IN ('unacknowledged', 'no_key_adult')),
    opened_at timestamptz NOT NULL,
    withdrawn_at timestamptz,
    run_id uuid NOT NULL,
    FOREIGN KEY (force_id, run_id) REFERENCES encompass.run (force_id, run_id)
);

CREATE TABLE encompass.compliance_report (
    force_id text NOT NULL REFERENCES encompass.force,
    night date NOT NULL,
    as_of timestamptz NOT NULL,
    run_id uuid NOT NULL,
    report jsonb NOT NULL,
    PRIMARY KEY (force_id, night, as_of),
    FOREIGN KEY (force_id, run_id) REFERENCES encompass.run (force_id, run_id)
);
