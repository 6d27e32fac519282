-- 0006 memory: what runs leave for later ones. Everything has an owner and a domain; a plugin reads its own domain
-- alone unless the operator names one that several share.

ALTER TABLE episodes ADD COLUMN owner_id TEXT REFERENCES user_identities (id);
-- The actions of the steps and what came of them, cut: what a search finds.
ALTER TABLE episodes ADD COLUMN summary TEXT;
ALTER TABLE episodes ADD COLUMN metadata TEXT GENERATED ALWAYS AS (meta) VIRTUAL;
UPDATE episodes SET owner_id = user_id;
CREATE INDEX ix_episodes_status ON episodes (status);
CREATE INDEX ix_episodes_created ON episodes (created_at);
CREATE INDEX ix_episodes_scope ON episodes (owner_id, domain, created_at);

ALTER TABLE steps ADD COLUMN id TEXT GENERATED ALWAYS AS (episode_id || '/' || n) VIRTUAL;
ALTER TABLE steps ADD COLUMN step_number INTEGER GENERATED ALWAYS AS (n) VIRTUAL;
ALTER TABLE steps ADD COLUMN success INTEGER GENERATED ALWAYS AS (ok) VIRTUAL;
ALTER TABLE steps ADD COLUMN timestamp INTEGER GENERATED ALWAYS AS (at) VIRTUAL;
CREATE INDEX ix_steps_at ON steps (at);

-- A rate without its sample says little, so successes and trials are counted and the rate follows.
CREATE TABLE patterns (
    id           TEXT PRIMARY KEY NOT NULL,
    owner_id     TEXT NOT NULL REFERENCES user_identities (id) ON DELETE CASCADE,
    domain       TEXT NOT NULL,
    type         TEXT NOT NULL CHECK (length(type) BETWEEN 1 AND 100),
    -- BLAKE3 of the data.
    hash         TEXT NOT NULL CHECK (length(hash) = 64),
    data         TEXT NOT NULL,
    trials       INTEGER NOT NULL DEFAULT 0 CHECK (trials >= 0),
    successes    INTEGER NOT NULL DEFAULT 0 CHECK (successes BETWEEN 0 AND trials),
    last_used_at INTEGER,
    meta         TEXT CHECK (meta IS NULL OR json_valid(meta)),
    created_at   INTEGER NOT NULL,
    pattern_type TEXT GENERATED ALWAYS AS (type) VIRTUAL,
    pattern_data TEXT GENERATED ALWAYS AS (data) VIRTUAL,
    success_rate REAL GENERATED ALWAYS AS (CASE trials WHEN 0 THEN 0.0 ELSE 1.0 * successes / trials END) VIRTUAL,
    usage_count  INTEGER GENERATED ALWAYS AS (trials) VIRTUAL,
    last_used    INTEGER GENERATED ALWAYS AS (last_used_at) VIRTUAL,
    metadata     TEXT GENERATED ALWAYS AS (meta) VIRTUAL,
    UNIQUE (owner_id, domain, type, hash)
) STRICT;
CREATE INDEX ix_patterns_rate ON patterns (pattern_type, success_rate DESC);
CREATE INDEX ix_patterns_scope ON patterns (owner_id, domain, type, success_rate DESC);
CREATE INDEX ix_patterns_usage ON patterns (trials);

CREATE TABLE episode_patterns (
    episode_id TEXT NOT NULL REFERENCES episodes (id) ON DELETE CASCADE,
    pattern_id TEXT NOT NULL REFERENCES patterns (id) ON DELETE CASCADE,
    role       TEXT NOT NULL DEFAULT 'used' CHECK (role IN ('extracted', 'used')),
    weight     REAL NOT NULL DEFAULT 1,
    PRIMARY KEY (episode_id, pattern_id, role)
) STRICT;
CREATE INDEX ix_episode_patterns_pattern ON episode_patterns (pattern_id);

