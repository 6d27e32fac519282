-- 0004 documents: configurations, prompts, capabilities and settings, each an immutable list of versions.
--
-- `head` is the newest version, `active` the one that runs use; 0 is none. Going back to an older version makes a
-- new one with the same body, so history never shrinks.

CREATE TABLE documents (
    id          TEXT PRIMARY KEY NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('strategy_config', 'prompt', 'capability', 'setting')),
    name        TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    category    TEXT NOT NULL DEFAULT 'general',
    description TEXT,
    owner_id    TEXT NOT NULL REFERENCES user_identities (id),
    head        INTEGER NOT NULL DEFAULT 0 CHECK (head >= 0),
    active      INTEGER NOT NULL DEFAULT 0 CHECK (active BETWEEN 0 AND head),
    is_active   INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
    meta        TEXT CHECK (meta IS NULL OR json_valid(meta)),
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    UNIQUE (owner_id, kind, name)
) STRICT;
CREATE INDEX ix_documents_name ON documents (kind, name);

CREATE TABLE document_versions (
    id           TEXT PRIMARY KEY NOT NULL,
    document_id  TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    version      INTEGER NOT NULL CHECK (version > 0),
    format       TEXT NOT NULL CHECK (format IN ('yaml', 'json', 'toml', 'text')),
    body         TEXT NOT NULL CHECK (length(CAST(body AS BLOB)) <= 1048576),
    -- The body as JSON; none for text.
    parsed       TEXT CHECK (parsed IS NULL OR json_valid(parsed)),
    -- BLAKE3 of format and body.
    hash         TEXT NOT NULL CHECK (length(hash) = 64),
    generated_by TEXT NOT NULL DEFAULT 'manual'
                 CHECK (generated_by IN ('manual', 'llm_recommendation', 'diff_engine', 'api', 'rollback')),
    rollback_of  INTEGER CHECK (rollback_of > 0),
    author_id    TEXT REFERENCES user_identities (id) ON DELETE SET NULL,
    reason       TEXT,
    created_at   INTEGER NOT NULL,
    UNIQUE (document_id, version)
) STRICT;
CREATE INDEX ix_document_versions_hash ON document_versions (hash);

-- A version never changes: who may write it could otherwise rewrite what a run says that it used.
CREATE TRIGGER document_versions_frozen BEFORE UPDATE OF document_id, version, format, parsed, hash, created_at
ON document_versions BEGIN SELECT raise(ABORT, 'a version of a document is never changed'); END;

CREATE TABLE document_changes (
    id           TEXT PRIMARY KEY NOT NULL,
    document_id  TEXT NOT NULL,
    from_version INTEGER NOT NULL,
    to_version   INTEGER NOT NULL CHECK (to_version > from_version),
    -- Unified diff of the bodies.
    diff         TEXT NOT NULL CHECK (length(CAST(diff AS BLOB)) <= 4194304),
    -- RFC 6902 operations between the parsed bodies; none for text.
    summary      TEXT CHECK (summary IS NULL OR json_valid(summary)),
    impact       TEXT CHECK (impact IS NULL OR json_valid(impact)),
    status       TEXT NOT NULL DEFAULT 'proposed' CHECK (status IN ('proposed', 'approved', 'rejected')),
    decided_by   TEXT REFERENCES user_identities (id) ON DELETE SET NULL,
    decided_at   INTEGER,
    reason       TEXT,
    created_at   INTEGER NOT NULL,
    CHECK ((status = 'proposed') = (decided_at IS NULL)),
    UNIQUE (document_id, from_version, to_version),
    FOREIGN KEY (document_id, from_version) REFERENCES document_versions (document_id, version) ON DELETE CASCADE,
    FOREIGN KEY (document_id, to_version) REFERENCES document_versions (document_id, version) ON DELETE CASCADE
) STRICT;

-- The exact version that a run was configured with; none where its settings came from a file or flags alone.
ALTER TABLE runs ADD COLUMN config_version_id TEXT REFERENCES document_versions (id);
