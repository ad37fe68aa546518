-- name: take
INSERT INTO provider_pace AS p (account_hash, tokens, counted_at)
VALUES (CAST(:account_hash AS bytea), CAST(:most AS float8) - CAST(:turns AS float8), clock_timestamp())
ON CONFLICT (account_hash) DO UPDATE SET
    tokens = least(
        p.tokens + extract(EPOCH FROM clock_timestamp() - p.counted_at) * CAST(:a_second AS float8), CAST(:most AS float8)
    ) - CAST(:turns AS float8),
    counted_at = clock_timestamp()
RETURNING tokens

-- name: pause
UPDATE provider_pace AS p SET
    tokens = least(
        p.tokens + extract(EPOCH FROM clock_timestamp() - p.counted_at) * CAST(:a_second AS float8),
        1 - CAST(:seconds AS float8) * CAST(:a_second AS float8)
    ),
    counted_at = clock_timestamp()
WHERE account_hash = CAST(:account_hash AS bytea)
