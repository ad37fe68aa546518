-- name: last_attested
SELECT max(attested_on) FROM attestation WHERE recipient_id = session_recipient()

-- name: attest
INSERT INTO attestation (attestation_id, force_id, recipient_id, attested_by, attested_on, attested_at)
SELECT CAST(:attestation_id AS uuid), r.force_id, r.recipient_id, session_key_adult(), CAST(:attested_on AS date),
    CAST(:attested_at AS timestamptz)
FROM recipient AS r WHERE r.recipient_id = session_recipient()
