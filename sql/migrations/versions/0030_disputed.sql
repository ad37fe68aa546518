-- A school that has sent a pupil back, or was told of one in error, is told of that pupil again by a person only.
ALTER TABLE encompass.notification
    -- squawk-ignore ban-drop-constraint
    DROP CONSTRAINT notification_hold_kinds_check,
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT notification_hold_kinds_check CHECK (
        (hold_kinds IS NULL) = (sealed_hold IS NULL)
        AND hold_kinds <@ ARRAY['police', 'content', 'conflict', 'suspect', 'restricted', 'disputed']
    );
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX notification_by_pupil ON encompass.notification (pupil_id) WHERE pupil_id IS NOT NULL;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX review_decision_by_pupil ON encompass.review_decision (pupil_id) WHERE pupil_id IS NOT NULL;
