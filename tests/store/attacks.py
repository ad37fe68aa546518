"""What an injected statement may try, as the role of a page: each line one transaction, its statements one by one.

`{other}`, `{other_recipient}`, `{other_adult}` and `{other_key}` are a notification's, recipient's, Key Adult's and data
key's ids of another school, `{other_urn}` its URN, `{other_change}` a change that it asks for, and for a leader or officer
of another force.
"""

from __future__ import annotations

from typing import Final, TypeAlias

Corpus: TypeAlias = tuple[tuple[str, ...], ...]

#: Becoming somebody else, or switching the policies off.
BECOMING: Final[Corpus] = (
    ("SET ROLE encompass_owner", "SELECT * FROM encompass.notification"),
    ("SET ROLE encompass_pipeline", "SELECT * FROM encompass.notification"),
    ("SET ROLE postgres", "SELECT * FROM encompass.notification"),
    ("SELECT set_config('role', 'encompass_pipeline', false)", "SELECT * FROM encompass.notification"),
    ("SET SESSION AUTHORIZATION encompass_owner", "SELECT * FROM encompass.notification"),
    ("RESET ROLE", "RESET SESSION AUTHORIZATION", "SELECT * FROM encompass.notification"),
    ("SET row_security = off", "SELECT * FROM encompass.notification"),
    ("SET session_replication_role = replica", "SELECT * FROM encompass.notification"),
    (
        "GRANT encompass_owner TO CURRENT_USER",
        "SET ROLE encompass_owner",
        "SELECT * FROM encompass.notification",
    ),
    ("ALTER ROLE CURRENT_USER BYPASSRLS", "SELECT * FROM encompass.notification"),
    ("ALTER ROLE encompass_owner PASSWORD 'known'", "SELECT 1 WHERE false"),
    ("ALTER TABLE encompass.notification DISABLE ROW LEVEL SECURITY", "SELECT * FROM encompass.notification"),
    (
        "ALTER TABLE encompass.notification NO FORCE ROW LEVEL SECURITY",
        "SELECT * FROM encompass.notification",
    ),
    ("DROP POLICY school_notification ON encompass.notification", "SELECT * FROM encompass.notification"),
    (
        "CREATE POLICY mine ON encompass.notification TO PUBLIC USING (true)",
        "SELECT * FROM encompass.notification",
    ),
)

#: Choosing another scope by a setting.
SETTINGS: Final[Corpus] = (
    (
        "SELECT set_config('encompass.school', '{other_recipient}', true)",
        "SELECT set_config('encompass.recipient', '{other_recipient}', true)",
        "SELECT notification_id FROM encompass.notification",
    ),
    (
        "SELECT set_config('encompass.session_token', '{other_adult}', true)",
        "SELECT notification_id FROM encompass.notification",
    ),
    (
        "SELECT set_config('encompass.session_token', '%', true)",
        "SELECT notification_id FROM encompass.notification",
    ),
    (
        "SELECT set_config('encompass.session_token', NULL, true)",
        "SELECT notification_id FROM encompass.notification",
    ),
    (
        "SELECT set_config('search_path', 'pg_temp, public, encompass', true)",
        "SELECT notification_id FROM encompass.notification",
    ),
)

#: Deceiving a definer function, or having the planner hand rows to a function of ours.
DEFINERS: Final[Corpus] = (
    (
        "CREATE TEMP TABLE web_session (token_hash bytea, force_id text, recipient_id uuid, key_adult_id uuid)",
        "SELECT notification_id FROM encompass.notification",
    ),
    (
        "CREATE FUNCTION pg_temp.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT $1'",
        "SET search_path = pg_temp, encompass",
        "SELECT notification_id FROM encompass.notification",
    ),
    (
        "CREATE FUNCTION pg_temp.leak(uuid) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS "
        "'BEGIN RAISE NOTICE ''%'', $1; RETURN true; END'",
        "SELECT notification_id FROM encompass.notification WHERE pg_temp.leak(notification_id)",
    ),
    (
        "CREATE FUNCTION public.leak(uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
        "SELECT notification_id FROM encompass.notification",
    ),
    ("CREATE SCHEMA mine", "SELECT 1 WHERE false"),
    ("CREATE TABLE public.mine (x text)", "SELECT 1 WHERE false"),
    ("CREATE VIEW public.mine AS SELECT * FROM encompass.notification", "SELECT * FROM public.mine"),
    ("CREATE EXTENSION dblink", "SELECT 1 WHERE false"),
    (
        "CREATE OR REPLACE FUNCTION encompass.session_recipient() RETURNS uuid LANGUAGE sql AS "
        "$$ SELECT CAST('{other_recipient}' AS uuid) $$",
        "SELECT notification_id FROM encompass.notification",
    ),
    ("SELECT * FROM encompass.live_session",),
    ("SELECT * FROM encompass.live_notification",),
    ("SELECT encompass.session_force('leader') WHERE encompass.session_force('leader') IS NOT NULL",),
    ("SELECT encompass.session_force('mash') WHERE encompass.session_force('mash') IS NOT NULL",),
    ("SELECT '{other}' FROM encompass.school_returns('{other}', 'released') AS done WHERE done",),
    ("SELECT '{other}' FROM encompass.school_returns('{other}', 'acknowledged') AS done WHERE done",),
    ("SELECT encompass.analyse_rolls()",),
    ("SELECT encompass.first_load_begins()",),
)

