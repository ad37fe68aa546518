-- Events append in the transaction that they describe; one sealer chains them afterwards.
CREATE TABLE encompass.audit_event (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    force_id text REFERENCES encompass.force,
    happened_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    actor_kind text NOT NULL CHECK (actor_kind IN ('pipeline', 'key_adult', 'staff', 'operator')),
    actor_id uuid,
    action text NOT NULL,
    subject_kind text NOT NULL,
    subject_id uuid NOT NULL,
    details jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_event_by_subject ON encompass.audit_event (subject_id);

CREATE TABLE encompass.audit_link (
    position bigint PRIMARY KEY CHECK (position > 0),
    event_id bigint NOT NULL UNIQUE,
    event_hash bytea NOT NULL,
    link_hash bytea NOT NULL
);

CREATE FUNCTION encompass.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = encompass, pg_temp
AS $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$;

CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON encompass.audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION encompass.refuse_change();
CREATE TRIGGER audit_link_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON encompass.audit_link
    FOR EACH STATEMENT EXECUTE FUNCTION encompass.refuse_change();