CREATE TABLE memories (
    seq         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    user_id     TEXT NOT NULL REFERENCES user_identities (id) ON DELETE CASCADE,
    domain      TEXT NOT NULL DEFAULT '',
    episode_id  TEXT REFERENCES episodes (id) ON DELETE SET NULL,
    content     TEXT NOT NULL,
    tags        TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(tags) AND json_type(tags) = 'array'),
    context     TEXT NOT NULL DEFAULT '',
    importance  INTEGER NOT NULL DEFAULT 5 CHECK (importance BETWEEN 1 AND 10),
    occurred_at INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    timestamp   INTEGER GENERATED ALWAYS AS (occurred_at) VIRTUAL
) STRICT;
CREATE INDEX ix_memories_user ON memories (user_id, occurred_at);
CREATE INDEX ix_memories_importance ON memories (importance);

CREATE TABLE messages (
    id             TEXT PRIMARY KEY NOT NULL,
    user_id        TEXT REFERENCES user_identities (id) ON DELETE CASCADE,
    channel        TEXT,
    guild_id       TEXT,
    kind           TEXT NOT NULL,
    body           TEXT NOT NULL,
    reply_to       TEXT REFERENCES messages (id) ON DELETE SET NULL,
    meta           TEXT CHECK (meta IS NULL OR json_valid(meta)),
    created_at     INTEGER NOT NULL,
    channel_id     TEXT GENERATED ALWAYS AS (channel) VIRTUAL,
    value          TEXT GENERATED ALWAYS AS (body) VIRTUAL,
    message_type   TEXT GENERATED ALWAYS AS (kind) VIRTUAL,
    response_id    TEXT GENERATED ALWAYS AS (reply_to) VIRTUAL,
    email_metadata TEXT GENERATED ALWAYS AS (json_extract(meta, '$.email')) VIRTUAL
) STRICT;
CREATE INDEX ix_messages_user ON messages (user_id, created_at);
CREATE INDEX ix_messages_at ON messages (created_at);
CREATE INDEX ix_messages_reply ON messages (reply_to) WHERE reply_to IS NOT NULL;

-- `vec` is dim × 4 bytes, f32 little-endian; `content` is what was embedded, none where it must not be kept.
CREATE TABLE embeddings (
    seq          INTEGER PRIMARY KEY,
    subject_kind TEXT NOT NULL CHECK (subject_kind IN ('episode', 'step', 'pattern', 'memory', 'message', 'task',
                                                       'document_version', 'outcome', 'failure')),
    subject_id   TEXT NOT NULL,
    owner_id     TEXT REFERENCES user_identities (id) ON DELETE CASCADE,
    domain       TEXT NOT NULL DEFAULT '',
    model        TEXT NOT NULL,
    dim          INTEGER NOT NULL CHECK (dim BETWEEN 1 AND 8192),
    vec          BLOB NOT NULL CHECK (length(vec) = dim * 4),
    content      TEXT,
    content_hash TEXT NOT NULL CHECK (length(content_hash) = 64),
    created_at   INTEGER NOT NULL,
    id           TEXT GENERATED ALWAYS AS (subject_kind || '/' || subject_id || '/' || model) VIRTUAL,
    episode_id   TEXT GENERATED ALWAYS AS (CASE subject_kind WHEN 'episode' THEN subject_id END) VIRTUAL,
    embedding    BLOB GENERATED ALWAYS AS (vec) VIRTUAL,
    model_name   TEXT GENERATED ALWAYS AS (model) VIRTUAL,
    UNIQUE (subject_kind, subject_id, model, content_hash)
) STRICT;
CREATE INDEX ix_embeddings_scope ON embeddings (subject_kind, model, owner_id, domain);
CREATE INDEX ix_embeddings_subject ON embeddings (subject_id);

