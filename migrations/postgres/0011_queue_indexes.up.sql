-- 0011 queue_indexes: a claim writes as few pages as it can. One index by kind for claiming, one by status and time,
-- and one over what has ended, which a claim does not touch.
DROP INDEX ix_queue_claim;
DROP INDEX ix_queue_due;
DROP INDEX ix_queue_status;
CREATE INDEX ix_queue_status ON queue (status, run_at);
CREATE INDEX ix_queue_finished ON queue (finished_at) WHERE finished_at IS NOT NULL;
