-- 0003 tasks: families, features, nearest tasks, and what one user may do.
--
-- Columns that are GENERATED give a column of ours the name that a document gives it, so that a query written for
-- that document runs.

CREATE TABLE task_families (
    id              TEXT PRIMARY KEY NOT NULL,
    name            TEXT NOT NULL UNIQUE,
    description     TEXT,
    common_patterns JSONB,
    -- 1 easy, 2 medium, 3 hard; none where no task of it is rated.
    avg_difficulty  DOUBLE PRECISION CHECK (avg_difficulty BETWEEN 1 AND 3),
    created_at      BIGINT NOT NULL,
    family_id       TEXT GENERATED ALWAYS AS (id) STORED,
    family_name     TEXT GENERATED ALWAYS AS (name) STORED
);

ALTER TABLE arc_tasks ADD COLUMN family_id TEXT REFERENCES task_families (id) ON DELETE SET NULL;
ALTER TABLE arc_tasks ADD COLUMN task_id TEXT GENERATED ALWAYS AS (id) STORED;
ALTER TABLE arc_tasks ADD COLUMN task_source TEXT GENERATED ALWAYS AS (split) STORED;
ALTER TABLE arc_tasks ADD COLUMN difficulty_level TEXT GENERATED ALWAYS AS (difficulty) STORED;
ALTER TABLE arc_tasks ADD COLUMN metadata_json JSONB GENERATED ALWAYS AS (meta) STORED;
CREATE INDEX ix_arc_tasks_family ON arc_tasks (family_id);

-- Of the first demonstration's input unless a name says otherwise; `detail` has every feature of the extractor.
CREATE TABLE task_features (
    task_id              TEXT PRIMARY KEY NOT NULL REFERENCES arc_tasks (id) ON DELETE CASCADE,
    width                BIGINT NOT NULL CHECK (width BETWEEN 1 AND 30),
    height               BIGINT NOT NULL CHECK (height BETWEEN 1 AND 30),
    color_count          BIGINT NOT NULL CHECK (color_count BETWEEN 1 AND 10),
    object_count         BIGINT,
    symmetry             BOOLEAN,
    size_relation        TEXT NOT NULL,
    patterns             JSONB,
    hints                JSONB,
    detail               JSONB,
    extractor            TEXT NOT NULL,
    computed_at          BIGINT NOT NULL,
    grid_dimensions      JSONB
                         GENERATED ALWAYS AS (('[' || width::text || ', ' || height::text || ']')::jsonb) STORED,
    has_symmetry         BOOLEAN GENERATED ALWAYS AS (symmetry) STORED,
    pattern_types        JSONB GENERATED ALWAYS AS (patterns) STORED,
    transformation_hints JSONB GENERATED ALWAYS AS (hints) STORED
);
CREATE INDEX ix_task_features_relation ON task_features (size_relation);

-- Names of one person elsewhere: `email`, `discord`, `phone`, ...
CREATE TABLE user_handles (
    provider TEXT NOT NULL,
    handle   TEXT NOT NULL,
    user_id  TEXT NOT NULL REFERENCES user_identities (id) ON DELETE CASCADE,
    PRIMARY KEY (provider, handle)
);
CREATE INDEX ix_user_handles_user ON user_handles (user_id);

-- What a user may do at the store's door. The local user owns the file, so it may do everything.
ALTER TABLE user_identities ADD COLUMN role TEXT NOT NULL DEFAULT 'runner'
    CHECK (role IN ('reader', 'runner', 'admin'));
ALTER TABLE user_identities ADD COLUMN metadata JSONB GENERATED ALWAYS AS (meta) STORED;
UPDATE user_identities SET role = 'admin' WHERE id = '00000000-0000-7000-8000-000000000001';

CREATE VIEW arc_task_examples AS
SELECT t.id AS task_id, t.code, t.dataset_id, t.split AS task_source,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('input', p.input, 'output', p.output) ORDER BY p.ord), '[]')
     FROM task_pairs p WHERE p.task_id = t.id AND p.part = 'train') AS train_examples,
    (SELECT p.input FROM task_pairs p WHERE p.task_id = t.id AND p.part = 'test' AND p.ord = 0) AS test_input,
    (SELECT p.output FROM task_pairs p WHERE p.task_id = t.id AND p.part = 'test' AND p.ord = 0) AS test_output,
    (SELECT coalesce(jsonb_agg(p.input ORDER BY p.ord), '[]')
     FROM task_pairs p WHERE p.task_id = t.id AND p.part = 'test') AS test_inputs,
    (SELECT coalesce(jsonb_agg(p.output ORDER BY p.ord), '[]')
     FROM task_pairs p WHERE p.task_id = t.id AND p.part = 'test') AS test_outputs
FROM arc_tasks t;

CREATE VIEW user_contacts AS
SELECT u.id AS user_id, u.display_name, u.status,
    (SELECT max(h.handle) FROM user_handles h WHERE h.user_id = u.id AND h.provider = 'discord') AS discord_id,
    (SELECT max(h.handle) FROM user_handles h WHERE h.user_id = u.id AND h.provider = 'email') AS email,
    (SELECT max(h.handle) FROM user_handles h WHERE h.user_id = u.id AND h.provider = 'phone') AS phone_number
FROM user_identities u;