-- Named blobs that a plugin learned, newest version last; the bytes are in `artifacts`.
CREATE TABLE learned_artifacts (
    id         TEXT PRIMARY KEY NOT NULL,
    owner_id   TEXT NOT NULL REFERENCES user_identities (id) ON DELETE CASCADE,
    domain     TEXT NOT NULL,
    name       TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    version    INTEGER NOT NULL CHECK (version > 0),
    digest     TEXT NOT NULL REFERENCES artifacts (digest),
    run_id     TEXT REFERENCES runs (id) ON DELETE SET NULL,
    -- What it was trained on: digests of tasks.
    lessons    TEXT CHECK (lessons IS NULL OR json_valid(lessons)),
    created_at INTEGER NOT NULL,
    UNIQUE (owner_id, domain, name, version)
) STRICT;
CREATE INDEX ix_learned_artifacts_digest ON learned_artifacts (digest);

-- What a run asked of the host and what it got, compressed: played back when the run is replayed.
CREATE TABLE run_journals (
    run_id    TEXT PRIMARY KEY NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    exchanges INTEGER NOT NULL CHECK (exchanges > 0),
    bytes     INTEGER NOT NULL CHECK (bytes >= 0),
    -- LZ4 with its size before it; `bytes` is the size without compression.
    body      BLOB NOT NULL
) STRICT;

-- The artifacts whose bytes a journal names by digest: while it is there, they are.
CREATE TABLE journal_artifacts (
    run_id TEXT NOT NULL REFERENCES run_journals (run_id) ON DELETE CASCADE,
    digest TEXT NOT NULL REFERENCES artifacts (digest),
    PRIMARY KEY (run_id, digest)
) STRICT;
CREATE INDEX ix_journal_artifacts_digest ON journal_artifacts (digest);

CREATE TABLE ttt_adaptations (
    id                      TEXT PRIMARY KEY NOT NULL,
    task_id                 TEXT NOT NULL REFERENCES arc_tasks (id) ON DELETE CASCADE,
    base_checkpoint         TEXT NOT NULL,
    weights_digest          TEXT NOT NULL REFERENCES artifacts (digest),
    examples                TEXT NOT NULL CHECK (json_valid(examples)),
    metrics                 TEXT NOT NULL CHECK (json_valid(metrics)),
    created_at              INTEGER NOT NULL,
    last_used_at            INTEGER,
    use_count               INTEGER NOT NULL DEFAULT 0 CHECK (use_count >= 0),
    adaptation_id           TEXT GENERATED ALWAYS AS (id) VIRTUAL,
    base_model_checkpoint   TEXT GENERATED ALWAYS AS (base_checkpoint) VIRTUAL,
    adapted_weights_path    TEXT GENERATED ALWAYS AS ('artifact:' || weights_digest) VIRTUAL,
    training_examples_json  TEXT GENERATED ALWAYS AS (examples) VIRTUAL,
    adaptation_metrics_json TEXT GENERATED ALWAYS AS (metrics) VIRTUAL,
    last_used               INTEGER GENERATED ALWAYS AS (last_used_at) VIRTUAL
) STRICT;
CREATE INDEX ix_ttt_adaptations_task ON ttt_adaptations (task_id);

-- Full-text search: integer keys and three triggers each, so that no row is missed and none is left behind.
-- `secure-delete` overwrites what leaves the index.
CREATE VIRTUAL TABLE episodes_fts USING fts5 (
    task_type, domain, context, summary, content = 'episodes', content_rowid = 'seq', tokenize = 'porter unicode61'
);
INSERT INTO episodes_fts (episodes_fts, rank) VALUES ('secure-delete', 1);
CREATE TRIGGER episodes_fts_insert AFTER INSERT ON episodes BEGIN
    INSERT INTO episodes_fts (rowid, task_type, domain, context, summary)
    VALUES (new.seq, new.task_type, new.domain, new.context, new.summary);
END;
CREATE TRIGGER episodes_fts_delete AFTER DELETE ON episodes BEGIN
    INSERT INTO episodes_fts (episodes_fts, rowid, task_type, domain, context, summary)
    VALUES ('delete', old.seq, old.task_type, old.domain, old.context, old.summary);
