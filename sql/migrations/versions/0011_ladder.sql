-- What was done about a duty that nobody had acknowledged: each step once, with its reason.
CREATE TABLE encompass.ladder_step (
    duty_id uuid NOT NULL,
    step text NOT NULL CHECK (step IN (
        'reminder', 'deputy', 'not_accepted', 'second_channel', 'telephone', 'missed', 'head', 'chair', 'la'
    )),
    force_id text NOT NULL,
    reason text NOT NULL CHECK (reason IN (
        'unacknowledged', 'not_accepted', 'in_school_hours', 'told_late', 'held', 'not_told', 'first_day_back'
    )),
    since timestamptz NOT NULL,
    taken_at timestamptz NOT NULL,
    run_id uuid NOT NULL,
    PRIMARY KEY (duty_id, step),
    FOREIGN KEY (force_id, duty_id) REFERENCES encompass.duty (force_id, duty_id),
    FOREIGN KEY (force_id, run_id) REFERENCES encompass.run (force_id, run_id)
);

-- A child whose school was not told, or did not answer, by the bell: listed every day until a person closes it.
-- Without a duty: the child had not been placed.
CREATE TABLE encompass.duty_exception (
    exception_id uuid PRIMARY KEY,
    force_id text NOT NULL,
    involvement_id uuid NOT NULL,
    duty_id uuid,
    duty_by timestamptz NOT NULL,
    reason text NOT NULL CHECK (reason IN (
        'unacknowledged', 'not_accepted', 'told_late', 'held', 'not_told', 'not_placed'
    )),
    opened_at timestamptz NOT NULL,
    run_id uuid NOT NULL,
    closed_at timestamptz,
    closed_by text,
    sealed_reason bytea,
    key_id uuid,
    UNIQUE NULLS NOT DISTINCT (involvement_id, duty_id),
    FOREIGN KEY (force_id, involvement_id) REFERENCES encompass.involvement (force_id, involvement_id),
    FOREIGN KEY (force_id, duty_id) REFERENCES encompass.duty (force_id, duty_id),
    FOREIGN KEY (force_id, run_id) REFERENCES encompass.run (force_id, run_id),
    FOREIGN KEY (force_id, key_id) REFERENCES encompass.data_key (force_id, key_id),
    CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CHECK ((sealed_reason IS NULL) = (key_id IS NULL)),
    CHECK (closed_at IS NOT NULL OR sealed_reason IS NULL)
);
CREATE INDEX duty_exception_open ON encompass.duty_exception (force_id, duty_by) WHERE closed_at IS NULL;

-- Somebody telephones the school's Key Adults, then those who answer for the school.
-- squawk-ignore adding-field-with-default
ALTER TABLE encompass.phone_task ADD COLUMN called text NOT NULL DEFAULT 'key_adult';
-- squawk-ignore ban-drop-constraint
ALTER TABLE encompass.phone_task DROP CONSTRAINT phone_task_notification_id_key;
-- squawk-ignore ban-drop-constraint
ALTER TABLE encompass.phone_task DROP CONSTRAINT phone_task_reason_check;
ALTER TABLE encompass.phone_task
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT phone_task_called_check CHECK (called IN ('key_adult', 'head', 'chair', 'la')),
    -- squawk-ignore disallowed-unique-constraint, constraint-missing-not-valid
    ADD CONSTRAINT phone_task_one_a_person UNIQUE (notification_id, called),
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT phone_task_reason_check CHECK (reason IN (
        'unacknowledged', 'no_key_adult', 'key_adults_away', 'in_school_hours', 'told_late'
    ));

-- What came of a telephone call, by whom it was made and, when acknowledged, by which Key Adult.
CREATE TABLE encompass.phone_call (
    call_id uuid PRIMARY KEY,
    force_id text NOT NULL,
    notification_id uuid NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('acknowledged', 'no_answer', 'left_message', 'call_back')),
    key_adult_id uuid,
    called_by text NOT NULL,
    called_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (force_id, notification_id) REFERENCES encompass.notification (force_id, notification_id)
        ON DELETE CASCADE,
    FOREIGN KEY (force_id, key_adult_id) REFERENCES encompass.key_adult (force_id, key_adult_id),
    CHECK ((outcome = 'acknowledged') = (key_adult_id IS NOT NULL))
);
CREATE INDEX phone_call_by_notification ON encompass.phone_call (notification_id);

