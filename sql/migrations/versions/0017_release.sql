-- Why a message waits, what became of each part of it, who may never read it; withdrawals, recalls and breaches.
ALTER TABLE encompass.notification
    ADD COLUMN hold_kinds text [],
    ADD COLUMN supersedes uuid,
    -- squawk-ignore adding-field-with-default
    ADD COLUMN advice jsonb NOT NULL DEFAULT '{}',
    -- squawk-ignore constraint-missing-not-valid, adding-foreign-key-constraint
    ADD CONSTRAINT notification_supersedes_fkey FOREIGN KEY (supersedes) REFERENCES encompass.notification;
UPDATE encompass.notification SET hold_kinds = '{police}' WHERE sealed_hold IS NOT NULL;
ALTER TABLE encompass.notification
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT notification_hold_kinds_check CHECK (
        (hold_kinds IS NULL) = (sealed_hold IS NULL)
        AND hold_kinds <@ ARRAY['police', 'content', 'conflict', 'suspect', 'restricted']
    );
-- What was withdrawn, recalled or returned is no longer the first of its night: the school may be told anew.
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX encompass.notification_one_first;
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX notification_one_first ON encompass.notification (recipient_id, pupil_id, run_id)
WHERE status IN ('released', 'acknowledged') AND adds_to IS NULL AND supersedes IS NULL;

-- squawk-ignore require-concurrent-index-deletion
DROP INDEX encompass.notification_one_first_of_person;
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX notification_one_first_of_person ON encompass.notification (recipient_id, person_hash, run_id)
WHERE status IN ('released', 'acknowledged') AND adds_to IS NULL AND supersedes IS NULL;

-- A part tells of one version of an incident. It ends by itself: the other parts of its notification stay.
ALTER TABLE encompass.notification_part
    -- squawk-ignore adding-field-with-default
    ADD COLUMN version bigint NOT NULL DEFAULT 1,
    ADD COLUMN ended text,
    ADD COLUMN ended_at timestamptz,
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT notification_part_ended_check CHECK (
        ended IN ('withdrawn', 'superseded', 'recalled', 'not_ours', 'cancelled') AND (ended IS NULL) = (ended_at IS NULL)
    );
-- squawk-ignore ban-drop-constraint
ALTER TABLE encompass.notification_part DROP CONSTRAINT notification_part_duty_id_key;
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX notification_part_one_current ON encompass.notification_part (duty_id) WHERE ended_at IS NULL;

-- squawk-ignore ban-drop-constraint
ALTER TABLE encompass.phone_task DROP CONSTRAINT phone_task_reason_check;
ALTER TABLE encompass.phone_task
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT phone_task_reason_check CHECK (
        reason IN (
            'unacknowledged', 'no_key_adult', 'key_adults_away', 'in_school_hours', 'told_late', 'unreachable', 'conflict',
            'recalled'
        )
    );

-- squawk-ignore ban-drop-constraint
ALTER TABLE encompass.nudge DROP CONSTRAINT nudge_rung_check;
ALTER TABLE encompass.nudge
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT nudge_rung_check CHECK (rung IN ('first', 'second', 'reminder', 'notice', 'reroute'));

-- Who may never read a notification, by person: whatever the register later makes of the reference.
CREATE TABLE encompass.notification_exclusion (
    notification_id uuid NOT NULL REFERENCES encompass.notification ON DELETE CASCADE,
    person_hash bytea NOT NULL,
    key_adult_id uuid NOT NULL,
    force_id text NOT NULL,
    reason text NOT NULL CHECK (reason IN ('declared', 'party_works_here', 'own_word')),
    excluded_at timestamptz NOT NULL,
    rerouted_at timestamptz,
    PRIMARY KEY (notification_id, person_hash),
    FOREIGN KEY (force_id, key_adult_id) REFERENCES encompass.key_adult (force_id, key_adult_id)
);

