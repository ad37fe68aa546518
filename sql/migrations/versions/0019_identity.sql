-- A second factor of our own, before a school session opens anything; one person, several schools.
CREATE TABLE encompass.second_factor (
    factor_id uuid PRIMARY KEY,
    force_id text NOT NULL REFERENCES encompass.force,
    issuer text NOT NULL,
    subject text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('totp')),
    sealed bytea NOT NULL,
    key_id uuid NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    confirmed_at timestamptz,
    ended_at timestamptz,
    last_step bigint,
    wrong bigint NOT NULL DEFAULT 0 CHECK (wrong >= 0),
    wrong_since timestamptz,
    locked_until timestamptz,
    FOREIGN KEY (force_id, key_id) REFERENCES encompass.data_key (force_id, key_id),
    CHECK ((confirmed_at IS NULL) = (last_step IS NULL)),
    CHECK ((wrong = 0) = (wrong_since IS NULL))
);
CREATE UNIQUE INDEX second_factor_one_a_person ON encompass.second_factor (issuer, subject, kind)
WHERE confirmed_at IS NOT NULL AND ended_at IS NULL;

-- The authenticator is lost: one person proposes that it ends, a second confirms.
CREATE TABLE encompass.second_factor_reset (
    reset_id uuid PRIMARY KEY,
    force_id text NOT NULL,
    key_adult_id uuid NOT NULL,
    person_hash bytea NOT NULL,
    proposed_by text NOT NULL CHECK (proposed_by <> ''),
    proposed_at timestamptz NOT NULL,
    confirmed_by text,
    confirmed_at timestamptz,
    withdrawn_at timestamptz,
    FOREIGN KEY (force_id, key_adult_id) REFERENCES encompass.key_adult (force_id, key_adult_id),
    CHECK ((confirmed_at IS NULL) = (confirmed_by IS NULL)),
    CHECK (lower(confirmed_by) <> lower(proposed_by)),
    CHECK (confirmed_at IS NULL OR withdrawn_at IS NULL)
);
CREATE UNIQUE INDEX second_factor_reset_one_open ON encompass.second_factor_reset (key_adult_id)
WHERE confirmed_at IS NULL AND withdrawn_at IS NULL;

-- squawk-ignore ban-drop-constraint
ALTER TABLE encompass.data_key DROP CONSTRAINT data_key_purpose_check;
ALTER TABLE encompass.data_key
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT data_key_purpose_check CHECK (
        purpose IN ('incident', 'register', 'quarantine', 'operator', 'pushed', 'second_factor')
    );

-- Sessions of schools end here, and are of a second factor from now on; one not stepped up opens nothing.
DELETE FROM encompass.web_session WHERE role = 'school';
ALTER TABLE encompass.web_session
    ADD COLUMN factor_id uuid,
    ADD COLUMN stepped_up_at timestamptz,
    -- squawk-ignore constraint-missing-not-valid, adding-foreign-key-constraint
    ADD CONSTRAINT web_session_factor FOREIGN KEY (factor_id) REFERENCES encompass.second_factor,
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT web_session_of_factor CHECK ((role = 'school') = (factor_id IS NOT NULL)),
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT web_session_stepped_up CHECK (stepped_up_at IS NULL OR factor_id IS NOT NULL);

-- One person may be a Key Adult of several schools, each bound by a code of its own.
-- squawk-ignore ban-drop-constraint
ALTER TABLE encompass.key_adult_identity DROP CONSTRAINT key_adult_identity_issuer_subject_key;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX key_adult_identity_of_person ON encompass.key_adult_identity (issuer, subject);

-- A code that bound somebody holds for that same person until a second factor has been set up.
ALTER TABLE encompass.key_adult_code ADD COLUMN bound_at timestamptz;

-- Where the identity provider says that the person is: at any place, at one school, or at no school.
DELETE FROM encompass.binding_ticket;
ALTER TABLE encompass.binding_ticket
    -- squawk-ignore adding-required-field
    ADD COLUMN place text NOT NULL CHECK (place IN ('anywhere', 'school', 'office')),
    ADD COLUMN urn bigint,
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT binding_ticket_urn_check CHECK ((place = 'school') = (urn IS NOT NULL));

-- The second factor counts in the database, so that no page can forget it.
CREATE OR REPLACE FUNCTION encompass.session_scope(wanted_role text)
RETURNS TABLE (force_id text, recipient_id uuid, key_adult_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = encompass, pg_temp
AS $$
    SELECT s.force_id, s.recipient_id, s.key_adult_id
    FROM encompass.web_session AS s
    WHERE s.token_hash = sha256(convert_to(current_setting('encompass.session_token', true), 'UTF8'))
        AND s.role = wanted_role
        AND s.revoked_at IS NULL
        AND s.idle_until > now()
        AND s.expires_at > now()
        AND (s.role <> 'school' OR (
            s.stepped_up_at IS NOT NULL
            AND EXISTS (
                SELECT 1 FROM encompass.second_factor AS f
                WHERE f.factor_id = s.factor_id AND f.confirmed_at IS NOT NULL AND f.ended_at IS NULL
            )
            AND EXISTS (
                SELECT 1 FROM encompass.key_adult AS k
                WHERE k.key_adult_id = s.key_adult_id AND k.recipient_id = s.recipient_id
                    AND k.person_hash = s.person_hash
                    AND (k.active_to IS NULL OR k.active_to >= CAST(now() AT TIME ZONE 'Europe/London' AS date))
            )
        ))
$$;

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['second_factor', 'second_factor_reset'] LOOP
        EXECUTE format('ALTER TABLE encompass.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE encompass.%I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_all ON encompass.%I TO encompass_owner USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY backup_read ON encompass.%I FOR SELECT TO encompass_backup USING (true)', t);
        EXECUTE format('CREATE POLICY pipeline_all ON encompass.%I TO encompass_pipeline USING (true) WITH CHECK (true)', t);
        EXECUTE format('GRANT SELECT ON encompass.%I TO encompass_backup', t);
    END LOOP;
END
$$;

-- Sign-in alone holds second factors and their keys. The pipeline may end one, and cannot read its secret.
CREATE POLICY sign_in_factor ON encompass.second_factor TO encompass_sign_in USING (true) WITH CHECK (true);
CREATE POLICY sign_in_key ON encompass.data_key FOR SELECT TO encompass_sign_in USING (purpose = 'second_factor');
CREATE POLICY sign_in_new_key ON encompass.data_key FOR INSERT TO encompass_sign_in
WITH CHECK (purpose = 'second_factor');
GRANT SELECT, INSERT ON encompass.second_factor, encompass.data_key TO encompass_sign_in;
GRANT UPDATE (confirmed_at, ended_at, last_step, wrong, wrong_since, locked_until) ON encompass.second_factor
    TO encompass_sign_in;
GRANT UPDATE (bound_at) ON encompass.key_adult_code TO encompass_sign_in;
GRANT UPDATE (bound_at) ON encompass.key_adult_identity TO encompass_sign_in;
GRANT SELECT (factor_id, force_id, issuer, subject, kind, key_id, confirmed_at, ended_at), UPDATE (ended_at)
    ON encompass.second_factor TO encompass_pipeline;
GRANT SELECT, INSERT ON encompass.second_factor_reset TO encompass_pipeline;
GRANT UPDATE (confirmed_by, confirmed_at, withdrawn_at) ON encompass.second_factor_reset TO encompass_pipeline;
