-- 0001 core: people, plugins, tasks, and everything that one run leaves.
--
-- Ids are UUIDv7, times milliseconds since 1970 (UTC), digests BLAKE3 in 64 hexadecimal digits,
-- grids JSON arrays of rows. Texts hold no NUL, which PostgreSQL's cannot; JSON is kept as JSONB, which compares equal
-- but is not the same text.
--
-- The same tables, columns, checks, indexes and views as in migrations/sqlite, under the same numbers and names.
--
-- A run is one strategy on one task: one instance in the sandbox, one transaction, one row of
-- resource_usage. Unsigned counters saturate at 2^63-1; runs.seed keeps the bits of a u64.
--
-- Left to later migrations, which add them with ALTER TABLE beside the table that they point at:
-- arc_tasks.family_id, runs.experiment_id, runs.config_version_id.

CREATE TABLE user_identities (
    id           TEXT PRIMARY KEY NOT NULL,
    display_name TEXT NOT NULL,
    status       TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled', 'erased')),
    meta         JSONB,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL
);

-- Who owns what the command line writes.
INSERT INTO user_identities (id, display_name, created_at, updated_at)
VALUES (
    '00000000-0000-7000-8000-000000000001',
    'local',
    (extract(epoch FROM now()) * 1000)::bigint,
    (extract(epoch FROM now()) * 1000)::bigint
);

-- Content by digest. Plugin components lie in `body`, so that this file alone is enough to replay a run.
CREATE TABLE artifacts (
    digest     TEXT PRIMARY KEY NOT NULL CHECK (length(digest) = 64),
    bytes      BIGINT NOT NULL CHECK (bytes >= 0),
    media_type TEXT NOT NULL,
    store      TEXT NOT NULL CHECK (store IN ('file', 'sql')),
    ref        TEXT NOT NULL,
    body       BYTEA,
    created_at BIGINT NOT NULL,
    CHECK ((store = 'sql') = (body IS NOT NULL))
);

CREATE TABLE plugins (
    id         TEXT PRIMARY KEY NOT NULL,
    name       TEXT NOT NULL UNIQUE,
    family     TEXT NOT NULL DEFAULT 'other',
    owner_id   TEXT NOT NULL REFERENCES user_identities (id),
    trust      TEXT NOT NULL DEFAULT 'untrusted' CHECK (trust IN ('untrusted', 'reviewed', 'builtin')),
    created_at BIGINT NOT NULL
);

-- The version is a label: authors rebuild without raising it, and raise it without rebuilding.
CREATE TABLE plugin_versions (
    id          TEXT PRIMARY KEY NOT NULL,
    plugin_id   TEXT NOT NULL REFERENCES plugins (id),
    semver      TEXT NOT NULL,
    wasm_digest TEXT NOT NULL REFERENCES artifacts (digest),
    wit_world   TEXT NOT NULL,
    limits      JSONB,
    state       TEXT NOT NULL DEFAULT 'uploaded'
                CHECK (state IN ('uploaded', 'validated', 'conformant', 'rejected', 'revoked')),
    created_at  BIGINT NOT NULL,
    UNIQUE (plugin_id, wasm_digest, semver)
);
CREATE INDEX ix_plugin_versions_digest ON plugin_versions (wasm_digest);

-- The version is the start of the digest, so one name holds every content that was imported under it.
CREATE TABLE datasets (
    id         TEXT PRIMARY KEY NOT NULL,
    name       TEXT NOT NULL,
    version    TEXT NOT NULL,
    digest     TEXT NOT NULL CHECK (length(digest) = 64),
    created_at BIGINT NOT NULL,
    UNIQUE (name, version),
    UNIQUE (name, digest)
);

-- A published set may repeat a task in two splits, but not within one.
CREATE TABLE arc_tasks (
    id              TEXT PRIMARY KEY NOT NULL,
    dataset_id      TEXT NOT NULL REFERENCES datasets (id),
    code            TEXT NOT NULL,
    split           TEXT NOT NULL CHECK (split IN ('training', 'evaluation', 'test', 'custom')),
    digest          TEXT NOT NULL CHECK (length(digest) = 64),
    difficulty      TEXT NOT NULL DEFAULT 'unknown' CHECK (difficulty IN ('easy', 'medium', 'hard', 'unknown')),
    prompt          TEXT,
    expected_tools  JSONB,
    tags            JSONB,
    est_duration_ms BIGINT,
    is_active       BOOLEAN NOT NULL DEFAULT true,
    meta            JSONB,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    UNIQUE (dataset_id, split, code)
);
CREATE INDEX ix_arc_tasks_code ON arc_tasks (code);
CREATE INDEX ix_arc_tasks_digest ON arc_tasks (digest, id);