-- What a person decides of a held notification. Where two must, the second confirms.
CREATE TABLE encompass.hold_decision (
    decision_id uuid PRIMARY KEY,
    force_id text NOT NULL,
    notification_id uuid NOT NULL REFERENCES encompass.notification,
    outcome text NOT NULL CHECK (outcome IN ('released', 'cancelled')),
    needs_two boolean NOT NULL,
    sealed_reason bytea NOT NULL,
    key_id uuid NOT NULL,
    proposed_by text NOT NULL CHECK (proposed_by <> ''),
    proposed_at timestamptz NOT NULL,
    confirmed_by text,
    confirmed_at timestamptz,
    withdrawn_at timestamptz,
    FOREIGN KEY (force_id, key_id) REFERENCES encompass.data_key (force_id, key_id),
    CHECK ((confirmed_at IS NULL) = (confirmed_by IS NULL)),
    CHECK (NOT needs_two OR confirmed_by IS NULL OR confirmed_by <> proposed_by),
    CHECK (confirmed_at IS NULL OR withdrawn_at IS NULL)
);
CREATE UNIQUE INDEX hold_decision_one_open ON encompass.hold_decision (notification_id)
WHERE confirmed_at IS NULL AND withdrawn_at IS NULL;

-- What a school may read of a message that it can no longer open: initials, and that it was withdrawn or recalled.
CREATE TABLE encompass.notice (
    notice_id uuid PRIMARY KEY,
    force_id text NOT NULL,
    notification_id uuid NOT NULL REFERENCES encompass.notification,
    recipient_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('withdrawn', 'part_withdrawn', 'recalled')),
    sealed bytea NOT NULL,
    key_id uuid NOT NULL,
    written_at timestamptz NOT NULL,
    nudged_at timestamptz,
    run_id uuid NOT NULL,
    FOREIGN KEY (force_id, recipient_id) REFERENCES encompass.recipient (force_id, recipient_id),
    FOREIGN KEY (force_id, key_id) REFERENCES encompass.data_key (force_id, key_id),
    FOREIGN KEY (force_id, run_id) REFERENCES encompass.run (force_id, run_id)
);
CREATE INDEX notice_by_recipient ON encompass.notice (force_id, recipient_id);

-- The wrong school was told. From the proposal nobody there can open the message; a second person confirms.
CREATE TABLE encompass.recall (
    recall_id uuid PRIMARY KEY,
    force_id text NOT NULL,
    notification_id uuid NOT NULL REFERENCES encompass.notification,
    right_urn bigint,
    sealed_reason bytea NOT NULL,
    key_id uuid NOT NULL,
    proposed_by text NOT NULL CHECK (proposed_by <> ''),
    proposed_at timestamptz NOT NULL,
    confirmed_by text,
    confirmed_at timestamptz,
    withdrawn_at timestamptz,
    UNIQUE (force_id, recall_id),
    FOREIGN KEY (force_id, key_id) REFERENCES encompass.data_key (force_id, key_id),
    CHECK ((confirmed_at IS NULL) = (confirmed_by IS NULL)),
    CHECK (confirmed_by IS NULL OR confirmed_by <> proposed_by),
    CHECK (confirmed_at IS NULL OR withdrawn_at IS NULL)
);
CREATE UNIQUE INDEX recall_one_a_notification ON encompass.recall (notification_id) WHERE withdrawn_at IS NULL;

-- A personal data breach, and by when it has to be reported to the Information Commissioner where it must be.
CREATE TABLE encompass.breach (
    breach_id uuid PRIMARY KEY,
    force_id text NOT NULL,
    recall_id uuid NOT NULL UNIQUE,
    notification_id uuid NOT NULL REFERENCES encompass.notification,
    opened_at timestamptz NOT NULL,
    report_by timestamptz NOT NULL CHECK (report_by > opened_at),
    outcome text CHECK (outcome IN ('reported', 'not_reportable')),
    sealed_outcome bytea,
    key_id uuid NOT NULL,
    closed_by text,
    closed_at timestamptz,
    FOREIGN KEY (force_id, recall_id) REFERENCES encompass.recall (force_id, recall_id),
    FOREIGN KEY (force_id, key_id) REFERENCES encompass.data_key (force_id, key_id),
    CHECK ((closed_at IS NULL) = (outcome IS NULL)),
    CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CHECK ((closed_at IS NULL) = (sealed_outcome IS NULL))
);

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['notification_exclusion', 'hold_decision', 'notice', 'recall', 'breach'] LOOP
        EXECUTE format('ALTER TABLE encompass.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE encompass.%I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_all ON encompass.%I TO encompass_owner USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY backup_read ON encompass.%I FOR SELECT TO encompass_backup USING (true)', t);
        EXECUTE format('CREATE POLICY pipeline_all ON encompass.%I TO encompass_pipeline USING (true) WITH CHECK (true)', t);
        EXECUTE format('GRANT SELECT ON encompass.%I TO encompass_backup', t);
    END LOOP;
END
$$;
GRANT SELECT, INSERT ON encompass.notification_exclusion, encompass.hold_decision, encompass.notice,
    encompass.recall, encompass.breach TO encompass_pipeline;
