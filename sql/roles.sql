-- Run once by a database administrator, before the first migration: one login role each, none of them
-- superuser, none BYPASSRLS. Passwords are set apart, by the embedded server or by the administrator.
DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY[
        'encompass_owner', 'encompass_pipeline', 'encompass_sign_in', 'encompass_school',
        'encompass_mash', 'encompass_leader', 'encompass_auditor', 'encompass_backup', 'encompass_inbound'
    ] LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS', role);
        END IF;
        EXECUTE format('ALTER ROLE %I SET search_path = encompass', role);
        EXECUTE format('ALTER ROLE %I SET timezone = ''UTC''', role);
    END LOOP;
END
$$;