CREATE TABLE task_pairs (
    task_id TEXT NOT NULL REFERENCES arc_tasks (id) ON DELETE CASCADE,
    part    TEXT NOT NULL CHECK (part IN ('train', 'test')),
    ord     BIGINT NOT NULL CHECK (ord >= 0),
    input   JSONB NOT NULL,
    output  JSONB,
    PRIMARY KEY (task_id, part, ord),
    CHECK (part = 'test' OR output IS NOT NULL)
);

-- `recipe` is the digest of all that decides a run; `metrics` is its score, `ending` how the sandbox left it.
CREATE TABLE runs (
    id                TEXT PRIMARY KEY NOT NULL,
    kind              TEXT NOT NULL CHECK (kind IN ('experiment', 'submission', 'conformance', 'evaluation')),
    plugin_version_id TEXT NOT NULL REFERENCES plugin_versions (id),
    owner_id          TEXT NOT NULL REFERENCES user_identities (id),
    status            TEXT NOT NULL DEFAULT 'pending'
                      CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled', 'timeout')),
    recipe            TEXT NOT NULL CHECK (length(recipe) = 64),
    task_digest       TEXT NOT NULL CHECK (length(task_digest) = 64),
    seed              BIGINT NOT NULL DEFAULT 0,
    limits            JSONB NOT NULL,
    settings          JSONB NOT NULL,
    outcome           TEXT NOT NULL
                      CHECK (outcome IN ('solved', 'unsolved', 'unscored', 'out_of_fuel', 'past_deadline',
                      'out_of_memory', 'trap', 'refused', 'host_fault')),
    fault             TEXT NOT NULL CHECK (fault IN ('nobody', 'plugin', 'operator', 'host')),
    ending            JSONB NOT NULL,
    metrics           JSONB,
    score             DOUBLE PRECISION CHECK (score BETWEEN 0 AND 1),
    cost_micros       BIGINT NOT NULL DEFAULT 0 CHECK (cost_micros >= 0),
    error             TEXT,
    created_at        BIGINT NOT NULL,
    started_at        BIGINT,
    finished_at       BIGINT,
    CHECK ((status IN ('pending', 'running')) = (finished_at IS NULL))
);
CREATE INDEX ix_runs_recipe ON runs (recipe, finished_at);
CREATE INDEX ix_runs_started ON runs (started_at, id);
CREATE INDEX ix_runs_version ON runs (plugin_version_id, started_at);

-- One row a run for now.
CREATE TABLE run_tasks (
    run_id      TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    task_id     TEXT NOT NULL REFERENCES arc_tasks (id),
    ord         BIGINT NOT NULL,
    status      TEXT NOT NULL DEFAULT 'pending'
                CHECK (status IN ('pending', 'running', 'completed', 'failed', 'skipped')),
    tries       BIGINT NOT NULL DEFAULT 0,
    log_digest  TEXT REFERENCES artifacts (digest),
    started_at  BIGINT,
    finished_at BIGINT,
    PRIMARY KEY (run_id, task_id)
);
CREATE INDEX ix_run_tasks_task ON run_tasks (task_id);

-- Every answer that a plugin offered, in the order of offering, also those that were not submitted.
CREATE TABLE answers (
    run_id     TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    n          BIGINT NOT NULL CHECK (n > 0),
    task_id    TEXT NOT NULL REFERENCES arc_tasks (id),
    test_ord   BIGINT NOT NULL CHECK (test_ord >= 0),
    grid       JSONB NOT NULL,
    confidence DOUBLE PRECISION NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    rationale  TEXT NOT NULL,
    rank       BIGINT CHECK (rank BETWEEN 1 AND 3),
    is_correct BOOLEAN,
    PRIMARY KEY (run_id, n)
);

CREATE TABLE run_logs (
    run_id  TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    n       BIGINT NOT NULL CHECK (n > 0),
    level   TEXT NOT NULL CHECK (level IN ('debug', 'info', 'warn', 'error')),
    message TEXT NOT NULL,
    PRIMARY KEY (run_id, n)
);

-- The two attempts. The confidence of an attempt is the lowest of its grids: it is right only if all are.
CREATE TABLE task_submissions (
    id           TEXT PRIMARY KEY NOT NULL,
    run_id       TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    task_id      TEXT NOT NULL REFERENCES arc_tasks (id),
    user_id      TEXT NOT NULL REFERENCES user_identities (id),
    attempt      BIGINT NOT NULL CHECK (attempt BETWEEN 1 AND 2),
    confidence   DOUBLE PRECISION CHECK (confidence BETWEEN 0 AND 1),
    meta         JSONB,
    submitted_at BIGINT NOT NULL,
    UNIQUE (run_id, task_id, attempt)
);

