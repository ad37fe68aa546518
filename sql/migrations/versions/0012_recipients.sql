-- A recipient is a school, a local authority's officer or a partner force. Contacts belong to a recipient, and
-- sessions and row-level security go by it.
-- squawk-ignore-file constraint-missing-not-valid, disallowed-unique-constraint, adding-field-with-default
-- squawk-ignore-file adding-foreign-key-constraint, adding-not-nullable-field, require-concurrent-index-creation
-- squawk-ignore-file require-concurrent-index-deletion, ban-drop-not-null, ban-drop-constraint, ban-drop-column
-- squawk-ignore-file ban-drop-default, ban-drop-function
ALTER TABLE encompass.recipient
    ADD COLUMN la_code text,
    ADD COLUMN office text,
    ADD COLUMN partner_force text,
    ADD CONSTRAINT recipient_office_known CHECK (office IN ('cme', 'ehe', 'virtual_school')),
    ADD CONSTRAINT recipient_is_one_kind CHECK (
        (kind = 'la_officer') = (la_code IS NOT NULL AND office IS NOT NULL)
        AND (la_code IS NULL) = (office IS NULL)
        AND (kind = 'partner_force') = (partner_force IS NOT NULL)
    ),
    ADD CONSTRAINT recipient_names_somebody CHECK (la_code <> '' AND partner_force <> ''),
    -- By what lists know it: the domain writes it the same way.
    ADD COLUMN code text NOT NULL
        GENERATED ALWAYS AS (coalesce(CAST(urn AS text), la_code || ' ' || office, partner_force)) STORED,
    ADD CONSTRAINT recipient_one_a_code UNIQUE (force_id, kind, code),
    ADD CONSTRAINT recipient_of_kind UNIQUE (force_id, recipient_id, kind),
    ADD CONSTRAINT recipient_of_urn UNIQUE (force_id, recipient_id, urn);
DROP INDEX encompass.recipient_one_a_school;

INSERT INTO encompass.recipient (recipient_id, force_id, kind, urn)
SELECT gen_random_uuid(), s.force_id, 'school', s.urn
FROM (SELECT DISTINCT k.force_id, k.urn FROM encompass.key_adult AS k) AS s
WHERE NOT EXISTS (SELECT 1 FROM encompass.recipient AS r WHERE r.force_id = s.force_id AND r.urn = s.urn);

-- What a contact or a notification says of its recipient is what the recipient is.
ALTER TABLE encompass.key_adult
    ADD COLUMN recipient_id uuid,
    ADD COLUMN recipient_kind text NOT NULL DEFAULT 'school',
    ALTER COLUMN urn DROP NOT NULL;
UPDATE encompass.key_adult AS k SET recipient_id = r.recipient_id
FROM encompass.recipient AS r WHERE r.force_id = k.force_id AND r.urn = k.urn;
ALTER TABLE encompass.key_adult DROP CONSTRAINT key_adult_role_check;
ALTER TABLE encompass.key_adult
    ALTER COLUMN recipient_kind DROP DEFAULT,
    ALTER COLUMN recipient_id SET NOT NULL,
    ADD CONSTRAINT key_adult_role_check CHECK (
        role IN ('dsl', 'officer', 'deputy') AND (role <> 'dsl' OR recipient_kind = 'school')
        AND (role <> 'officer' OR recipient_kind <> 'school')
    ),
    ADD CONSTRAINT key_adult_of_school CHECK ((recipient_kind = 'school') = (urn IS NOT NULL)),
    ADD CONSTRAINT key_adult_recipient_kind FOREIGN KEY (force_id, recipient_id, recipient_kind)
        REFERENCES encompass.recipient (force_id, recipient_id, kind),
    ADD CONSTRAINT key_adult_recipient_urn FOREIGN KEY (force_id, recipient_id, urn)
        REFERENCES encompass.recipient (force_id, recipient_id, urn);
CREATE INDEX key_adult_by_recipient ON encompass.key_adult (recipient_id);

-- A child on no roll that is held is known by the police record's person alone.
ALTER TABLE encompass.notification
    ADD COLUMN recipient_kind text NOT NULL DEFAULT 'school',
    ADD COLUMN person_hash bytea,
    ALTER COLUMN urn DROP NOT NULL,
    ALTER COLUMN pupil_id DROP NOT NULL;
ALTER TABLE encompass.notification
    ALTER COLUMN recipient_kind DROP DEFAULT,
    ADD CONSTRAINT notification_of_school CHECK ((recipient_kind = 'school') = (urn IS NOT NULL)),
    ADD CONSTRAINT notification_of_a_child CHECK ((pupil_id IS NULL) <> (person_hash IS NULL)),
    ADD CONSTRAINT notification_recipient_kind FOREIGN KEY (force_id, recipient_id, recipient_kind)
        REFERENCES encompass.recipient (force_id, recipient_id, kind),
    ADD CONSTRAINT notification_recipient_urn FOREIGN KEY (force_id, recipient_id, urn)
        REFERENCES encompass.recipient (force_id, recipient_id, urn);
CREATE UNIQUE INDEX notification_one_unreleased_of_person ON encompass.notification (recipient_id, person_hash)
    WHERE status = 'held';
