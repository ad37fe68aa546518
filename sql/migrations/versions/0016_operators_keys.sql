-- What an operator says when sending is frozen is sealed with a key of its own, beside the other purposes.
-- squawk-ignore ban-drop-constraint
ALTER TABLE encompass.data_key DROP CONSTRAINT data_key_purpose_check;
ALTER TABLE encompass.data_key
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT data_key_purpose_check CHECK (
        purpose IN ('incident', 'register', 'quarantine', 'pushed', 'operator')
    );
