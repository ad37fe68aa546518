-- Nudges by text message too, providers that report delivery, channels that rest when they fail.
-- squawk-ignore ban-drop-constraint
ALTER TABLE encompass.nudge DROP CONSTRAINT nudge_channel_check;
ALTER TABLE encompass.nudge
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT nudge_channel_check CHECK (channel IN ('email', 'sms'));

-- A strike is a failure that may be the nudge's own fault. Times here are the database's clock.
ALTER TABLE encompass.nudge
    -- squawk-ignore adding-field-with-default
    ADD COLUMN strikes bigint NOT NULL DEFAULT 0,
    ADD COLUMN first_failed_at timestamptz,
    ADD COLUMN provider text,
    ADD COLUMN accepted_at timestamptz,
    ADD COLUMN polled_at timestamptz,
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT nudge_strikes_check CHECK (strikes >= 0),
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT nudge_provider_check CHECK (provider IN ('smtp', 'notify'));
-- A person gets one nudge a batch: what is released after the nudge has left needs one of its own.
-- squawk-ignore ban-drop-constraint
ALTER TABLE encompass.nudge DROP CONSTRAINT nudge_key_adult_id_channel_rung_run_id_key;
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX nudge_one_unsent ON encompass.nudge (key_adult_id, channel, rung, run_id)
    WHERE status = 'queued' AND attempts = 0;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX nudge_next ON encompass.nudge (force_id, queued_at, nudge_id) WHERE status = 'queued';
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX nudge_unreported ON encompass.nudge (force_id, accepted_at) WHERE status = 'accepted';

-- How often in a row a channel failed, and until when it rests.
CREATE TABLE encompass.channel_circuit (
    force_id text NOT NULL REFERENCES encompass.force,
    channel text NOT NULL CHECK (channel IN ('email', 'sms')),
    failures bigint NOT NULL CHECK (failures >= 0),
    open_until timestamptz,
    PRIMARY KEY (force_id, channel)
);

-- What a provider said became of a nudge, kept as it comes: it may come before our own word that the nudge was sent.
CREATE TABLE encompass.delivery_report (
    delivery_report_id uuid PRIMARY KEY,
    force_id text NOT NULL REFERENCES encompass.force,
    nudge_reference uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('delivered', 'failed')),
    provider_status text NOT NULL CHECK (provider_status IN (
        'delivered', 'permanent-failure', 'temporary-failure', 'technical-failure'
    )),
    provider_reference text,
    received_at timestamptz NOT NULL DEFAULT now(),
    joined_at timestamptz,
    UNIQUE (force_id, nudge_reference, kind)
);
CREATE INDEX delivery_report_unjoined ON encompass.delivery_report (force_id, nudge_reference) WHERE joined_at IS NULL;

-- squawk-ignore ban-drop-constraint
ALTER TABLE encompass.phone_task DROP CONSTRAINT phone_task_reason_check;
ALTER TABLE encompass.phone_task
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT phone_task_reason_check CHECK (reason IN (
        'unacknowledged', 'no_key_adult', 'key_adults_away', 'in_school_hours', 'told_late', 'unreachable'
    ));

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['channel_circuit', 'delivery_report'] LOOP
        EXECUTE format('ALTER TABLE encompass.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE encompass.%I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_all ON encompass.%I TO encompass_owner USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY backup_read ON encompass.%I FOR SELECT TO encompass_backup USING (true)', t);
        EXECUTE format('CREATE POLICY pipeline_all ON encompass.%I TO encompass_pipeline USING (true) WITH CHECK (true)', t);
        EXECUTE format('GRANT SELECT ON encompass.%I TO encompass_backup', t);
    END LOOP;
END
$$;
GRANT SELECT, INSERT, UPDATE ON encompass.channel_circuit TO encompass_pipeline;
GRANT SELECT, INSERT, UPDATE (joined_at) ON encompass.delivery_report TO encompass_pipeline;

-- Reports come in by their own role, which can add one and read none.
GRANT USAGE ON SCHEMA encompass TO encompass_inbound;
GRANT INSERT (delivery_report_id, force_id, nudge_reference, kind, provider_status, provider_reference)
    ON encompass.delivery_report TO encompass_inbound;
CREATE POLICY inbound_report ON encompass.delivery_report FOR INSERT TO encompass_inbound WITH CHECK (joined_at IS NULL);
