-- 0007 queue: work for later or for others, and who works.

CREATE TABLE queue (
    id           TEXT PRIMARY KEY NOT NULL,
    kind         TEXT NOT NULL CHECK (length(kind) BETWEEN 1 AND 100),
    -- Two jobs that wait or run never have the same.
    dedupe_key   TEXT,
    payload      TEXT NOT NULL CHECK (json_valid(payload)),
    -- 10 first.
    priority     INTEGER NOT NULL DEFAULT 5 CHECK (priority BETWEEN 1 AND 10),
    -- `failed` ended at once because trying again would not help; `dead` used up its tries.
    status       TEXT NOT NULL DEFAULT 'pending'
                 CHECK (status IN ('pending', 'in_progress', 'completed', 'failed', 'cancelled', 'dead')),
    tries        INTEGER NOT NULL DEFAULT 0 CHECK (tries >= 0),
    max_tries    INTEGER NOT NULL DEFAULT 3 CHECK (max_tries > 0),
    run_at       INTEGER NOT NULL,
    lease_until  INTEGER,
    lease_token  TEXT,
    worker       TEXT,
    timeout_ms   INTEGER NOT NULL DEFAULT 300000 CHECK (timeout_ms > 0),
    respond_to   TEXT CHECK (respond_to IS NULL OR json_valid(respond_to)),
    responded    INTEGER NOT NULL DEFAULT 0 CHECK (responded IN (0, 1)),
    memorized    INTEGER NOT NULL DEFAULT 0 CHECK (memorized IN (0, 1)),
    metadata     TEXT CHECK (metadata IS NULL OR json_valid(metadata)),
    created_by   TEXT REFERENCES user_identities (id) ON DELETE SET NULL,
    error        TEXT,
    result       TEXT CHECK (result IS NULL OR json_valid(result)),
    created_at   INTEGER NOT NULL,
    started_at   INTEGER,
    finished_at  INTEGER,
    updated_at   INTEGER NOT NULL,
    task_type     TEXT GENERATED ALWAYS AS (kind) VIRTUAL,
    retries       INTEGER GENERATED ALWAYS AS (tries) VIRTUAL,
    max_retries   INTEGER GENERATED ALWAYS AS (max_tries) VIRTUAL,
    error_message TEXT GENERATED ALWAYS AS (error) VIRTUAL,
    assigned_to   TEXT GENERATED ALWAYS AS (worker) VIRTUAL,
    scheduled_for INTEGER GENERATED ALWAYS AS (run_at) VIRTUAL,
    completed_at  INTEGER GENERATED ALWAYS AS (finished_at) VIRTUAL,
    CHECK ((status = 'in_progress') = (lease_until IS NOT NULL)),
    CHECK ((lease_until IS NULL) = (lease_token IS NULL)),
    CHECK ((status IN ('completed', 'failed', 'cancelled', 'dead')) = (finished_at IS NOT NULL))
) STRICT;
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
    pid          INTEGER NOT NULL,
    version      TEXT NOT NULL,
    capacity     INTEGER NOT NULL CHECK (capacity > 0),
    started_at   INTEGER NOT NULL,
    heartbeat_at INTEGER NOT NULL
) STRICT;

-- A number a cached subject, raised by every write to it: a copy that carries an older one is stale.
CREATE TABLE cache_generations (
    subject    TEXT PRIMARY KEY NOT NULL,
    generation INTEGER NOT NULL CHECK (generation > 0)
) STRICT;

-- Whoever writes raises the number, in the same transaction. It is at least the time, so that it does not come back
-- after a backup was restored.
CREATE TRIGGER datasets_generation_insert AFTER INSERT ON datasets BEGIN
    INSERT INTO cache_generations (subject, generation) VALUES ('datasets', CAST(unixepoch('subsec') * 1000 AS INTEGER))
    ON CONFLICT (subject) DO UPDATE SET generation = max(generation + 1, excluded.generation);
END;
CREATE TRIGGER datasets_generation_update AFTER UPDATE ON datasets BEGIN
    INSERT INTO cache_generations (subject, generation) VALUES ('datasets', CAST(unixepoch('subsec') * 1000 AS INTEGER))
    ON CONFLICT (subject) DO UPDATE SET generation = max(generation + 1, excluded.generation);
