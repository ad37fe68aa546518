-- A recall of one part of a message, a breach without a recall, and calls with people who are on no register.
ALTER TABLE encompass.recall ADD COLUMN duty_id uuid;
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX encompass.recall_one_a_notification;
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX recall_one_a_part ON encompass.recall (notification_id, duty_id) NULLS NOT DISTINCT
WHERE withdrawn_at IS NULL;

-- The school reads the other parts all the while; the part that is being recalled it does not.
CREATE OR REPLACE FUNCTION encompass.being_recalled() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = encompass, pg_temp
AS $$ SELECT r.notification_id FROM encompass.recall AS r
    WHERE r.withdrawn_at IS NULL AND r.duty_id IS NULL AND r.force_id = encompass.session_force('school') $$;

CREATE FUNCTION encompass.parts_being_recalled() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = encompass, pg_temp
AS $$ SELECT r.duty_id FROM encompass.recall AS r
    WHERE r.withdrawn_at IS NULL AND r.confirmed_at IS NULL AND r.duty_id IS NOT NULL
        AND r.force_id = encompass.session_force('school') $$;
REVOKE ALL ON FUNCTION encompass.parts_being_recalled() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION encompass.parts_being_recalled() TO encompass_school;
CREATE POLICY school_part_not_recalled ON encompass.notification_part AS RESTRICTIVE TO encompass_school
USING (duty_id NOT IN (SELECT encompass.parts_being_recalled()));

-- squawk-ignore ban-drop-constraint
ALTER TABLE encompass.notice DROP CONSTRAINT notice_kind_check;
ALTER TABLE encompass.notice
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT notice_kind_check CHECK (kind IN ('withdrawn', 'part_withdrawn', 'recalled', 'part_recalled'));

-- Another pupil of the same school was told of: a breach that the queue opens, with nothing to recall.
ALTER TABLE encompass.breach
    -- squawk-ignore ban-drop-not-null
    ALTER COLUMN recall_id DROP NOT NULL,
    ADD COLUMN opened_by text,
    ADD COLUMN sealed_cause bytea,
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT breach_has_cause CHECK (
        (recall_id IS NULL) = (sealed_cause IS NOT NULL) AND (recall_id IS NULL) = (opened_by IS NOT NULL)
    );

-- Somebody was told by telephone who is on no register: the role, as he or she said it, sealed.
ALTER TABLE encompass.phone_call
    ADD COLUMN sealed_spoke_to bytea,
    ADD COLUMN key_id uuid,
    -- squawk-ignore constraint-missing-not-valid, adding-foreign-key-constraint
    ADD CONSTRAINT phone_call_key FOREIGN KEY (force_id, key_id) REFERENCES encompass.data_key (force_id, key_id),
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT phone_call_spoke_to CHECK ((sealed_spoke_to IS NULL) = (key_id IS NULL));
-- squawk-ignore ban-drop-constraint
ALTER TABLE encompass.phone_call DROP CONSTRAINT phone_call_outcome_check;
ALTER TABLE encompass.phone_call
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT phone_call_outcome_check CHECK (
        outcome IN ('acknowledged', 'told', 'no_answer', 'left_message', 'call_back')
        AND (outcome = 'told') = (sealed_spoke_to IS NOT NULL)
    );