#: Reading what is not a page's: sessions, keys, people, rolls, the audit, other people's statements, the server.
READING: Final[Corpus] = (
    ("SELECT token_hash FROM encompass.web_session",),
    ("TABLE encompass.binding_ticket",),
    ("TABLE encompass.key_adult_identity",),
    ("TABLE encompass.key_adult_code",),
    ("SELECT person_hash FROM encompass.key_adult",),
    ("TABLE encompass.pupil",),
    ("TABLE encompass.enrolment",),
    ("TABLE encompass.enrolment_key",),
    ("TABLE encompass.incident_version",),
    ("SELECT sealed FROM encompass.involvement",),
    ("TABLE encompass.quarantine",),
    ("TABLE encompass.audit_event",),
    ("TABLE encompass.audit_link",),
    ("SELECT wrapped FROM encompass.data_key WHERE key_id = '{other_key}'",),
    ("SELECT sealed_child FROM encompass.notification WHERE notification_id = '{other}'",),
    ("SELECT sealed FROM encompass.notification_part WHERE notification_id = '{other}'",),
    ("SELECT sealed FROM encompass.support WHERE notification_id = '{other}'",),
    ("SELECT duty_id FROM encompass.duty WHERE recipient_id = '{other_recipient}'",),
    ("SELECT recipient_id FROM encompass.recipient WHERE recipient_id = '{other_recipient}'",),
    ("SELECT sealed FROM encompass.key_adult WHERE key_adult_id = '{other_adult}'",),
    ("SELECT sealed FROM encompass.contact_change WHERE recipient_id = '{other_recipient}'",),
    ("SELECT wrapped FROM encompass.data_key WHERE purpose = 'contact'",),
    ("SELECT on_day FROM encompass.entered_day WHERE recipient_id = '{other_recipient}'",),
    ("SELECT stand_in_id FROM encompass.cover WHERE recipient_id = '{other_recipient}'",),
    ("SELECT attested_on FROM encompass.attestation WHERE recipient_id = '{other_recipient}'",),
    ("SELECT sealed_former FROM encompass.contact_change WHERE recipient_id = '{other_recipient}'",),
    ("SELECT '{other_change}' FROM encompass.school_confirms('{other_change}', now()) AS done WHERE done",),
    ("SELECT a FROM encompass.session_ready_adults() AS a WHERE a = '{other_adult}'",),
    (
        "COPY (SELECT notification_id FROM encompass.notification WHERE notification_id = '{other}') TO STDOUT",
    ),
    ("COPY encompass.web_session TO STDOUT",),
    ("COPY (SELECT 1) TO '/tmp/out'",),
    ("COPY (SELECT 1) TO PROGRAM 'id'",),
    ("SELECT query_to_xml('SELECT token_hash FROM encompass.web_session', true, true, '')",),
    ("SELECT table_to_xml('encompass.key_adult', true, true, '')",),
    (
        "SELECT x FROM query_to_xml('SELECT notification_id FROM encompass.notification', true, true, '') AS x "
        "WHERE CAST(x AS text) LIKE '%{other}%'",
    ),
    (
        "SELECT most_common_vals FROM pg_stats WHERE schemaname = 'encompass' AND most_common_vals IS NOT NULL",
    ),
    (
        "SELECT histogram_bounds FROM pg_stats WHERE schemaname = 'encompass' AND histogram_bounds IS NOT NULL",
    ),
    ("SELECT stavalues1 FROM pg_statistic",),
    ("SELECT rolpassword FROM pg_authid",),
    ("SELECT passwd FROM pg_shadow",),
    ("SELECT pg_read_file('postgresql.conf')",),
    ("SELECT pg_read_binary_file('global/pg_filenode.map')",),
    ("SELECT pg_ls_dir('.')",),
    ("SELECT lo_import('/etc/passwd')",),
    (
        "SELECT query FROM pg_stat_activity WHERE query LIKE '%' || current_setting('encompass.session_token') || '%'",
    ),
    (
        "SELECT query FROM pg_stat_activity WHERE usename <> current_user AND query !~ 'insufficient privilege' "
        "AND query <> ''",
    ),
    ("SELECT last_value FROM encompass.audit_event_event_id_seq",),
    (
        "DECLARE c CURSOR FOR SELECT wrapped FROM encompass.data_key WHERE key_id = '{other_key}'",
        "FETCH ALL FROM c",
    ),
    (
        "PREPARE p AS SELECT notification_id FROM encompass.notification WHERE notification_id = '{other}'",
        "EXECUTE p",
    ),
)

