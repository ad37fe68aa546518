-- Who may look: identities bound to the Key Adult register, staff, sessions by the hash of their token.
CREATE TABLE encompass.key_adult_code (
    code_hash bytea PRIMARY KEY,
    force_id text NOT NULL,
    key_adult_id uuid NOT NULL,
    person_hash bytea NOT NULL,
    issued_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    FOREIGN KEY (force_id, key_adult_id) REFERENCES encompass.key_adult (force_id, key_adult_id)
);
CREATE UNIQUE INDEX key_adult_code_one_open ON encompass.key_adult_code (key_adult_id) WHERE used_at IS NULL;

-- A person is known by issuer and subject, never by e-mail.
CREATE TABLE encompass.key_adult_identity (
    key_adult_id uuid PRIMARY KEY,
    force_id text NOT NULL,
    person_hash bytea NOT NULL,
    issuer text NOT NULL,
    subject text NOT NULL,
    bound_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (issuer, subject),
    FOREIGN KEY (force_id, key_adult_id) REFERENCES encompass.key_adult (force_id, key_adult_id)
);

CREATE TABLE encompass.binding_ticket (
    ticket_hash bytea PRIMARY KEY,
    issuer text NOT NULL,
    subject text NOT NULL,
    attempts bigint NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL,
    CHECK (attempts BETWEEN 0 AND 5)
);

CREATE TABLE encompass.staff (
    staff_id uuid PRIMARY KEY,
    force_id text NOT NULL REFERENCES encompass.force,
    issuer text NOT NULL,
    subject text NOT NULL,
    role text NOT NULL CHECK (role IN ('mash', 'leader')),
    UNIQUE (issuer, subject, role),
    UNIQUE (force_id, staff_id)
);

CREATE TABLE encompass.web_session (
    token_hash bytea PRIMARY KEY,
    force_id text NOT NULL REFERENCES encompass.force,
    role text NOT NULL CHECK (role IN ('school', 'mash', 'leader')),
    urn bigint,
    key_adult_id uuid,
    person_hash bytea,
    staff_id uuid,
    opened_at timestamptz NOT NULL DEFAULT now(),
    idle_until timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    FOREIGN KEY (force_id, key_adult_id) REFERENCES encompass.key_adult (force_id, key_adult_id),
    FOREIGN KEY (force_id, staff_id) REFERENCES encompass.staff (force_id, staff_id),
    CHECK ((role = 'school') = (urn IS NOT NULL AND key_adult_id IS NOT NULL AND person_hash IS NOT NULL)),
    CHECK ((role IN ('mash', 'leader')) = (staff_id IS NOT NULL))
);

-- What the caller's session token opens. A role that can only set the token cannot choose the school.
CREATE FUNCTION encompass.session_scope(wanted_role text)
RETURNS TABLE (force_id text, urn bigint, key_adult_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = encompass, pg_temp
AS $$
    SELECT s.force_id, s.urn, s.key_adult_id
    FROM encompass.web_session AS s
    WHERE s.token_hash = sha256(convert_to(current_setting('encompass.session_token', true), 'UTF8'))
        AND s.role = wanted_role
        AND s.revoked_at IS NULL
        AND s.idle_until > now()
        AND s.expires_at > now()
        AND (s.role <> 'school' OR EXISTS (
            SELECT 1 FROM encompass.key_adult AS k
            WHERE k.key_adult_id = s.key_adult_id AND k.urn = s.urn AND k.person_hash = s.person_hash
        ))
$$;

CREATE FUNCTION encompass.session_force(wanted_role text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = encompass, pg_temp
AS $$ SELECT s.force_id FROM encompass.session_scope(wanted_role) AS s $$;

CREATE FUNCTION encompass.session_urn() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = encompass, pg_temp
AS $$ SELECT s.urn FROM encompass.session_scope('school') AS s $$;

CREATE FUNCTION encompass.session_key_adult() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = encompass, pg_temp
AS $$ SELECT s.key_adult_id FROM encompass.session_scope('school') AS s $$;

REVOKE ALL ON FUNCTION encompass.session_scope(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION encompass.session_force(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION encompass.session_urn() FROM PUBLIC;
REVOKE ALL ON FUNCTION encompass.session_key_adult() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION encompass.session_force(text) TO encompass_school, encompass_mash, encompass_leader;
GRANT EXECUTE ON FUNCTION encompass.session_urn() TO encompass_school;
GRANT EXECUTE ON FUNCTION encompass.session_key_adult() TO encompass_school;
