-- Who becomes a Key Adult, or declares a surname, after a message was told: nothing opens until the pipeline has
-- compared the entry as it is now with every message of the recipient. Whom that finds in conflict a person lets in or not.
ALTER TABLE encompass.key_adult ADD COLUMN compared_hash bytea;

ALTER TABLE encompass.notification_exclusion
    -- squawk-ignore adding-field-with-default
    ADD COLUMN found_later boolean NOT NULL DEFAULT false,
    -- squawk-ignore adding-field-with-default
    ADD COLUMN admitted boolean NOT NULL DEFAULT false,
    ADD COLUMN decided_at timestamptz,
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT notification_exclusion_decided CHECK (NOT admitted OR (found_later AND decided_at IS NOT NULL));
-- squawk-ignore ban-drop-constraint
ALTER TABLE encompass.notification_exclusion DROP CONSTRAINT notification_exclusion_pkey;
ALTER TABLE encompass.notification_exclusion
    -- squawk-ignore adding-serial-primary-key-field, disallowed-unique-constraint, constraint-missing-not-valid
    ADD PRIMARY KEY (notification_id, person_hash, reason);
-- squawk-ignore ban-drop-constraint
ALTER TABLE encompass.notification_exclusion DROP CONSTRAINT notification_exclusion_reason_check;
ALTER TABLE encompass.notification_exclusion
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT notification_exclusion_reason_check CHECK (
        reason IN ('declared', 'party_works_here', 'unknown', 'own_word')
    );

-- What a person decides of one whom the comparison found in conflict afterwards. Where two must, the second confirms.
CREATE TABLE encompass.conflict_decision (
    decision_id uuid PRIMARY KEY,
    force_id text NOT NULL,
    notification_id uuid NOT NULL REFERENCES encompass.notification,
    key_adult_id uuid NOT NULL,
    person_hash bytea NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('admitted', 'kept_out')),
    needs_two boolean NOT NULL,
    sealed_reason bytea NOT NULL,
    key_id uuid NOT NULL,
    proposed_by text NOT NULL CHECK (proposed_by <> ''),
    proposed_at timestamptz NOT NULL,
    confirmed_by text,
    confirmed_at timestamptz,
    withdrawn_at timestamptz,
    FOREIGN KEY (force_id, key_adult_id) REFERENCES encompass.key_adult (force_id, key_adult_id),
    FOREIGN KEY (force_id, key_id) REFERENCES encompass.data_key (force_id, key_id),
    CHECK ((confirmed_at IS NULL) = (confirmed_by IS NULL)),
    CHECK (NOT needs_two OR lower(confirmed_by) <> lower(proposed_by)),
    CHECK (confirmed_at IS NULL OR withdrawn_at IS NULL)
);
CREATE UNIQUE INDEX conflict_decision_one_open ON encompass.conflict_decision (notification_id, person_hash)
WHERE confirmed_at IS NULL AND withdrawn_at IS NULL;
ALTER TABLE encompass.conflict_decision ENABLE ROW LEVEL SECURITY;
ALTER TABLE encompass.conflict_decision FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON encompass.conflict_decision TO encompass_owner USING (true) WITH CHECK (true);
CREATE POLICY backup_read ON encompass.conflict_decision FOR SELECT TO encompass_backup USING (true);
CREATE POLICY pipeline_all ON encompass.conflict_decision TO encompass_pipeline USING (true) WITH CHECK (true);
GRANT SELECT ON encompass.conflict_decision TO encompass_backup;
GRANT SELECT, INSERT ON encompass.conflict_decision TO encompass_pipeline;
GRANT UPDATE (confirmed_by, confirmed_at, withdrawn_at) ON encompass.conflict_decision TO encompass_pipeline;
GRANT UPDATE (admitted, decided_at) ON encompass.notification_exclusion TO encompass_pipeline;

-- The leaders' exceptions say that a person has to decide, and not about whom.
GRANT SELECT (notification_id, force_id, found_later, excluded_at, decided_at) ON encompass.notification_exclusion
    TO encompass_leader, encompass_mash;
CREATE POLICY leader_read ON encompass.notification_exclusion FOR SELECT TO encompass_leader USING (
    force_id = (SELECT encompass.session_force('leader'))
);
CREATE POLICY mash_read ON encompass.notification_exclusion FOR SELECT TO encompass_mash USING (
    force_id = (SELECT encompass.session_force('mash'))
);

-- Everything of the recipient, until the session's Key Adult has been compared; then what he or she is excluded from.
CREATE OR REPLACE FUNCTION encompass.session_excluded() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = encompass, pg_temp
AS $$
    SELECT x.notification_id FROM encompass.notification_exclusion AS x
    WHERE x.person_hash = encompass.session_person() AND NOT x.admitted
    UNION ALL
    SELECT n.notification_id FROM encompass.notification AS n
    JOIN encompass.key_adult AS k ON k.recipient_id = n.recipient_id
    WHERE k.key_adult_id = encompass.session_key_adult() AND k.compared_hash IS DISTINCT FROM k.content_hash
$$;