-- A test input that has no answer at that rank has no row.
CREATE TABLE submission_grids (
    submission_id TEXT NOT NULL REFERENCES task_submissions (id) ON DELETE CASCADE,
    test_ord      BIGINT NOT NULL CHECK (test_ord >= 0),
    grid          JSONB NOT NULL,
    is_correct    BOOLEAN,
    PRIMARY KEY (submission_id, test_ord)
);

-- Append-only and partitioned by time elsewhere, so no foreign key points here and the key carries the time.
CREATE TABLE outcomes (
    id                TEXT NOT NULL,
    executed_at       BIGINT NOT NULL,
    run_id            TEXT NOT NULL,
    task_id           TEXT NOT NULL,
    job_id            TEXT,
    try               BIGINT NOT NULL DEFAULT 0,
    status            TEXT NOT NULL CHECK (status IN ('success', 'error', 'timeout', 'cancelled')),
    score             DOUBLE PRECISION NOT NULL CHECK (score BETWEEN 0 AND 1),
    duration_ms       BIGINT NOT NULL CHECK (duration_ms >= 0),
    tokens            BIGINT NOT NULL DEFAULT 0,
    cost_micros       BIGINT NOT NULL DEFAULT 0,
    fuel_spent        BIGINT NOT NULL DEFAULT 0,
    memory_peak_bytes BIGINT NOT NULL DEFAULT 0,
    error_category    TEXT,
    error_code        TEXT,
    trajectory        JSONB,
    metrics           JSONB,
    PRIMARY KEY (id, executed_at)
);
CREATE INDEX ix_outcomes_run ON outcomes (run_id, executed_at);
CREATE INDEX ix_outcomes_task ON outcomes (task_id, executed_at);
CREATE INDEX ix_outcomes_bad ON outcomes (executed_at, status) WHERE status <> 'success';

-- memory_mb is MiB: bytes / 1048576, exact; `detail` holds the counters without a column.
CREATE TABLE resource_usage (
    id                TEXT NOT NULL,
    at                BIGINT NOT NULL,
    kind              TEXT NOT NULL CHECK (kind IN ('wasm', 'llm', 'tool', 'gpu')),
    name              TEXT NOT NULL,
    user_id           TEXT,
    run_id            TEXT,
    outcome_id        TEXT,
    calls             BIGINT NOT NULL DEFAULT 1,
    cpu_seconds       DOUBLE PRECISION,
    wall_ms           BIGINT,
    fuel_spent        BIGINT,
    memory_mb         DOUBLE PRECISION,
    gpu_memory_mb     DOUBLE PRECISION,
    prompt_tokens     BIGINT,
    completion_tokens BIGINT,
    cost_micros       BIGINT NOT NULL DEFAULT 0 CHECK (cost_micros >= 0),
    ok                BOOLEAN NOT NULL DEFAULT true,
    error_type        TEXT,
    detail            JSONB,
    PRIMARY KEY (id, at)
);
CREATE INDEX ix_resource_usage_user ON resource_usage (user_id, at);
CREATE INDEX ix_resource_usage_name ON resource_usage (kind, name, at);
CREATE INDEX ix_resource_usage_run ON resource_usage (run_id);

CREATE TABLE episodes (
    seq          BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    run_id       TEXT REFERENCES runs (id) ON DELETE CASCADE,
    user_id      TEXT REFERENCES user_identities (id) ON DELETE CASCADE,
    plugin_id    TEXT REFERENCES plugins (id),
    task_type    TEXT NOT NULL,
    domain       TEXT NOT NULL,
    context      TEXT,
    status       TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'completed', 'failed', 'archived')),
    success_rate DOUBLE PRECISION,
    meta         JSONB,
    created_at   BIGINT NOT NULL,
    completed_at BIGINT
);
CREATE UNIQUE INDEX ix_episodes_run ON episodes (run_id);
CREATE INDEX ix_episodes_domain ON episodes (domain, created_at);

CREATE TABLE steps (
    episode_id  TEXT NOT NULL REFERENCES episodes (id) ON DELETE CASCADE,
    n           BIGINT NOT NULL CHECK (n > 0),
    action      TEXT NOT NULL,
    result      TEXT,
    duration_ms BIGINT,
    ok          BOOLEAN,
    at          BIGINT NOT NULL,
    PRIMARY KEY (episode_id, n)
);

CREATE TABLE system_events (
    seq         BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    at          BIGINT NOT NULL,
    level       TEXT NOT NULL CHECK (level IN ('debug', 'info', 'warning', 'error', 'critical')),
    source      TEXT NOT NULL,
    kind        TEXT NOT NULL,
    message     TEXT NOT NULL,
    context     JSONB,
    stack       TEXT,
    resolved_at BIGINT
);
CREATE INDEX ix_system_events_level ON system_events (level, at);