-- squawk-ignore ban-drop-constraint
ALTER TABLE encompass.nudge DROP CONSTRAINT nudge_rung_check;
ALTER TABLE encompass.nudge
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT nudge_rung_check CHECK (rung IN ('first', 'second', 'reminder'));

-- While a force's sending is frozen nothing leaves for its recipients; somebody says why, and lifts it.
CREATE TABLE encompass.sending_freeze (
    freeze_id uuid PRIMARY KEY,
    force_id text NOT NULL REFERENCES encompass.force,
    cause text NOT NULL CHECK (cause IN ('operator', 'outbox_behind')),
    frozen_at timestamptz NOT NULL,
    frozen_by text NOT NULL,
    sealed_reason bytea,
    key_id uuid,
    lifted_at timestamptz,
    lifted_by text,
    sealed_lift_reason bytea,
    FOREIGN KEY (force_id, key_id) REFERENCES encompass.data_key (force_id, key_id),
    CHECK ((lifted_at IS NULL) = (lifted_by IS NULL)),
    CHECK ((lifted_at IS NULL) = (sealed_lift_reason IS NULL)),
    CHECK ((cause = 'operator') = (sealed_reason IS NOT NULL)),
    CHECK (key_id IS NOT NULL OR (sealed_reason IS NULL AND sealed_lift_reason IS NULL))
);
CREATE UNIQUE INDEX sending_freeze_one_a_force ON encompass.sending_freeze (force_id) WHERE lifted_at IS NULL;

-- squawk-ignore ban-drop-constraint
ALTER TABLE encompass.data_key DROP CONSTRAINT data_key_purpose_check;
ALTER TABLE encompass.data_key
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT data_key_purpose_check CHECK (purpose IN ('incident', 'register', 'quarantine', 'operator'));

DO $$
DECLARE
    t text;
    reader text;
BEGIN
    FOREACH t IN ARRAY ARRAY['ladder_step', 'duty_exception', 'phone_call', 'sending_freeze'] LOOP
        EXECUTE format('ALTER TABLE encompass.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE encompass.%I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_all ON encompass.%I TO encompass_owner USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY backup_read ON encompass.%I FOR SELECT TO encompass_backup USING (true)', t);
        EXECUTE format('CREATE POLICY pipeline_all ON encompass.%I TO encompass_pipeline USING (true) WITH CHECK (true)', t);
        EXECUTE format('GRANT SELECT ON encompass.%I TO encompass_backup', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['ladder_step', 'duty_exception'] LOOP
        FOREACH reader IN ARRAY ARRAY['leader', 'mash'] LOOP
            EXECUTE format(
                'CREATE POLICY %I ON encompass.%I FOR SELECT TO %I USING (force_id = (SELECT encompass.session_force(%L)))',
                reader || '_read', t, 'encompass_' || reader, reader
            );
        END LOOP;
    END LOOP;
END
$$;
GRANT SELECT, INSERT ON encompass.ladder_step, encompass.phone_call TO encompass_pipeline;
GRANT SELECT, INSERT ON encompass.duty_exception, encompass.sending_freeze TO encompass_pipeline;
GRANT UPDATE (closed_at, closed_by, sealed_reason, key_id) ON encompass.duty_exception TO encompass_pipeline;
GRANT UPDATE (key_id, lifted_at, lifted_by, sealed_lift_reason) ON encompass.sending_freeze TO encompass_pipeline;
GRANT SELECT ON encompass.ladder_step TO encompass_leader, encompass_mash;
GRANT SELECT (exception_id, force_id, involvement_id, duty_id, duty_by, reason, opened_at, closed_at)
    ON encompass.duty_exception TO encompass_leader, encompass_mash;
