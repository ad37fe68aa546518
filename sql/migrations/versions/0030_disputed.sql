-- Whether a school has sent a pupil back, or was told in error, is asked before the pupil is placed there again.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX notification_by_pupil ON encompass.notification (pupil_id) WHERE pupil_id IS NOT NULL;
