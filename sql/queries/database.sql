-- name: set_session_token
SELECT set_config('encompass.session_token', CAST(:token AS text), true)