END;
CREATE TRIGGER episodes_fts_update AFTER UPDATE OF seq, task_type, domain, context, summary ON episodes BEGIN
    INSERT INTO episodes_fts (episodes_fts, rowid, task_type, domain, context, summary)
    VALUES ('delete', old.seq, old.task_type, old.domain, old.context, old.summary);
    INSERT INTO episodes_fts (rowid, task_type, domain, context, summary)
    VALUES (new.seq, new.task_type, new.domain, new.context, new.summary);
END;

CREATE VIRTUAL TABLE memories_fts USING fts5 (
    content, tags, context, content = 'memories', content_rowid = 'seq', tokenize = 'porter unicode61'
);
INSERT INTO memories_fts (memories_fts, rank) VALUES ('secure-delete', 1);
CREATE TRIGGER memories_fts_insert AFTER INSERT ON memories BEGIN
    INSERT INTO memories_fts (rowid, content, tags, context) VALUES (new.seq, new.content, new.tags, new.context);
END;
CREATE TRIGGER memories_fts_delete AFTER DELETE ON memories BEGIN
    INSERT INTO memories_fts (memories_fts, rowid, content, tags, context)
    VALUES ('delete', old.seq, old.content, old.tags, old.context);
END;
CREATE TRIGGER memories_fts_update AFTER UPDATE OF seq, content, tags, context ON memories BEGIN
    INSERT INTO memories_fts (memories_fts, rowid, content, tags, context)
    VALUES ('delete', old.seq, old.content, old.tags, old.context);
    INSERT INTO memories_fts (rowid, content, tags, context) VALUES (new.seq, new.content, new.tags, new.context);
END;

ALTER TABLE system_events ADD COLUMN event_id INTEGER GENERATED ALWAYS AS (seq) VIRTUAL;
ALTER TABLE system_events ADD COLUMN event_type TEXT GENERATED ALWAYS AS (kind) VIRTUAL;
ALTER TABLE system_events ADD COLUMN event_source TEXT GENERATED ALWAYS AS (source) VIRTUAL;
ALTER TABLE system_events ADD COLUMN severity TEXT GENERATED ALWAYS AS (level) VIRTUAL;
ALTER TABLE system_events ADD COLUMN context_json TEXT GENERATED ALWAYS AS (context) VIRTUAL;
ALTER TABLE system_events ADD COLUMN stack_trace TEXT GENERATED ALWAYS AS (stack) VIRTUAL;
ALTER TABLE system_events ADD COLUMN occurred_at INTEGER GENERATED ALWAYS AS (at) VIRTUAL;
CREATE VIRTUAL TABLE system_events_fts USING fts5 (
    message, context_json, content = 'system_events', content_rowid = 'seq', tokenize = 'porter unicode61'
);
INSERT INTO system_events_fts (system_events_fts, rank) VALUES ('secure-delete', 1);
CREATE TRIGGER system_events_fts_insert AFTER INSERT ON system_events BEGIN
    INSERT INTO system_events_fts (rowid, message, context_json) VALUES (new.seq, new.message, new.context);
END;
CREATE TRIGGER system_events_fts_delete AFTER DELETE ON system_events BEGIN
    INSERT INTO system_events_fts (system_events_fts, rowid, message, context_json)
    VALUES ('delete', old.seq, old.message, old.context);
END;
CREATE TRIGGER system_events_fts_update AFTER UPDATE OF seq, message, context ON system_events BEGIN
    INSERT INTO system_events_fts (system_events_fts, rowid, message, context_json)
    VALUES ('delete', old.seq, old.message, old.context);
    INSERT INTO system_events_fts (rowid, message, context_json) VALUES (new.seq, new.message, new.context);
END;
-- What was written before there was an index.
INSERT INTO episodes_fts (episodes_fts) VALUES ('rebuild');
INSERT INTO system_events_fts (system_events_fts) VALUES ('rebuild');
