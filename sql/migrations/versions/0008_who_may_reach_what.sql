-- Row-level security is forced on every table, and each role is granted no more than its work needs.
DO $$
DECLARE
    t record;
BEGIN
    FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'encompass' LOOP
        EXECUTE format('ALTER TABLE encompass.%I ENABLE ROW LEVEL SECURITY', t.tablename);
        EXECUTE format('ALTER TABLE encompass.%I FORCE ROW LEVEL SECURITY', t.tablename);
        EXECUTE format('CREATE POLICY owner_all ON encompass.%I TO encompass_owner USING (true) WITH CHECK (true)', t.tablename);
        EXECUTE format('CREATE POLICY backup_read ON encompass.%I FOR SELECT TO encompass_backup USING (true)', t.tablename);
    END LOOP;
    FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'encompass'
        AND tablename NOT IN ('key_adult_identity', 'binding_ticket', 'staff', 'web_session')
    LOOP
        EXECUTE format('CREATE POLICY pipeline_all ON encompass.%I TO encompass_pipeline USING (true) WITH CHECK (true)', t.tablename);
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA encompass TO encompass_pipeline, encompass_sign_in, encompass_school, encompass_mash,
    encompass_leader, encompass_auditor, encompass_backup;
GRANT SELECT ON ALL TABLES IN SCHEMA encompass TO encompass_backup;

-- The pipeline: no DELETE on anything that accounts for a child.
GRANT SELECT, INSERT, UPDATE ON encompass.partnership, encompass.force, encompass.data_key, encompass.run,
    encompass.alarm, encompass.generation, encompass.school, encompass.pupil, encompass.enrolment,
    encompass.key_adult, encompass.feed_pull, encompass.incident, encompass.involvement, encompass.placement,
    encompass.duty, encompass.notification, encompass.nudge, encompass.phone_task, encompass.compliance_report,
    encompass.key_adult_code TO encompass_pipeline;
GRANT SELECT, INSERT ON encompass.feed_record, encompass.incident_version, encompass.quarantine,
    encompass.recipient, encompass.notification_part, encompass.acknowledgement, encompass.nudge_notification,
    encompass.receipt, encompass.audit_event, encompass.audit_link, encompass.enrolment_key
    TO encompass_pipeline;
GRANT SELECT, INSERT, DELETE ON encompass.closed_day TO encompass_pipeline;
GRANT DELETE ON encompass.enrolment_key TO encompass_pipeline;
GRANT SELECT ON encompass.key_adult_identity TO encompass_pipeline;
CREATE POLICY pipeline_read ON encompass.key_adult_identity FOR SELECT TO encompass_pipeline USING (true);

-- Sign-in: its own role and connections, so that no school request can open or read a session.
GRANT SELECT ON encompass.key_adult, encompass.school, encompass.force TO encompass_sign_in;
GRANT SELECT, INSERT ON encompass.key_adult_identity, encompass.staff, encompass.audit_event TO encompass_sign_in;
GRANT DELETE ON encompass.key_adult_identity TO encompass_sign_in;
GRANT SELECT, UPDATE (used_at) ON encompass.key_adult_code TO encompass_sign_in;
GRANT SELECT, INSERT, DELETE, UPDATE (attempts) ON encompass.binding_ticket TO encompass_sign_in;
GRANT SELECT, INSERT, UPDATE (idle_until, revoked_at) ON encompass.web_session TO encompass_sign_in;
CREATE POLICY sign_in_key_adult ON encompass.key_adult FOR SELECT TO encompass_sign_in USING (true);
CREATE POLICY sign_in_school ON encompass.school FOR SELECT TO encompass_sign_in USING (true);
CREATE POLICY sign_in_force ON encompass.force FOR SELECT TO encompass_sign_in USING (true);
CREATE POLICY sign_in_identity ON encompass.key_adult_identity TO encompass_sign_in USING (true) WITH CHECK (true);
CREATE POLICY sign_in_code ON encompass.key_adult_code TO encompass_sign_in USING (true) WITH CHECK (true);
CREATE POLICY sign_in_ticket ON encompass.binding_ticket TO encompass_sign_in USING (true) WITH CHECK (true);
CREATE POLICY sign_in_staff ON encompass.staff TO encompass_sign_in USING (true) WITH CHECK (true);
CREATE POLICY sign_in_session ON encompass.web_session TO encompass_sign_in USING (true) WITH CHECK (true);
CREATE POLICY sign_in_audit ON encompass.audit_event FOR INSERT TO encompass_sign_in WITH CHECK (
    actor_kind IN ('key_adult', 'staff')
);
CREATE POLICY sign_in_audit_read ON encompass.audit_event FOR SELECT TO encompass_sign_in USING (false);

-- A school: its own notifications, once released; their keys; and the one thing that it may change.
GRANT SELECT ON encompass.notification_part, encompass.duty, encompass.data_key, encompass.acknowledgement,
    encompass.school, encompass.recipient TO encompass_school;
GRANT SELECT (notification_id, force_id, recipient_id, urn, pupil_id, adds_to, status, year_group, sealed_child,
    key_id, prepared_at, released_at) ON encompass.notification TO encompass_school;
GRANT UPDATE (status) ON encompass.notification TO encompass_school;
GRANT INSERT ON encompass.acknowledgement, encompass.audit_event TO encompass_school;
GRANT SELECT, UPDATE (withdrawn_at) ON encompass.phone_task TO encompass_school;

