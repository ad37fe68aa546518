-- name: upsert_partnership
INSERT INTO partnership (partnership_id, name)
VALUES (CAST(:partnership_id AS text), CAST(:name AS text))
ON CONFLICT (partnership_id) DO UPDATE SET name = excluded.name

-- name: upsert_force
INSERT INTO force (force_id, partnership_id, name)
VALUES (CAST(:force_id AS text), CAST(:partnership_id AS text), CAST(:name AS text))
ON CONFLICT (force_id) DO UPDATE SET partnership_id = excluded.partnership_id, name = excluded.name

-- name: force_name
SELECT name FROM force WHERE force_id = CAST(:force_id AS text)

-- name: open_run
INSERT INTO run (run_id, force_id, night, as_of, replay)
VALUES (
    CAST(:run_id AS uuid), CAST(:force_id AS text), CAST(:night AS date), CAST(:as_of AS timestamptz),
    CAST(:as_of AS timestamptz) < now() - interval '1 hour'
)
ON CONFLICT (force_id, night, as_of) DO NOTHING
RETURNING run_id, replay

-- name: run_of_instant
SELECT run_id FROM run
WHERE force_id = CAST(:force_id AS text) AND night = CAST(:night AS date) AND as_of = CAST(:as_of AS timestamptz)

-- name: run_by_id
SELECT run_id, force_id, night, as_of FROM run WHERE run_id = CAST(:run_id AS uuid)

-- name: last_run_of_night
SELECT run_id, force_id, night, as_of FROM run
WHERE force_id = CAST(:force_id AS text) AND night = CAST(:night AS date)
ORDER BY as_of DESC LIMIT 1

-- name: nights
SELECT DISTINCT night FROM run WHERE force_id = CAST(:force_id AS text) ORDER BY night DESC

-- name: raise_alarm
INSERT INTO alarm (alarm_id, force_id, night, kind, source, raised_at)
VALUES (
    CAST(:alarm_id AS uuid), CAST(:force_id AS text), CAST(:night AS date), CAST(:kind AS text),
    CAST(:source AS text), CAST(:raised_at AS timestamptz)
)
ON CONFLICT (force_id, night, kind, source) DO UPDATE SET cleared_at = NULL
WHERE alarm.cleared_at IS NOT NULL
RETURNING alarm_id

-- name: clear_alarms
UPDATE alarm SET cleared_at = CAST(:cleared_at AS timestamptz)
WHERE force_id = CAST(:force_id AS text) AND night = CAST(:night AS date) AND source = CAST(:source AS text)
    AND cleared_at IS NULL AND NOT kind = ANY (CAST(:still_true AS text[]))
RETURNING alarm_id

-- name: standing_alarms
SELECT kind, source FROM alarm
WHERE force_id = CAST(:force_id AS text) AND night = CAST(:night AS date)
    AND raised_at <= CAST(:as_of AS timestamptz) AND cleared_at IS NULL
ORDER BY kind, source
