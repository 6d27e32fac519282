-- 0009 keeping: who changed what, how long things are kept, what was erased, what was copied.

-- A chain: `hash` is of every column before it and of the hash before, so that a change shows in all that follows.
-- It holds ids and digests, never a text that somebody may ask to have erased.
CREATE TABLE audit_log (
    seq          INTEGER PRIMARY KEY,
    at           INTEGER NOT NULL,
    actor_id     TEXT NOT NULL,
    role         TEXT NOT NULL CHECK (role IN ('reader', 'runner', 'admin')),
    action       TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id   TEXT NOT NULL,
    before       TEXT CHECK (before IS NULL OR json_valid(before)),
    after        TEXT CHECK (after IS NULL OR json_valid(after)),
    ip           TEXT,
    user_agent   TEXT,
    prev_hash    TEXT NOT NULL CHECK (length(prev_hash) = 64),
    hash         TEXT NOT NULL CHECK (length(hash) = 64),
    log_id       INTEGER GENERATED ALWAYS AS (seq) VIRTUAL,
    table_name   TEXT GENERATED ALWAYS AS (subject_kind) VIRTUAL,
    operation    TEXT GENERATED ALWAYS AS (
        CASE WHEN before IS NULL THEN 'INSERT' WHEN after IS NULL THEN 'DELETE' ELSE 'UPDATE' END) VIRTUAL,
    user_id      TEXT GENERATED ALWAYS AS (actor_id) VIRTUAL,
    old_data     TEXT GENERATED ALWAYS AS (before) VIRTUAL,
    new_data     TEXT GENERATED ALWAYS AS (after) VIRTUAL,
    ip_address   TEXT GENERATED ALWAYS AS (ip) VIRTUAL,
    timestamp    INTEGER GENERATED ALWAYS AS (at) VIRTUAL
) STRICT;
CREATE INDEX ix_audit_log_subject ON audit_log (subject_kind, subject_id);
CREATE INDEX ix_audit_log_actor ON audit_log (actor_id, at);
CREATE TRIGGER audit_log_frozen BEFORE UPDATE ON audit_log
BEGIN SELECT raise(ABORT, 'the audit log is never changed'); END;

-- Where the chain begins, after the oldest rows were let go.
CREATE TABLE audit_anchor (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    seq  INTEGER NOT NULL CHECK (seq >= 0),
    hash TEXT NOT NULL CHECK (length(hash) = 64)
) STRICT;
INSERT INTO audit_anchor (one, seq, hash)
VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');
-- Rows leave by retention alone, from the start, after the anchor moved past them.
CREATE TRIGGER audit_log_kept BEFORE DELETE ON audit_log WHEN old.seq > (SELECT seq FROM audit_anchor)
BEGIN SELECT raise(ABORT, 'the audit log loses rows only from its start'); END;

CREATE TABLE retention_policies (
    -- Of the list that the program knows: a table, or a part of one.
    subject    TEXT PRIMARY KEY NOT NULL,
    max_age_ms INTEGER NOT NULL CHECK (max_age_ms > 0),
    action     TEXT NOT NULL CHECK (action IN ('delete', 'archive', 'thin')),
    enabled    INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    updated_at INTEGER NOT NULL DEFAULT 0
) STRICT;
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
    counts       TEXT CHECK (counts IS NULL OR json_valid(counts)),
    error        TEXT,
    requested_by TEXT NOT NULL,
    requested_at INTEGER NOT NULL,
    completed_at INTEGER
) STRICT;

CREATE TABLE backups (
    id          TEXT PRIMARY KEY NOT NULL,
    path        TEXT NOT NULL,
    bytes       INTEGER NOT NULL CHECK (bytes >= 0),
    digest      TEXT NOT NULL CHECK (length(digest) = 64),
    method      TEXT NOT NULL CHECK (method IN ('online', 'vacuum_into', 'pg_dump', 'pitr')),
    -- Rows by table, as counted when it was verified.
    counts      TEXT CHECK (counts IS NULL OR json_valid(counts)),
    verified_at INTEGER,
    created_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX ix_backups_created ON backups (created_at);

CREATE TABLE todos (
    id          TEXT PRIMARY KEY NOT NULL,
    title       TEXT NOT NULL,
    description TEXT,
    data        TEXT CHECK (data IS NULL OR json_valid(data)),
    status      TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'done', 'dropped')),
    assignee_id TEXT REFERENCES user_identities (id) ON DELETE SET NULL,
    created_by  TEXT REFERENCES user_identities (id) ON DELETE SET NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    name        TEXT GENERATED ALWAYS AS (title) VIRTUAL
) STRICT;
CREATE INDEX ix_todos_status ON todos (status, created_at);