CREATE UNIQUE INDEX notification_one_first_of_person ON encompass.notification (recipient_id, person_hash, run_id)
    WHERE status <> 'held' AND adds_to IS NULL;

-- Sessions of schools end here, and are of a recipient from now on.
DELETE FROM encompass.web_session WHERE role = 'school';
ALTER TABLE encompass.web_session ADD COLUMN recipient_id uuid;
ALTER TABLE encompass.web_session DROP COLUMN urn;
ALTER TABLE encompass.web_session
    ADD CONSTRAINT web_session_of_key_adult CHECK (
        (role = 'school') = (recipient_id IS NOT NULL AND key_adult_id IS NOT NULL AND person_hash IS NOT NULL)
    ),
    ADD CONSTRAINT web_session_recipient FOREIGN KEY (force_id, recipient_id)
        REFERENCES encompass.recipient (force_id, recipient_id);

DROP POLICY school_notification ON encompass.notification;
DROP POLICY school_acknowledges ON encompass.notification;
DROP POLICY school_recipient ON encompass.recipient;
DROP POLICY school_school ON encompass.school;
DROP FUNCTION encompass.session_urn();
DROP FUNCTION encompass.session_scope(text);

-- The register's word counts at once: a contact who was moved, replaced or ended has no session any more.
CREATE FUNCTION encompass.session_scope(wanted_role text)
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
        AND (s.role <> 'school' OR EXISTS (
            SELECT 1 FROM encompass.key_adult AS k
            WHERE k.key_adult_id = s.key_adult_id AND k.recipient_id = s.recipient_id
                AND k.person_hash = s.person_hash
                AND (k.active_to IS NULL OR k.active_to >= CAST(now() AT TIME ZONE 'Europe/London' AS date))
        ))
$$;
CREATE FUNCTION encompass.session_recipient() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = encompass, pg_temp
AS $$ SELECT s.recipient_id FROM encompass.session_scope('school') AS s $$;
REVOKE ALL ON FUNCTION encompass.session_scope(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION encompass.session_recipient() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION encompass.session_recipient() TO encompass_school;

CREATE POLICY school_notification ON encompass.notification FOR SELECT TO encompass_school USING (
    force_id = (SELECT encompass.session_force('school'))
    AND recipient_id = (SELECT encompass.session_recipient()) AND status IN ('released', 'acknowledged')
);
CREATE POLICY school_acknowledges ON encompass.notification FOR UPDATE TO encompass_school USING (
    force_id = (SELECT encompass.session_force('school'))
    AND recipient_id = (SELECT encompass.session_recipient()) AND status = 'released'
) WITH CHECK (status = 'acknowledged');
CREATE POLICY school_recipient ON encompass.recipient FOR SELECT TO encompass_school USING (
    force_id = (SELECT encompass.session_force('school')) AND recipient_id = (SELECT encompass.session_recipient())
);
CREATE POLICY school_school ON encompass.school FOR SELECT TO encompass_school USING (
    force_id = (SELECT encompass.session_force('school')) AND urn IN (SELECT r.urn FROM encompass.recipient AS r)
);

-- Whose pages these are, shown at the top of each.
GRANT SELECT ON encompass.recipient TO encompass_sign_in;
CREATE POLICY sign_in_recipient ON encompass.recipient FOR SELECT TO encompass_sign_in USING (true);

-- What a person may decide of a child besides: referred to an officer or a force, or placed with a school whose roll
-- is not held, which overrides that nothing matched and so needs a second person.
ALTER TABLE encompass.placement DROP CONSTRAINT placement_check, DROP CONSTRAINT placement_check1;
ALTER TABLE encompass.placement
    ADD CONSTRAINT placement_has_pupil CHECK (
        pupil_id IS NULL OR status = 'placed'
    ),
    ADD CONSTRAINT placement_has_reason CHECK (
        (reason IS NOT NULL) = (status IN ('in_review', 'excluded') OR (status = 'placed' AND pupil_id IS NULL))
    ),
    ADD CONSTRAINT placement_without_pupil CHECK (
        status <> 'placed' OR pupil_id IS NOT NULL OR reason = 'no_roll_held'
    );

ALTER TABLE encompass.review_decision
    DROP CONSTRAINT review_decision_outcome_check,
    DROP CONSTRAINT review_decision_check;
ALTER TABLE encompass.review_decision
    ADD COLUMN recipient_id uuid,
    ADD CONSTRAINT review_decision_outcome_check CHECK (outcome IN ('placed', 'not_found', 'referred')),
    ADD CONSTRAINT review_decision_pupil CHECK (pupil_id IS NULL OR outcome = 'placed'),
    ADD CONSTRAINT review_decision_no_roll CHECK (
        outcome <> 'placed' OR pupil_id IS NOT NULL OR 'no_roll_held' = ANY (overrides)
    ),
    ADD CONSTRAINT review_decision_referred CHECK ((outcome = 'referred') = (recipient_id IS NOT NULL)),
    ADD CONSTRAINT review_decision_recipient FOREIGN KEY (force_id, recipient_id)
        REFERENCES encompass.recipient (force_id, recipient_id);