GRANT UPDATE (rerouted_at) ON encompass.notification_exclusion TO encompass_pipeline;
GRANT UPDATE (confirmed_by, confirmed_at, withdrawn_at) ON encompass.hold_decision, encompass.recall
    TO encompass_pipeline;
GRANT UPDATE (nudged_at) ON encompass.notice TO encompass_pipeline;
GRANT UPDATE (outcome, sealed_outcome, closed_by, closed_at) ON encompass.breach TO encompass_pipeline;
GRANT UPDATE (sealed, version, ended, ended_at) ON encompass.notification_part TO encompass_pipeline;
GRANT SELECT (hold_kinds, supersedes) ON encompass.notification TO encompass_leader, encompass_mash;
GRANT SELECT (version, ended, ended_at) ON encompass.notification_part TO encompass_leader, encompass_mash;

-- The person whose session this is, and what that person may not open: what he or she is excluded from, and what is
-- being recalled.
CREATE FUNCTION encompass.session_person() RETURNS bytea
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = encompass, pg_temp
AS $$ SELECT k.person_hash FROM encompass.key_adult AS k WHERE k.key_adult_id = encompass.session_key_adult() $$;

CREATE FUNCTION encompass.session_excluded() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = encompass, pg_temp
AS $$ SELECT x.notification_id FROM encompass.notification_exclusion AS x WHERE x.person_hash = encompass.session_person() $$;

CREATE FUNCTION encompass.being_recalled() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = encompass, pg_temp
AS $$ SELECT r.notification_id FROM encompass.recall AS r
    WHERE r.withdrawn_at IS NULL AND r.force_id = encompass.session_force('school') $$;

-- A school says that the child is not its pupil: the message closes at once. What a school role may do is in what it
-- may see, and it could not see the row that it has just closed: so the function looks again.
CREATE FUNCTION encompass.school_returns(wanted uuid, expected text) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = encompass, pg_temp
AS $$
    WITH returned AS (
        UPDATE encompass.notification AS n SET status = 'not_our_pupil'
        WHERE n.notification_id = wanted AND n.status = expected AND expected IN ('released', 'acknowledged')
            AND n.force_id = encompass.session_force('school') AND n.recipient_id = encompass.session_recipient()
            AND n.notification_id NOT IN (SELECT encompass.session_excluded())
            AND n.notification_id NOT IN (SELECT encompass.being_recalled())
        RETURNING n.notification_id
    )
    SELECT EXISTS (SELECT 1 FROM returned)
$$;

DO $$
DECLARE
    f text;
BEGIN
    FOREACH f IN ARRAY ARRAY[
        'session_person()', 'session_excluded()', 'being_recalled()', 'school_returns(uuid, text)'
    ] LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION encompass.%s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION encompass.%s TO encompass_school', f);
    END LOOP;
END
$$;

-- For everything else of a notification the school's policies look at the notification itself.
CREATE POLICY school_not_excluded ON encompass.notification AS RESTRICTIVE TO encompass_school USING (
    notification_id NOT IN (SELECT encompass.session_excluded())
    AND notification_id NOT IN (SELECT encompass.being_recalled())
);
CREATE POLICY school_current_part ON encompass.notification_part AS RESTRICTIVE TO encompass_school
USING (ended_at IS NULL);
GRANT SELECT (supersedes, advice) ON encompass.notification TO encompass_school;
GRANT INSERT (notification_id, person_hash, key_adult_id, force_id, reason, excluded_at)
    ON encompass.notification_exclusion TO encompass_school;
CREATE POLICY school_excuses ON encompass.notification_exclusion FOR INSERT TO encompass_school WITH CHECK (
    reason = 'own_word' AND key_adult_id = (SELECT encompass.session_key_adult())
    AND person_hash = (SELECT encompass.session_person())
    AND notification_id IN (SELECT n.notification_id FROM encompass.notification AS n)
);
GRANT SELECT ON encompass.notice TO encompass_school;
CREATE POLICY school_notice ON encompass.notice FOR SELECT TO encompass_school USING (
    recipient_id IN (SELECT r.recipient_id FROM encompass.recipient AS r)
    AND notification_id NOT IN (SELECT encompass.session_excluded())
);
CREATE POLICY school_notice_key ON encompass.data_key FOR SELECT TO encompass_school USING (
    key_id IN (SELECT n.key_id FROM encompass.notice AS n)
);
