-- A school says each term that its Key Adults are still the right ones; a change of a contact is confirmed on its page by
-- another of its Key Adults, and whoever could be reached before is told that it was made.
CREATE TABLE encompass.attestation (
    attestation_id uuid PRIMARY KEY,
    force_id text NOT NULL,
    recipient_id uuid NOT NULL,
    attested_by uuid NOT NULL,
    attested_on date NOT NULL,
    attested_at timestamptz NOT NULL,
    FOREIGN KEY (force_id, recipient_id) REFERENCES encompass.recipient (force_id, recipient_id),
    FOREIGN KEY (force_id, attested_by) REFERENCES encompass.key_adult (force_id, key_adult_id)
);
CREATE INDEX attestation_by_recipient ON encompass.attestation (recipient_id, attested_on);

ALTER TABLE encompass.attestation ENABLE ROW LEVEL SECURITY;
ALTER TABLE encompass.attestation FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON encompass.attestation TO encompass_owner USING (true) WITH CHECK (true);
CREATE POLICY backup_read ON encompass.attestation FOR SELECT TO encompass_backup USING (true);
CREATE POLICY pipeline_read ON encompass.attestation FOR SELECT TO encompass_pipeline USING (true);
GRANT SELECT ON encompass.attestation TO encompass_backup, encompass_pipeline;
GRANT SELECT, INSERT ON encompass.attestation TO encompass_school;
CREATE POLICY school_attestation ON encompass.attestation FOR SELECT TO encompass_school USING (
    force_id = (SELECT encompass.session_force('school')) AND recipient_id = (SELECT encompass.session_recipient())
);
CREATE POLICY school_attests ON encompass.attestation FOR INSERT TO encompass_school WITH CHECK (
    force_id = (SELECT encompass.session_force('school')) AND recipient_id = (SELECT encompass.session_recipient())
    AND attested_by = (SELECT encompass.session_key_adult())
);

-- A change confirmed on a page holds once a step of the night has taken it. `sealed_former` is the contact as it was.
ALTER TABLE encompass.contact_change
    ADD COLUMN taken_at timestamptz,
    ADD COLUMN sealed_former bytea,
    ADD COLUMN former_key_id uuid,
    ADD COLUMN noticed_at timestamptz,
    -- squawk-ignore constraint-missing-not-valid, adding-foreign-key-constraint
    ADD CONSTRAINT contact_change_former_key FOREIGN KEY (force_id, former_key_id)
        REFERENCES encompass.data_key (force_id, key_id),
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT contact_change_taken CHECK (taken_at IS NULL OR confirmed_at IS NOT NULL),
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT contact_change_former CHECK ((sealed_former IS NULL) = (former_key_id IS NULL));
UPDATE encompass.contact_change SET taken_at = confirmed_at WHERE confirmed_at IS NOT NULL;
GRANT UPDATE (taken_at, sealed_former, former_key_id, noticed_at) ON encompass.contact_change TO encompass_pipeline;

-- What a school role may do is in what it may see, and whom it is, is more than one reference: so the function looks.
CREATE FUNCTION encompass.school_confirms(wanted uuid, at timestamptz) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = encompass, pg_temp
AS $$
    WITH confirmed AS (
        UPDATE encompass.contact_change AS c
        SET confirmed_by = CAST(encompass.session_key_adult() AS text), confirmed_at = at
        WHERE c.change_id = wanted AND c.confirmed_at IS NULL AND c.withdrawn_at IS NULL AND c.origin = 'school'
            AND c.force_id = encompass.session_force('school') AND c.recipient_id = encompass.session_recipient()
            AND c.proposed_by <> CAST(encompass.session_key_adult() AS text)
            AND NOT EXISTS (
                SELECT 1 FROM encompass.key_adult AS p
                WHERE CAST(p.key_adult_id AS text) = c.proposed_by AND p.person_hash = encompass.session_person()
            )
            AND NOT EXISTS (
                SELECT 1 FROM encompass.key_adult_identity AS p
                JOIN encompass.key_adult_identity AS s ON s.issuer = p.issuer AND s.subject = p.subject
                WHERE CAST(p.key_adult_id AS text) = c.proposed_by AND s.key_adult_id = encompass.session_key_adult()
            )
        RETURNING c.change_id
    )
    SELECT EXISTS (SELECT 1 FROM confirmed)
$$;
REVOKE ALL ON FUNCTION encompass.school_confirms(uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION encompass.school_confirms(uuid, timestamptz) TO encompass_school;

-- A nudge beside the ladder: to where somebody was reached before a change of the contact.
ALTER TABLE encompass.nudge
    ADD COLUMN change_id uuid,
    -- squawk-ignore constraint-missing-not-valid, adding-foreign-key-constraint
    ADD CONSTRAINT nudge_change FOREIGN KEY (force_id, change_id)
        REFERENCES encompass.contact_change (force_id, change_id);
-- squawk-ignore ban-drop-constraint
ALTER TABLE encompass.nudge DROP CONSTRAINT nudge_rung_check;
ALTER TABLE encompass.nudge
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT nudge_rung_check CHECK (rung IN ('first', 'second', 'reminder', 'notice', 'reroute', 'contact')),
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT nudge_of_change CHECK ((rung = 'contact') = (change_id IS NOT NULL));
