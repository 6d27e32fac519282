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
    head        BIGINT NOT NULL DEFAULT 0 CHECK (head >= 0),
    active      BIGINT NOT NULL DEFAULT 0 CHECK (active BETWEEN 0 AND head),
    is_active   BOOLEAN NOT NULL DEFAULT true,
    meta        JSONB,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    UNIQUE (owner_id, kind, name)
);
CREATE INDEX ix_documents_name ON documents (kind, name);

CREATE TABLE document_versions (
    id           TEXT PRIMARY KEY NOT NULL,
    document_id  TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    version      BIGINT NOT NULL CHECK (version > 0),
    format       TEXT NOT NULL CHECK (format IN ('yaml', 'json', 'toml', 'text')),
    body         TEXT NOT NULL CHECK (octet_length(body) <= 1048576),
    -- The body as JSON; none for text.
    parsed       JSONB,
    -- BLAKE3 of format and body.
    hash         TEXT NOT NULL CHECK (length(hash) = 64),
    generated_by TEXT NOT NULL DEFAULT 'manual'
                 CHECK (generated_by IN ('manual', 'llm_recommendation', 'diff_engine', 'api', 'rollback')),
    rollback_of  BIGINT CHECK (rollback_of > 0),
    author_id    TEXT REFERENCES user_identities (id) ON DELETE SET NULL,
    reason       TEXT,
    created_at   BIGINT NOT NULL,
    UNIQUE (document_id, version)
);
CREATE INDEX ix_document_versions_hash ON document_versions (hash);

-- A version never changes: who may write it could otherwise rewrite what a run says that it used.
CREATE FUNCTION document_versions_frozen() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN RAISE EXCEPTION 'a version of a document is never changed'; END$$;
CREATE TRIGGER document_versions_frozen BEFORE UPDATE OF document_id, version, format, parsed, hash, created_at
ON document_versions FOR EACH ROW EXECUTE FUNCTION document_versions_frozen();

CREATE TABLE document_changes (
    id           TEXT PRIMARY KEY NOT NULL,
    document_id  TEXT NOT NULL,
    from_version BIGINT NOT NULL,
    to_version   BIGINT NOT NULL CHECK (to_version > from_version),
    -- Unified diff of the bodies.
    diff         TEXT NOT NULL CHECK (octet_length(diff) <= 4194304),
    -- RFC 6902 operations between the parsed bodies; none for text.
    summary      JSONB,
    impact       JSONB,
    status       TEXT NOT NULL DEFAULT 'proposed' CHECK (status IN ('proposed', 'approved', 'rejected')),
    decided_by   TEXT REFERENCES user_identities (id) ON DELETE SET NULL,
    decided_at   BIGINT,
    reason       TEXT,
    created_at   BIGINT NOT NULL,
    CHECK ((status = 'proposed') = (decided_at IS NULL)),
    UNIQUE (document_id, from_version, to_version),
    FOREIGN KEY (document_id, from_version) REFERENCES document_versions (document_id, version) ON DELETE CASCADE,
    FOREIGN KEY (document_id, to_version) REFERENCES document_versions (document_id, version) ON DELETE CASCADE
);

-- The exact version that a run was configured with; none where its settings came from a file or flags alone.
ALTER TABLE runs ADD COLUMN config_version_id TEXT REFERENCES document_versions (id);

-- What a configuration says, by its keys.
CREATE INDEX ix_document_versions_parsed ON document_versions USING gin (parsed);
