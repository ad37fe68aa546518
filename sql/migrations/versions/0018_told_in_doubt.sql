-- Whether the latest version of its record still names a child; and recalls that wait, in the leaders' exceptions.
-- squawk-ignore adding-field-with-default
ALTER TABLE encompass.involvement ADD COLUMN is_named boolean NOT NULL DEFAULT true;

-- squawk-ignore ban-drop-constraint
ALTER TABLE encompass.review_decision DROP CONSTRAINT review_decision_outcome_check;
ALTER TABLE encompass.review_decision
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT review_decision_outcome_check CHECK (
        outcome IN ('placed', 'not_found', 'referred') OR (outcome = 'excluded' AND cardinality(overrides) > 0)
    );

GRANT SELECT (recall_id, force_id, notification_id, proposed_at, confirmed_at, withdrawn_at) ON encompass.recall
    TO encompass_leader, encompass_mash;
CREATE POLICY leader_read ON encompass.recall FOR SELECT TO encompass_leader USING (
    force_id = (SELECT encompass.session_force('leader'))
);
CREATE POLICY mash_read ON encompass.recall FOR SELECT TO encompass_mash USING (
    force_id = (SELECT encompass.session_force('mash'))
);
