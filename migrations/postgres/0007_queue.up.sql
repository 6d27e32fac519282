-- 0007 queue: work for later or for others, and who works.

CREATE TABLE queue (
    id            TEXT PRIMARY KEY NOT NULL,
    kind          TEXT NOT NULL CHECK (length(kind) BETWEEN 1 AND 100),
    -- Two jobs that wait or run never have the same.
    dedupe_key    TEXT,
    payload       JSONB NOT NULL,
    -- 10 first.
    priority      BIGINT NOT NULL DEFAULT 5 CHECK (priority BETWEEN 1 AND 10),
    -- `failed` ended at once because trying again would not help; `dead` used up its tries.
    status        TEXT NOT NULL DEFAULT 'pending'
                  CHECK (status IN ('pending', 'in_progress', 'completed', 'failed', 'cancelled', 'dead')),
    tries         BIGINT NOT NULL DEFAULT 0 CHECK (tries >= 0),
    max_tries     BIGINT NOT NULL DEFAULT 3 CHECK (max_tries > 0),
    run_at        BIGINT NOT NULL,
    lease_until   BIGINT,
    lease_token   TEXT,
    worker        TEXT,
    timeout_ms    BIGINT NOT NULL DEFAULT 300000 CHECK (timeout_ms > 0),
    respond_to    JSONB,
    responded     BOOLEAN NOT NULL DEFAULT false,
    memorized     BOOLEAN NOT NULL DEFAULT false,
    metadata      JSONB,
    created_by    TEXT REFERENCES user_identities (id) ON DELETE SET NULL,
    error         TEXT,
    result        JSONB,
    created_at    BIGINT NOT NULL,
    started_at    BIGINT,
    finished_at   BIGINT,
    updated_at    BIGINT NOT NULL,
    task_type     TEXT GENERATED ALWAYS AS (kind) STORED,
    retries       BIGINT GENERATED ALWAYS AS (tries) STORED,
    max_retries   BIGINT GENERATED ALWAYS AS (max_tries) STORED,
    error_message TEXT GENERATED ALWAYS AS (error) STORED,
    assigned_to   TEXT GENERATED ALWAYS AS (worker) STORED,
    scheduled_for BIGINT GENERATED ALWAYS AS (run_at) STORED,
    completed_at  BIGINT GENERATED ALWAYS AS (finished_at) STORED,
    CHECK ((status = 'in_progress') = (lease_until IS NOT NULL)),
    CHECK ((lease_until IS NULL) = (lease_token IS NULL)),
    CHECK ((status IN ('completed', 'failed', 'cancelled', 'dead')) = (finished_at IS NOT NULL))
);
-- Jobs that wait, in the order of claiming.
CREATE INDEX ix_queue_claim ON queue (priority DESC, run_at, id) WHERE status = 'pending';
-- A worker claims the kinds that it knows: neither jobs of other kinds nor jobs for later are walked over.
CREATE INDEX ix_queue_kind ON queue (kind, priority DESC, run_at, id) WHERE status = 'pending';
CREATE INDEX ix_queue_due ON queue (run_at) WHERE status = 'pending';
CREATE INDEX ix_queue_lease ON queue (lease_until) WHERE status = 'in_progress';
CREATE UNIQUE INDEX ix_queue_dedupe ON queue (dedupe_key)
    WHERE dedupe_key IS NOT NULL AND status IN ('pending', 'in_progress');
CREATE INDEX ix_queue_status ON queue (status, updated_at);

CREATE TABLE workers (
    id           TEXT PRIMARY KEY NOT NULL,
    host         TEXT NOT NULL,
    pid          BIGINT NOT NULL,
    version      TEXT NOT NULL,
    capacity     BIGINT NOT NULL CHECK (capacity > 0),
    started_at   BIGINT NOT NULL,
    heartbeat_at BIGINT NOT NULL
);

-- A number a cached subject, raised by every write to it: a copy that carries an older one is stale.
CREATE TABLE cache_generations (
    subject    TEXT PRIMARY KEY NOT NULL,
    generation BIGINT NOT NULL CHECK (generation > 0)
);

-- Whoever writes raises the number, in the same transaction. It is at least the time, so that it does not come back
-- after a backup was restored.
CREATE FUNCTION raise_generation() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN
    INSERT INTO cache_generations (subject, generation)
    VALUES (TG_TABLE_NAME, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
    ON CONFLICT (subject) DO UPDATE SET generation = greatest(cache_generations.generation + 1, excluded.generation);
    RETURN NULL;
END$$;
CREATE TRIGGER datasets_generation AFTER INSERT OR UPDATE OR DELETE ON datasets
FOR EACH ROW EXECUTE FUNCTION raise_generation();
CREATE TRIGGER runs_generation AFTER INSERT OR UPDATE OR DELETE ON runs
FOR EACH ROW EXECUTE FUNCTION raise_generation();
CREATE TRIGGER episodes_generation AFTER INSERT OR UPDATE OR DELETE ON episodes
FOR EACH ROW EXECUTE FUNCTION raise_generation();
CREATE TRIGGER patterns_generation AFTER INSERT OR UPDATE OR DELETE ON patterns
FOR EACH ROW EXECUTE FUNCTION raise_generation();
CREATE TRIGGER documents_generation AFTER INSERT OR UPDATE OR DELETE ON documents
FOR EACH ROW EXECUTE FUNCTION raise_generation();