END;
CREATE TRIGGER datasets_generation_delete AFTER DELETE ON datasets BEGIN
    INSERT INTO cache_generations (subject, generation) VALUES ('datasets', CAST(unixepoch('subsec') * 1000 AS INTEGER))
    ON CONFLICT (subject) DO UPDATE SET generation = max(generation + 1, excluded.generation);
END;
CREATE TRIGGER runs_generation_insert AFTER INSERT ON runs BEGIN
    INSERT INTO cache_generations (subject, generation) VALUES ('runs', CAST(unixepoch('subsec') * 1000 AS INTEGER))
    ON CONFLICT (subject) DO UPDATE SET generation = max(generation + 1, excluded.generation);
END;
CREATE TRIGGER runs_generation_update AFTER UPDATE ON runs BEGIN
    INSERT INTO cache_generations (subject, generation) VALUES ('runs', CAST(unixepoch('subsec') * 1000 AS INTEGER))
    ON CONFLICT (subject) DO UPDATE SET generation = max(generation + 1, excluded.generation);
END;
CREATE TRIGGER runs_generation_delete AFTER DELETE ON runs BEGIN
    INSERT INTO cache_generations (subject, generation) VALUES ('runs', CAST(unixepoch('subsec') * 1000 AS INTEGER))
    ON CONFLICT (subject) DO UPDATE SET generation = max(generation + 1, excluded.generation);
END;
CREATE TRIGGER episodes_generation_insert AFTER INSERT ON episodes BEGIN
    INSERT INTO cache_generations (subject, generation) VALUES ('episodes', CAST(unixepoch('subsec') * 1000 AS INTEGER))
    ON CONFLICT (subject) DO UPDATE SET generation = max(generation + 1, excluded.generation);
END;
CREATE TRIGGER episodes_generation_update AFTER UPDATE ON episodes BEGIN
    INSERT INTO cache_generations (subject, generation) VALUES ('episodes', CAST(unixepoch('subsec') * 1000 AS INTEGER))
    ON CONFLICT (subject) DO UPDATE SET generation = max(generation + 1, excluded.generation);
END;
CREATE TRIGGER episodes_generation_delete AFTER DELETE ON episodes BEGIN
    INSERT INTO cache_generations (subject, generation) VALUES ('episodes', CAST(unixepoch('subsec') * 1000 AS INTEGER))
    ON CONFLICT (subject) DO UPDATE SET generation = max(generation + 1, excluded.generation);
END;
CREATE TRIGGER patterns_generation_insert AFTER INSERT ON patterns BEGIN
    INSERT INTO cache_generations (subject, generation) VALUES ('patterns', CAST(unixepoch('subsec') * 1000 AS INTEGER))
    ON CONFLICT (subject) DO UPDATE SET generation = max(generation + 1, excluded.generation);
END;
CREATE TRIGGER patterns_generation_update AFTER UPDATE ON patterns BEGIN
    INSERT INTO cache_generations (subject, generation) VALUES ('patterns', CAST(unixepoch('subsec') * 1000 AS INTEGER))
    ON CONFLICT (subject) DO UPDATE SET generation = max(generation + 1, excluded.generation);
END;
CREATE TRIGGER patterns_generation_delete AFTER DELETE ON patterns BEGIN
    INSERT INTO cache_generations (subject, generation) VALUES ('patterns', CAST(unixepoch('subsec') * 1000 AS INTEGER))
    ON CONFLICT (subject) DO UPDATE SET generation = max(generation + 1, excluded.generation);
END;
CREATE TRIGGER documents_generation_insert AFTER INSERT ON documents BEGIN
    INSERT INTO cache_generations (subject, generation) VALUES ('documents', CAST(unixepoch('subsec') * 1000 AS INTEGER))
    ON CONFLICT (subject) DO UPDATE SET generation = max(generation + 1, excluded.generation);
END;
CREATE TRIGGER documents_generation_update AFTER UPDATE ON documents BEGIN
    INSERT INTO cache_generations (subject, generation) VALUES ('documents', CAST(unixepoch('subsec') * 1000 AS INTEGER))
    ON CONFLICT (subject) DO UPDATE SET generation = max(generation + 1, excluded.generation);
END;
CREATE TRIGGER documents_generation_delete AFTER DELETE ON documents BEGIN
    INSERT INTO cache_generations (subject, generation) VALUES ('documents', CAST(unixepoch('subsec') * 1000 AS INTEGER))
    ON CONFLICT (subject) DO UPDATE SET generation = max(generation + 1, excluded.generation);
END;
