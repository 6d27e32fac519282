-- Takes back 0011.
DROP INDEX ix_queue_finished;
DROP INDEX ix_queue_status;
CREATE INDEX ix_queue_status ON queue (status, updated_at);
CREATE INDEX ix_queue_claim ON queue (priority DESC, run_at, id) WHERE status = 'pending';
CREATE INDEX ix_queue_due ON queue (run_at) WHERE status = 'pending';
