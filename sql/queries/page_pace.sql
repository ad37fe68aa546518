-- name: take
SELECT take_page(CAST(:asker_hash AS bytea), CAST(:a_minute AS float8))

-- name: forget
DELETE FROM page_pace WHERE counted_at < clock_timestamp() - interval '1 hour'