#: Writing to another's, or what nobody may write by a page.
WRITING: Final[Corpus] = (
    (
        "UPDATE encompass.notification SET status = 'acknowledged' WHERE notification_id = '{other}' RETURNING 1",
    ),
    ("UPDATE encompass.notification SET recipient_id = '{other_recipient}' RETURNING 1",),
    ("UPDATE encompass.notification SET status = 'withdrawn' RETURNING 1",),
    ("DELETE FROM encompass.notification RETURNING 1",),
    ("TRUNCATE encompass.acknowledgement",),
    ("LOCK TABLE encompass.notification IN ACCESS EXCLUSIVE MODE",),
    (
        "INSERT INTO encompass.acknowledgement SELECT * FROM encompass.acknowledgement ON CONFLICT DO NOTHING "
        "RETURNING 1",
    ),
    (
        "MERGE INTO encompass.notification AS n USING (SELECT CAST('{other}' AS uuid) AS i) AS o "
        "ON n.notification_id = o.i WHEN MATCHED THEN UPDATE SET status = 'acknowledged' RETURNING 1",
    ),
    (
        "INSERT INTO encompass.notification_exclusion (notification_id, person_hash, key_adult_id, force_id, reason, "
        "excluded_at) VALUES ('{other}', '\\x00', '{other_adult}', 'riverbend', 'own_word', now())",
        "SELECT 1",
    ),
    (
        "INSERT INTO encompass.audit_event (force_id, happened_at, actor_kind, actor_id, action, subject_kind, "
        "subject_id, details) VALUES ('riverbend', now(), 'key_adult', '{other_adult}', 'notification_acknowledged', "
        "'notification', '{other}', '{{}}')",
        "SELECT 1",
    ),
    (
        "INSERT INTO encompass.audit_event (force_id, happened_at, actor_kind, actor_id, action, subject_kind, "
        "subject_id, details) VALUES ('riverbend', now(), 'pipeline', NULL, 'run_opened', 'run', '{other}', '{{}}')",
        "SELECT 1",
    ),
    (
        "INSERT INTO encompass.support (support_id, force_id, notification_id, version, sealed, key_id, key_adult_id, "
        "recorded_at) VALUES (gen_random_uuid(), 'riverbend', '{other}', 1, 'x', '{other_key}', '{other_adult}', now())",
        "SELECT 1",
    ),
    ("UPDATE encompass.support SET sealed = 'x' RETURNING 1",),
    ("UPDATE encompass.phone_task SET withdrawn_at = now() WHERE notification_id = '{other}' RETURNING 1",),
    ("UPDATE encompass.web_session SET recipient_id = '{other_recipient}' RETURNING 1",),
    ("UPDATE encompass.web_session SET expires_at = now() + interval '1 year' RETURNING 1",),
    (
        "INSERT INTO encompass.web_session (token_hash, force_id, role, idle_until, expires_at) "
        "VALUES (sha256('x'), 'riverbend', 'leader', now(), now())",
        "SELECT 1",
    ),
    ("UPDATE encompass.key_adult SET recipient_id = '{other_recipient}' RETURNING 1",),
    ("UPDATE encompass.key_adult SET sealed = sealed RETURNING 1",),
    (
        "INSERT INTO encompass.entered_day (entered_day_id, force_id, recipient_id, urn, on_day, kind, reason, entered_by, "
        "entered_at) SELECT gen_random_uuid(), 'riverbend', '{other_recipient}', {other_urn}, '2026-09-09', 'closed', "
        "'inset', '{other_adult}', now()",
        "SELECT 1",
    ),
    (
        "UPDATE encompass.entered_day SET removed_at = now(), removed_by = '{other_adult}' "
        "WHERE recipient_id = '{other_recipient}' RETURNING 1",
    ),
    ("UPDATE encompass.entered_day SET on_day = '2030-01-01' RETURNING 1",),
    (
        "INSERT INTO encompass.cover (cover_id, force_id, recipient_id, key_adult_id, person_hash, stand_in_id, first_day, "
        "last_day, named_at) SELECT gen_random_uuid(), 'riverbend', '{other_recipient}', '{other_adult}', "
        "encompass.session_person(), encompass.session_key_adult(), '2026-09-09', '2026-09-09', now()",
        "SELECT 1",
    ),
    (
        "INSERT INTO encompass.cover (cover_id, force_id, recipient_id, key_adult_id, person_hash, stand_in_id, first_day, "
        "last_day, named_at) SELECT gen_random_uuid(), 'riverbend', encompass.session_recipient(), "
        "encompass.session_key_adult(), encompass.session_person(), '{other_adult}', '2026-09-09', '2026-09-09', now()",
        "SELECT 1",
    ),
    ("UPDATE encompass.cover SET withdrawn_at = now() WHERE recipient_id = '{other_recipient}' RETURNING 1",),
    (
        "INSERT INTO encompass.contact_change (change_id, force_id, recipient_id, reference_hash, kind, origin, content_hash, "
        "sealed, key_id, proposed_by, proposed_at) SELECT gen_random_uuid(), 'riverbend', '{other_recipient}', '\\x01', "
        "'add', 'school', '\\x01', '\\x01', '{other_key}', CAST(encompass.session_key_adult() AS text), now()",
        "SELECT 1",
    ),
    (
        "INSERT INTO encompass.contact_change (change_id, force_id, recipient_id, reference_hash, kind, origin, content_hash, "
        "sealed, key_id, proposed_by, proposed_at) SELECT gen_random_uuid(), 'riverbend', encompass.session_recipient(), "
        "'\\x01', 'add', 'person', '\\x01', '\\x01', '{other_key}', 'PC 1234', now()",
        "SELECT 1",
    ),
    ("UPDATE encompass.contact_change SET confirmed_by = 'me', confirmed_at = now() RETURNING 1",),
    ("UPDATE encompass.contact_change SET taken_at = now() RETURNING 1",),
    (
        "INSERT INTO encompass.attestation (attestation_id, force_id, recipient_id, attested_by, attested_on, attested_at) "
        "SELECT gen_random_uuid(), 'riverbend', '{other_recipient}', '{other_adult}', '2026-09-09', now()",
        "SELECT 1",
    ),
    (
        "INSERT INTO encompass.attestation (attestation_id, force_id, recipient_id, attested_by, attested_on, attested_at) "
        "SELECT gen_random_uuid(), 'riverbend', encompass.session_recipient(), '{other_adult}', '2026-09-09', now()",
        "SELECT 1",
    ),
    (
        "UPDATE encompass.contact_change SET withdrawn_at = now() WHERE recipient_id = '{other_recipient}' RETURNING 1",
    ),
    (
        "INSERT INTO encompass.data_key (key_id, force_id, purpose, ring_key_id, wrapped) "
        "VALUES (gen_random_uuid(), 'riverbend', 'register', 'x', '\\x00')",
        "SELECT 1",
    ),
    (
        "INSERT INTO encompass.data_key (key_id, force_id, purpose, ring_key_id, wrapped) "
        "VALUES (gen_random_uuid(), 'elsewhere', 'contact', 'x', '\\x00')",
        "SELECT 1",
    ),
    ("INSERT INTO encompass.data_key SELECT * FROM encompass.data_key RETURNING 1",),
)

CORPUS: Final[Corpus] = BECOMING + SETTINGS + DEFINERS + READING + WRITING