CREATE POLICY school_notification ON encompass.notification FOR SELECT TO encompass_school USING (
    force_id = (SELECT encompass.session_force('school')) AND urn = (SELECT encompass.session_urn())
    AND status IN ('released', 'acknowledged')
);
CREATE POLICY school_acknowledges ON encompass.notification FOR UPDATE TO encompass_school USING (
    force_id = (SELECT encompass.session_force('school')) AND urn = (SELECT encompass.session_urn())
    AND status = 'released'
) WITH CHECK (status = 'acknowledged');
CREATE POLICY school_part ON encompass.notification_part FOR SELECT TO encompass_school USING (
    notification_id IN (SELECT n.notification_id FROM encompass.notification AS n)
);
CREATE POLICY school_recipient ON encompass.recipient FOR SELECT TO encompass_school USING (
    force_id = (SELECT encompass.session_force('school')) AND urn = (SELECT encompass.session_urn())
);
CREATE POLICY school_duty ON encompass.duty FOR SELECT TO encompass_school USING (
    recipient_id IN (SELECT r.recipient_id FROM encompass.recipient AS r)
);
CREATE POLICY school_key ON encompass.data_key FOR SELECT TO encompass_school USING (
    key_id IN (SELECT p.key_id FROM encompass.notification_part AS p)
    OR key_id IN (SELECT n.key_id FROM encompass.notification AS n)
);
CREATE POLICY school_school ON encompass.school FOR SELECT TO encompass_school USING (
    force_id = (SELECT encompass.session_force('school')) AND urn = (SELECT encompass.session_urn())
);
CREATE POLICY school_acknowledgement ON encompass.acknowledgement FOR SELECT TO encompass_school USING (
    notification_id IN (SELECT n.notification_id FROM encompass.notification AS n)
);
CREATE POLICY school_acknowledgement_insert ON encompass.acknowledgement FOR INSERT TO encompass_school
WITH CHECK (
    key_adult_id = (SELECT encompass.session_key_adult()) AND channel = 'page'
    AND notification_id IN (SELECT n.notification_id FROM encompass.notification AS n)
);
CREATE POLICY school_phone_task ON encompass.phone_task TO encompass_school USING (
    notification_id IN (SELECT n.notification_id FROM encompass.notification AS n)
);
CREATE POLICY school_audit ON encompass.audit_event FOR INSERT TO encompass_school WITH CHECK (
    actor_kind = 'key_adult' AND actor_id = (SELECT encompass.session_key_adult())
    AND force_id = (SELECT encompass.session_force('school'))
);

-- Leaders and MASH: the account of their own force, with no sealed column in reach.
GRANT SELECT (force_id, partnership_id, name) ON encompass.force TO encompass_leader, encompass_mash;
GRANT SELECT ON encompass.run, encompass.alarm, encompass.feed_pull, encompass.feed_record,
    encompass.placement, encompass.recipient, encompass.duty, encompass.acknowledgement, encompass.phone_task,
    encompass.school, encompass.compliance_report TO encompass_leader, encompass_mash;
GRANT SELECT (incident_id, force_id, night, current_version) ON encompass.incident
    TO encompass_leader, encompass_mash;
GRANT SELECT (involvement_id, force_id, incident_id, version, seen, spoken_to, voice_recorded)
    ON encompass.involvement TO encompass_leader, encompass_mash;
GRANT SELECT (notification_id, force_id, recipient_id, urn, status, hold_until, prepared_at, released_at, run_id)
    ON encompass.notification TO encompass_leader, encompass_mash;
GRANT SELECT (notification_id, duty_id, force_id) ON encompass.notification_part
    TO encompass_leader, encompass_mash;
GRANT INSERT ON encompass.audit_event TO encompass_leader, encompass_mash;
DO $$
DECLARE
    t text;
    reader text;
BEGIN
    FOREACH t IN ARRAY ARRAY[
        'force', 'run', 'alarm', 'feed_pull', 'feed_record', 'placement', 'recipient', 'duty', 'acknowledgement',
        'phone_task', 'school', 'compliance_report', 'incident', 'involvement', 'notification', 'notification_part'
    ] LOOP
        FOREACH reader IN ARRAY ARRAY['leader', 'mash'] LOOP
            EXECUTE format(
                'CREATE POLICY %I ON encompass.%I FOR SELECT TO %I USING (force_id = (SELECT encompass.session_force(%L)))',
                reader || '_read', t, 'encompass_' || reader, reader
            );
        END LOOP;
    END LOOP;
END
$$;
CREATE POLICY leader_audit ON encompass.audit_event FOR INSERT TO encompass_leader WITH CHECK (
    actor_kind = 'staff' AND force_id = (SELECT encompass.session_force('leader'))
);
CREATE POLICY mash_audit ON encompass.audit_event FOR INSERT TO encompass_mash WITH CHECK (
    actor_kind = 'staff' AND force_id = (SELECT encompass.session_force('mash'))
);

-- The auditor: the chain and nothing else.
GRANT SELECT ON encompass.audit_event, encompass.audit_link TO encompass_auditor;
CREATE POLICY auditor_event ON encompass.audit_event FOR SELECT TO encompass_auditor USING (true);
CREATE POLICY auditor_link ON encompass.audit_link FOR SELECT TO encompass_auditor USING (true);
