-- What a school says of itself on its own pages: days shut and start times, who stands in for whom, and contacts, which
-- wait for a second person.
CREATE TABLE encompass.entered_day (
    entered_day_id uuid PRIMARY KEY,
    force_id text NOT NULL,
    recipient_id uuid NOT NULL,
    urn bigint NOT NULL,
    on_day date NOT NULL,
    kind text NOT NULL CHECK (kind IN ('closed', 'start')),
    reason text NOT NULL CHECK (reason IN ('inset', 'holiday', 'emergency', 'other', 'hours')),
    starts_at time,
    entered_by uuid NOT NULL,
    entered_at timestamptz NOT NULL,
    removed_by uuid,
    removed_at timestamptz,
    FOREIGN KEY (force_id, recipient_id, urn) REFERENCES encompass.recipient (force_id, recipient_id, urn),
    FOREIGN KEY (force_id, entered_by) REFERENCES encompass.key_adult (force_id, key_adult_id),
    FOREIGN KEY (force_id, removed_by) REFERENCES encompass.key_adult (force_id, key_adult_id),
    CHECK ((starts_at IS NOT NULL) = (kind = 'start')),
    CHECK ((reason = 'hours') = (kind = 'start')),
    CHECK ((removed_at IS NULL) = (removed_by IS NULL))
);
CREATE UNIQUE INDEX entered_day_one_standing ON encompass.entered_day (force_id, urn, on_day, kind)
WHERE removed_at IS NULL;

-- A change of a contact that a school asks for on its page is sealed with a key of its own.
-- squawk-ignore ban-drop-constraint
ALTER TABLE encompass.data_key DROP CONSTRAINT data_key_purpose_check;
ALTER TABLE encompass.data_key
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT data_key_purpose_check CHECK (
        purpose IN ('incident', 'register', 'quarantine', 'operator', 'pushed', 'second_factor', 'contact')
    );
-- squawk-ignore ban-drop-constraint
ALTER TABLE encompass.contact_change DROP CONSTRAINT contact_change_origin_check;
ALTER TABLE encompass.contact_change
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT contact_change_origin_check CHECK (origin IN ('register', 'person', 'school')),
    -- squawk-ignore constraint-missing-not-valid, disallowed-unique-constraint
    ADD CONSTRAINT contact_change_of_force UNIQUE (force_id, change_id);

-- Who stands in for a Key Adult: another of the same recipient, or one whose contact has first to be confirmed. It is of
-- the person: when the register gives the reference to another, it ends.
CREATE TABLE encompass.cover (
    cover_id uuid PRIMARY KEY,
    force_id text NOT NULL,
    recipient_id uuid NOT NULL,
    key_adult_id uuid NOT NULL,
    person_hash bytea NOT NULL,
    stand_in_id uuid,
    change_id uuid,
    first_day date NOT NULL,
    last_day date NOT NULL,
    named_at timestamptz NOT NULL,
    withdrawn_at timestamptz,
    FOREIGN KEY (force_id, recipient_id) REFERENCES encompass.recipient (force_id, recipient_id),
    FOREIGN KEY (force_id, key_adult_id) REFERENCES encompass.key_adult (force_id, key_adult_id),
    FOREIGN KEY (force_id, stand_in_id) REFERENCES encompass.key_adult (force_id, key_adult_id),
    FOREIGN KEY (force_id, change_id) REFERENCES encompass.contact_change (force_id, change_id),
    CHECK ((stand_in_id IS NULL) <> (change_id IS NULL)),
    CHECK (stand_in_id <> key_adult_id),
    CHECK (last_day >= first_day)
);
CREATE INDEX cover_by_recipient ON encompass.cover (recipient_id, last_day);

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['entered_day', 'cover'] LOOP
        EXECUTE format('ALTER TABLE encompass.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE encompass.%I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_all ON encompass.%I TO encompass_owner USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY backup_read ON encompass.%I FOR SELECT TO encompass_backup USING (true)', t);
        EXECUTE format('CREATE POLICY pipeline_read ON encompass.%I FOR SELECT TO encompass_pipeline USING (true)', t);
        EXECUTE format('GRANT SELECT ON encompass.%I TO encompass_backup, encompass_pipeline', t);
    END LOOP;
END
$$;

-- Which of its own contacts could open a message: bound by a code, with a second factor of their own.
CREATE FUNCTION encompass.session_ready_adults() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = encompass, pg_temp
AS $$
    SELECT k.key_adult_id FROM encompass.key_adult AS k
    WHERE k.force_id = encompass.session_force('school') AND k.recipient_id = encompass.session_recipient()
        AND EXISTS (
            SELECT 1 FROM encompass.key_adult_identity AS i
            JOIN encompass.second_factor AS f ON f.issuer = i.issuer AND f.subject = i.subject
            WHERE i.key_adult_id = k.key_adult_id AND i.person_hash = k.person_hash
                AND f.confirmed_at IS NOT NULL AND f.ended_at IS NULL
        )
