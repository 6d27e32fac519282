-- 0009 keeping: who changed what, how long things are kept, what was erased, what was copied.

-- A chain: `hash` is of every column before it and of the hash before, so that a change shows in all that follows.
-- It holds ids and digests, never a text that somebody may ask to have erased.
CREATE TABLE audit_log (
    seq          BIGINT PRIMARY KEY,
    at           BIGINT NOT NULL,
    actor_id     TEXT NOT NULL,
    role         TEXT NOT NULL CHECK (role IN ('reader', 'runner', 'admin')),
    action       TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id   TEXT NOT NULL,
    before       TEXT CHECK (before IS NULL OR before::jsonb IS NOT NULL),
    after        TEXT CHECK (after IS NULL OR after::jsonb IS NOT NULL),
    ip           TEXT,
    user_agent   TEXT,
    prev_hash    TEXT NOT NULL CHECK (length(prev_hash) = 64),
    hash         TEXT NOT NULL CHECK (length(hash) = 64),
    log_id       BIGINT GENERATED ALWAYS AS (seq) STORED,
    table_name   TEXT GENERATED ALWAYS AS (subject_kind) STORED,
    operation    TEXT GENERATED ALWAYS AS (
                 CASE WHEN before IS NULL THEN 'INSERT' WHEN after IS NULL THEN 'DELETE' ELSE 'UPDATE' END) STORED,
    user_id      TEXT GENERATED ALWAYS AS (actor_id) STORED,
    old_data     TEXT GENERATED ALWAYS AS (before) STORED,
    new_data     TEXT GENERATED ALWAYS AS (after) STORED,
    ip_address   TEXT GENERATED ALWAYS AS (ip) STORED,
    timestamp    BIGINT GENERATED ALWAYS AS (at) STORED
);
CREATE INDEX ix_audit_log_subject ON audit_log (subject_kind, subject_id);
CREATE INDEX ix_audit_log_actor ON audit_log (actor_id, at);
CREATE FUNCTION audit_log_frozen() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN RAISE EXCEPTION 'the audit log is never changed'; END$$;
CREATE TRIGGER audit_log_frozen BEFORE UPDATE ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_log_frozen();

-- Where the chain begins, after the oldest rows were let go.
CREATE TABLE audit_anchor (
    one  BIGINT PRIMARY KEY CHECK (one = 1),
    seq  BIGINT NOT NULL CHECK (seq >= 0),
    hash TEXT NOT NULL CHECK (length(hash) = 64)
);
INSERT INTO audit_anchor (one, seq, hash)
VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');
-- Rows leave by retention alone, from the start, after the anchor moved past them.
CREATE FUNCTION audit_log_kept() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN
    IF old.seq > (SELECT seq FROM audit_anchor) THEN
        RAISE EXCEPTION 'the audit log loses rows only from its start';
    END IF;
    RETURN old;
END$$;
CREATE TRIGGER audit_log_kept BEFORE DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_log_kept();

CREATE TABLE retention_policies (
    -- Of the list that the program knows: a table, or a part of one.
    subject    TEXT PRIMARY KEY NOT NULL,
    max_age_ms BIGINT NOT NULL CHECK (max_age_ms > 0),
    action     TEXT NOT NULL CHECK (action IN ('delete', 'archive', 'thin')),
    enabled    BOOLEAN NOT NULL DEFAULT true,
    updated_at BIGINT NOT NULL DEFAULT 0
);
-- Two years, one year, half a year, one year; what has no row is kept for ever.
INSERT INTO retention_policies (subject, max_age_ms, action) VALUES
    ('outcomes', 63072000000, 'delete'),
    ('failure_patterns', 31536000000, 'delete'),
    ('tool_usage', 15768000000, 'delete'),
    ('audit_log', 31536000000, 'delete');

CREATE TABLE erasure_requests (
    id           TEXT PRIMARY KEY NOT NULL,
    -- No foreign key: the record outlives the user.
    user_id      TEXT NOT NULL,
    status       TEXT NOT NULL CHECK (status IN ('requested', 'running', 'completed', 'failed')),
    -- Rows by table.
    counts       JSONB,
    error        TEXT,
    requested_by TEXT NOT NULL,
    requested_at BIGINT NOT NULL,
    completed_at BIGINT
);

CREATE TABLE backups (
    id          TEXT PRIMARY KEY NOT NULL,
    path        TEXT NOT NULL,
    bytes       BIGINT NOT NULL CHECK (bytes >= 0),
    digest      TEXT NOT NULL CHECK (length(digest) = 64),
    method      TEXT NOT NULL CHECK (method IN ('online', 'vacuum_into', 'pg_dump', 'pitr')),
    -- Rows by table, as counted when it was verified.
    counts      JSONB,
    verified_at BIGINT,
    created_at  BIGINT NOT NULL
);
CREATE INDEX ix_backups_created ON backups (created_at);

CREATE TABLE todos (
    id          TEXT PRIMARY KEY NOT NULL,
    title       TEXT NOT NULL,
    description TEXT,
    data        JSONB,
    status      TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'done', 'dropped')),
    assignee_id TEXT REFERENCES user_identities (id) ON DELETE SET NULL,
    created_by  TEXT REFERENCES user_identities (id) ON DELETE SET NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    name        TEXT GENERATED ALWAYS AS (title) STORED
);
CREATE INDEX ix_todos_status ON todos (status, created_at);
