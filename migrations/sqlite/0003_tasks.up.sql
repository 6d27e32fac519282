-- 0003 tasks: families, features, nearest tasks, and what one user may do.
--
-- Columns that are GENERATED give a column of ours the name that a document gives it, so that a query written for
-- that document runs; they take no room.

CREATE TABLE task_families (
    id              TEXT PRIMARY KEY NOT NULL,
    name            TEXT NOT NULL UNIQUE,
    description     TEXT,
    common_patterns TEXT CHECK (common_patterns IS NULL OR json_valid(common_patterns)),
    -- 1 easy, 2 medium, 3 hard; none where no task of it is rated.
    avg_difficulty  REAL CHECK (avg_difficulty BETWEEN 1 AND 3),
    created_at      INTEGER NOT NULL,
    family_id       TEXT GENERATED ALWAYS AS (id) VIRTUAL,
    family_name     TEXT GENERATED ALWAYS AS (name) VIRTUAL
) STRICT;

ALTER TABLE arc_tasks ADD COLUMN family_id TEXT REFERENCES task_families (id) ON DELETE SET NULL;
ALTER TABLE arc_tasks ADD COLUMN task_id TEXT GENERATED ALWAYS AS (id) VIRTUAL;
ALTER TABLE arc_tasks ADD COLUMN task_source TEXT GENERATED ALWAYS AS (split) VIRTUAL;
ALTER TABLE arc_tasks ADD COLUMN difficulty_level TEXT GENERATED ALWAYS AS (difficulty) VIRTUAL;
ALTER TABLE arc_tasks ADD COLUMN metadata_json TEXT GENERATED ALWAYS AS (meta) VIRTUAL;
CREATE INDEX ix_arc_tasks_family ON arc_tasks (family_id);

-- Of the first demonstration's input unless a name says otherwise; `detail` has every feature of the extractor.
CREATE TABLE task_features (
    task_id              TEXT PRIMARY KEY NOT NULL REFERENCES arc_tasks (id) ON DELETE CASCADE,
    width                INTEGER NOT NULL CHECK (width BETWEEN 1 AND 30),
    height               INTEGER NOT NULL CHECK (height BETWEEN 1 AND 30),
    color_count          INTEGER NOT NULL CHECK (color_count BETWEEN 1 AND 10),
    object_count         INTEGER,
    symmetry             INTEGER CHECK (symmetry IN (0, 1)),
    size_relation        TEXT NOT NULL,
    patterns             TEXT CHECK (patterns IS NULL OR json_valid(patterns)),
    hints                TEXT CHECK (hints IS NULL OR json_valid(hints)),
    detail               TEXT CHECK (detail IS NULL OR json_valid(detail)),
    extractor            TEXT NOT NULL,
    computed_at          INTEGER NOT NULL,
    grid_dimensions      TEXT GENERATED ALWAYS AS (json_array(width, height)) VIRTUAL,
    has_symmetry         INTEGER GENERATED ALWAYS AS (symmetry) VIRTUAL,
    pattern_types        TEXT GENERATED ALWAYS AS (patterns) VIRTUAL,
    transformation_hints TEXT GENERATED ALWAYS AS (hints) VIRTUAL
) STRICT;
CREATE INDEX ix_task_features_relation ON task_features (size_relation);

-- Names of one person elsewhere: `email`, `discord`, `phone`, ...
CREATE TABLE user_handles (
    provider TEXT NOT NULL,
    handle   TEXT NOT NULL,
    user_id  TEXT NOT NULL REFERENCES user_identities (id) ON DELETE CASCADE,
    PRIMARY KEY (provider, handle)
) STRICT;
CREATE INDEX ix_user_handles_user ON user_handles (user_id);

-- What a user may do at the store's door. The local user owns the file, so it may do everything.
ALTER TABLE user_identities ADD COLUMN role TEXT NOT NULL DEFAULT 'runner'
    CHECK (role IN ('reader', 'runner', 'admin'));
ALTER TABLE user_identities ADD COLUMN metadata TEXT GENERATED ALWAYS AS (meta) VIRTUAL;
UPDATE user_identities SET role = 'admin' WHERE id = '00000000-0000-7000-8000-000000000001';

CREATE VIEW arc_task_examples AS
SELECT t.id AS task_id, t.code, t.dataset_id, t.split AS task_source,
    (SELECT json_group_array(json_object('input', json(p.input), 'output', json(p.output)) ORDER BY p.ord)
     FROM task_pairs p WHERE p.task_id = t.id AND p.part = 'train') AS train_examples,
    (SELECT p.input FROM task_pairs p WHERE p.task_id = t.id AND p.part = 'test' AND p.ord = 0) AS test_input,
    (SELECT p.output FROM task_pairs p WHERE p.task_id = t.id AND p.part = 'test' AND p.ord = 0) AS test_output,
    (SELECT json_group_array(json(p.input) ORDER BY p.ord)
     FROM task_pairs p WHERE p.task_id = t.id AND p.part = 'test') AS test_inputs,
    (SELECT json_group_array(json(p.output) ORDER BY p.ord)
     FROM task_pairs p WHERE p.task_id = t.id AND p.part = 'test') AS test_outputs
FROM arc_tasks t;

CREATE VIEW user_contacts AS
SELECT u.id AS user_id, u.display_name, u.status,
    (SELECT h.handle FROM user_handles h WHERE h.user_id = u.id AND h.provider = 'discord') AS discord_id,
    (SELECT h.handle FROM user_handles h WHERE h.user_id = u.id AND h.provider = 'email') AS email,
    (SELECT h.handle FROM user_handles h WHERE h.user_id = u.id AND h.provider = 'phone') AS phone_number
FROM user_identities u;
