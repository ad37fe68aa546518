-- name: take
INSERT INTO page_pace AS p (asker_hash, tokens, counted_at)
VALUES (CAST(:asker_hash AS bytea), CAST(:a_minute AS float8) - 1, clock_timestamp())
ON CONFLICT (asker_hash) DO UPDATE SET
    tokens = greatest(-1, least(
        p.tokens + extract(EPOCH FROM clock_timestamp() - p.counted_at) * CAST(:a_minute AS float8) / 60,
        CAST(:a_minute AS float8)
    ) - 1),
    counted_at = clock_timestamp()
RETURNING tokens >= 0

-- name: forget
DELETE FROM page_pace WHERE counted_at < clock_timestamp() - interval '1 hour'