$$;
REVOKE ALL ON FUNCTION encompass.session_ready_adults() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION encompass.session_ready_adults() TO encompass_school;

-- A school reads its own contacts, and what it says of itself; it adds to it in the session's own name.
GRANT SELECT (key_adult_id, force_id, recipient_id, recipient_kind, urn, role, language, active_from, active_to, sealed,
    key_id) ON encompass.key_adult TO encompass_school;
CREATE POLICY school_contact ON encompass.key_adult FOR SELECT TO encompass_school USING (
    force_id = (SELECT encompass.session_force('school')) AND recipient_id = (SELECT encompass.session_recipient())
);

GRANT SELECT, INSERT ON encompass.entered_day TO encompass_school;
GRANT UPDATE (removed_by, removed_at) ON encompass.entered_day TO encompass_school;
CREATE POLICY school_days ON encompass.entered_day FOR SELECT TO encompass_school USING (
    force_id = (SELECT encompass.session_force('school')) AND recipient_id = (SELECT encompass.session_recipient())
);
CREATE POLICY school_enters_day ON encompass.entered_day FOR INSERT TO encompass_school WITH CHECK (
    force_id = (SELECT encompass.session_force('school')) AND recipient_id = (SELECT encompass.session_recipient())
    AND entered_by = (SELECT encompass.session_key_adult()) AND removed_at IS NULL
);
CREATE POLICY school_removes_day ON encompass.entered_day FOR UPDATE TO encompass_school USING (
    force_id = (SELECT encompass.session_force('school')) AND recipient_id = (SELECT encompass.session_recipient())
    AND removed_at IS NULL
) WITH CHECK (removed_by = (SELECT encompass.session_key_adult()));

GRANT SELECT, INSERT ON encompass.contact_change TO encompass_school;
CREATE POLICY school_change ON encompass.contact_change FOR SELECT TO encompass_school USING (
    force_id = (SELECT encompass.session_force('school')) AND recipient_id = (SELECT encompass.session_recipient())
    AND origin = 'school'
);
CREATE POLICY school_proposes ON encompass.contact_change FOR INSERT TO encompass_school WITH CHECK (
    force_id = (SELECT encompass.session_force('school')) AND recipient_id = (SELECT encompass.session_recipient())
    AND origin = 'school' AND proposed_by = CAST((SELECT encompass.session_key_adult()) AS text)
    AND confirmed_at IS NULL AND withdrawn_at IS NULL
);
GRANT UPDATE (withdrawn_at) ON encompass.contact_change TO encompass_school;
CREATE POLICY school_takes_back ON encompass.contact_change FOR UPDATE TO encompass_school USING (
    force_id = (SELECT encompass.session_force('school')) AND recipient_id = (SELECT encompass.session_recipient())
    AND origin = 'school' AND proposed_by = CAST((SELECT encompass.session_key_adult()) AS text)
    AND confirmed_at IS NULL AND withdrawn_at IS NULL
) WITH CHECK (withdrawn_at IS NOT NULL);

GRANT SELECT, INSERT ON encompass.cover TO encompass_school;
GRANT UPDATE (withdrawn_at) ON encompass.cover TO encompass_school;
CREATE POLICY school_cover ON encompass.cover FOR SELECT TO encompass_school USING (
    force_id = (SELECT encompass.session_force('school')) AND recipient_id = (SELECT encompass.session_recipient())
);
CREATE POLICY school_names_cover ON encompass.cover FOR INSERT TO encompass_school WITH CHECK (
    force_id = (SELECT encompass.session_force('school')) AND recipient_id = (SELECT encompass.session_recipient())
    AND key_adult_id = (SELECT encompass.session_key_adult()) AND person_hash = (SELECT encompass.session_person())
    AND (stand_in_id IS NULL OR stand_in_id IN (SELECT k.key_adult_id FROM encompass.key_adult AS k))
    AND (change_id IS NULL OR change_id IN (SELECT c.change_id FROM encompass.contact_change AS c))
    AND withdrawn_at IS NULL
);
CREATE POLICY school_ends_cover ON encompass.cover FOR UPDATE TO encompass_school USING (
    force_id = (SELECT encompass.session_force('school')) AND recipient_id = (SELECT encompass.session_recipient())
    AND key_adult_id = (SELECT encompass.session_key_adult()) AND withdrawn_at IS NULL
) WITH CHECK (withdrawn_at IS NOT NULL);

CREATE POLICY school_contact_key ON encompass.data_key FOR SELECT TO encompass_school USING (
    key_id IN (SELECT k.key_id FROM encompass.key_adult AS k)
    OR key_id IN (SELECT c.key_id FROM encompass.contact_change AS c)
);
GRANT INSERT (key_id, force_id, purpose, ring_key_id, wrapped) ON encompass.data_key TO encompass_school;
CREATE POLICY school_new_contact_key ON encompass.data_key FOR INSERT TO encompass_school WITH CHECK (
    purpose = 'contact' AND force_id = (SELECT encompass.session_force('school'))
);
