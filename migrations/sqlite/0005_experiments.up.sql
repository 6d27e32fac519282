-- 0005 experiments: questions, their evaluations, what failed and what is advised.
--
-- An evaluation is one strategy with one configuration over a list of tasks that is frozen when it starts; each of
-- its tasks is one run. An experiment compares evaluations.

CREATE TABLE experiments (
    id                    TEXT PRIMARY KEY NOT NULL,
    name                  TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    description           TEXT,
    hypothesis            TEXT,
    strategy_configs_json TEXT NOT NULL CHECK (json_valid(strategy_configs_json)),
    -- The criteria as they were given; the tasks that they chose are in evaluation_tasks.
    selection             TEXT NOT NULL CHECK (json_valid(selection)),
    results               TEXT CHECK (results IS NULL OR json_valid(results)),
    insights              TEXT CHECK (insights IS NULL OR json_valid(insights)),
    status                TEXT NOT NULL DEFAULT 'created'
                          CHECK (status IN ('created', 'running', 'completed', 'failed', 'cancelled')),
    owner_id              TEXT NOT NULL REFERENCES user_identities (id),
    created_at            INTEGER NOT NULL,
    started_at            INTEGER,
    finished_at           INTEGER,
    updated_at            INTEGER NOT NULL,
    experiment_id         TEXT GENERATED ALWAYS AS (id) VIRTUAL,
    task_selection_json   TEXT GENERATED ALWAYS AS (selection) VIRTUAL,
    completed_at          INTEGER GENERATED ALWAYS AS (finished_at) VIRTUAL,
    created_by            TEXT GENERATED ALWAYS AS (owner_id) VIRTUAL,
    CHECK ((status IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
) STRICT;
CREATE INDEX ix_experiments_name ON experiments (name, created_at);
CREATE INDEX ix_experiments_status ON experiments (status, created_at);

CREATE TABLE evaluations (
    id                TEXT PRIMARY KEY NOT NULL,
    experiment_id     TEXT REFERENCES experiments (id) ON DELETE CASCADE,
    name              TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    plugin_version_id TEXT REFERENCES plugin_versions (id),
    config_version_id TEXT REFERENCES document_versions (id),
    owner_id          TEXT NOT NULL REFERENCES user_identities (id),
    status            TEXT NOT NULL DEFAULT 'pending'
                      CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    seed              INTEGER NOT NULL DEFAULT 0,
    limits            TEXT NOT NULL CHECK (json_valid(limits)),
    settings          TEXT NOT NULL CHECK (json_valid(settings)),
    priority          INTEGER NOT NULL DEFAULT 5 CHECK (priority BETWEEN 1 AND 10),
    meta              TEXT CHECK (meta IS NULL OR json_valid(meta)),
    error             TEXT,
    created_at        INTEGER NOT NULL,
    started_at        INTEGER CHECK (started_at >= created_at),
    finished_at       INTEGER,
    CHECK ((status IN ('pending', 'running')) = (finished_at IS NULL))
) STRICT;
CREATE INDEX ix_evaluations_experiment ON evaluations (experiment_id);
CREATE INDEX ix_evaluations_status ON evaluations (status, created_at);

CREATE TABLE evaluation_tasks (
    evaluation_id TEXT NOT NULL REFERENCES evaluations (id) ON DELETE CASCADE,
    task_id       TEXT NOT NULL REFERENCES arc_tasks (id),
    ord           INTEGER NOT NULL CHECK (ord > 0),
    status        TEXT NOT NULL DEFAULT 'pending'
                  CHECK (status IN ('pending', 'running', 'completed', 'failed', 'skipped')),
    -- The run whose result counts; an earlier run of the same recipe may be taken.
    run_id        TEXT REFERENCES runs (id) ON DELETE SET NULL,
    tries         INTEGER NOT NULL DEFAULT 0 CHECK (tries >= 0),
    started_at    INTEGER,
    finished_at   INTEGER,
    PRIMARY KEY (evaluation_id, task_id),
    CHECK (finished_at IS NULL OR started_at IS NOT NULL)
) STRICT;
CREATE INDEX ix_evaluation_tasks_run ON evaluation_tasks (run_id);
CREATE INDEX ix_evaluation_tasks_task ON evaluation_tasks (task_id);

ALTER TABLE runs ADD COLUMN experiment_id TEXT REFERENCES experiments (id) ON DELETE SET NULL;
ALTER TABLE runs ADD COLUMN evaluation_id TEXT REFERENCES evaluations (id) ON DELETE SET NULL;
CREATE INDEX ix_runs_evaluation ON runs (evaluation_id);
CREATE INDEX ix_runs_experiment ON runs (experiment_id);

-- Of the attempt as a whole; none where the outputs are not known.
ALTER TABLE task_submissions ADD COLUMN strategy_used TEXT;
ALTER TABLE task_submissions ADD COLUMN is_correct INTEGER CHECK (is_correct IN (0, 1));
ALTER TABLE task_submissions ADD COLUMN processing_time_ms INTEGER;
ALTER TABLE task_submissions ADD COLUMN submission_id TEXT GENERATED ALWAYS AS (id) VIRTUAL;
ALTER TABLE task_submissions ADD COLUMN confidence_score REAL GENERATED ALWAYS AS (confidence) VIRTUAL;
ALTER TABLE task_submissions ADD COLUMN metadata_json TEXT GENERATED ALWAYS AS (meta) VIRTUAL;
CREATE INDEX ix_submissions_task ON task_submissions (task_id, user_id);
CREATE INDEX ix_submissions_strategy ON task_submissions (strategy_used, is_correct);
CREATE INDEX ix_submissions_at ON task_submissions (submitted_at);

ALTER TABLE outcomes ADD COLUMN evaluation_id TEXT;
ALTER TABLE outcomes ADD COLUMN config_version_id TEXT;
-- Whoever records the same outcome again under the same key changes nothing.
ALTER TABLE outcomes ADD COLUMN idempotency_key TEXT;
ALTER TABLE outcomes ADD COLUMN outcome_id TEXT GENERATED ALWAYS AS (id) VIRTUAL;
ALTER TABLE outcomes ADD COLUMN simulation_id TEXT GENERATED ALWAYS AS (coalesce(evaluation_id, run_id)) VIRTUAL;
ALTER TABLE outcomes ADD COLUMN scenario_id TEXT GENERATED ALWAYS AS (task_id) VIRTUAL;
ALTER TABLE outcomes ADD COLUMN execution_time INTEGER GENERATED ALWAYS AS (executed_at) VIRTUAL;
ALTER TABLE outcomes ADD COLUMN reliability_score REAL GENERATED ALWAYS AS (score) VIRTUAL;
ALTER TABLE outcomes ADD COLUMN execution_time_ms INTEGER GENERATED ALWAYS AS (duration_ms) VIRTUAL;
ALTER TABLE outcomes ADD COLUMN tokens_used INTEGER GENERATED ALWAYS AS (tokens) VIRTUAL;
ALTER TABLE outcomes ADD COLUMN cost_usd REAL GENERATED ALWAYS AS (cost_micros / 1e6) VIRTUAL;
ALTER TABLE outcomes ADD COLUMN sandbox_id TEXT GENERATED ALWAYS AS (run_id) VIRTUAL;
ALTER TABLE outcomes ADD COLUMN modal_call_id TEXT GENERATED ALWAYS AS (run_id) VIRTUAL;
ALTER TABLE outcomes ADD COLUMN created_at INTEGER GENERATED ALWAYS AS (executed_at) VIRTUAL;
ALTER TABLE outcomes ADD COLUMN retry_count INTEGER GENERATED ALWAYS AS (try) VIRTUAL;
ALTER TABLE outcomes ADD COLUMN execution_metadata TEXT GENERATED ALWAYS AS (metrics) VIRTUAL;
CREATE UNIQUE INDEX ix_outcomes_key ON outcomes (idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX ix_outcomes_evaluation ON outcomes (evaluation_id, executed_at) WHERE evaluation_id IS NOT NULL;

CREATE TABLE failure_clusters (
    id            TEXT PRIMARY KEY NOT NULL,
    -- Of category, type and the message without its numbers: equal keys are one cluster.
    key           TEXT NOT NULL UNIQUE CHECK (length(key) = 64),
    label         TEXT NOT NULL,
    resolution    TEXT,
    similar_count INTEGER NOT NULL DEFAULT 0 CHECK (similar_count >= 0),
    created_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE failure_patterns (
    id                   TEXT PRIMARY KEY NOT NULL,
    outcome_id           TEXT NOT NULL,
    executed_at          INTEGER NOT NULL,
    category             TEXT NOT NULL
                         CHECK (category IN ('timeout', 'fuel', 'memory', 'trap', 'tool_error', 'model_error',
                                             'validation_error', 'system_error', 'sandbox_error', 'unknown')),
    type                 TEXT NOT NULL CHECK (length(type) <= 100),
    message              TEXT CHECK (length(message) <= 10000),
    cluster_id           TEXT REFERENCES failure_clusters (id) ON DELETE SET NULL,
    cluster_confidence   REAL CHECK (cluster_confidence BETWEEN 0 AND 1),
    recovery_attempted   INTEGER NOT NULL DEFAULT 0 CHECK (recovery_attempted IN (0, 1)),
    recovery_ok          INTEGER NOT NULL DEFAULT 0 CHECK (recovery_ok IN (0, 1)),
    analysis             TEXT CHECK (analysis IS NULL OR json_valid(analysis)),
    created_at           INTEGER NOT NULL,
    pattern_id           TEXT GENERATED ALWAYS AS (id) VIRTUAL,
    execution_time       INTEGER GENERATED ALWAYS AS (executed_at) VIRTUAL,
    failure_type         TEXT GENERATED ALWAYS AS (type) VIRTUAL,
    failure_category     TEXT GENERATED ALWAYS AS (category) VIRTUAL,
    error_message        TEXT GENERATED ALWAYS AS (message) VIRTUAL,
    pattern_cluster_id   TEXT GENERATED ALWAYS AS (cluster_id) VIRTUAL,
    recovery_successful  INTEGER GENERATED ALWAYS AS (recovery_ok) VIRTUAL,
    llm_analysis         TEXT GENERATED ALWAYS AS (analysis) VIRTUAL,
    CHECK (NOT recovery_ok OR recovery_attempted)
) STRICT;
CREATE INDEX ix_failure_patterns_outcome ON failure_patterns (outcome_id);
CREATE INDEX ix_failure_patterns_cluster ON failure_patterns (cluster_id, executed_at) WHERE cluster_id IS NOT NULL;
CREATE INDEX ix_failure_patterns_category ON failure_patterns (category, executed_at);

CREATE TABLE llm_recommendation_sessions (
    id                        TEXT PRIMARY KEY NOT NULL,
    user_id                   TEXT NOT NULL REFERENCES user_identities (id),
    -- `rules` where no language model was asked.
    model                     TEXT NOT NULL,
    temperature               REAL NOT NULL DEFAULT 0.1,
    prompt_version_id         TEXT REFERENCES document_versions (id),
    window_start              INTEGER NOT NULL,
    window_end                INTEGER NOT NULL,
    outcomes_seen             INTEGER NOT NULL DEFAULT 0 CHECK (outcomes_seen >= 0),
    patterns_identified       INTEGER NOT NULL DEFAULT 0,
    recommendations_generated INTEGER NOT NULL DEFAULT 0,
    cost_micros               INTEGER NOT NULL DEFAULT 0 CHECK (cost_micros >= 0),
    status                    TEXT NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'completed', 'failed')),
    error                     TEXT,
    started_at                INTEGER NOT NULL,
    finished_at               INTEGER,
    session_id                TEXT GENERATED ALWAYS AS (id) VIRTUAL,
    analysis_start_time       INTEGER GENERATED ALWAYS AS (started_at) VIRTUAL,
    analysis_end_time         INTEGER GENERATED ALWAYS AS (finished_at) VIRTUAL,
    data_window_start         INTEGER GENERATED ALWAYS AS (window_start) VIRTUAL,
    data_window_end           INTEGER GENERATED ALWAYS AS (window_end) VIRTUAL,
    llm_model                 TEXT GENERATED ALWAYS AS (model) VIRTUAL,
    llm_temperature           REAL GENERATED ALWAYS AS (temperature) VIRTUAL,
    total_outcomes_analyzed   INTEGER GENERATED ALWAYS AS (outcomes_seen) VIRTUAL,
    analysis_cost_usd         REAL GENERATED ALWAYS AS (cost_micros / 1e6) VIRTUAL,
    session_status            TEXT GENERATED ALWAYS AS (status) VIRTUAL,
    error_message             TEXT GENERATED ALWAYS AS (error) VIRTUAL,
    CHECK (window_end >= window_start)
) STRICT;

CREATE TABLE recommendations (
    id                     TEXT PRIMARY KEY NOT NULL,
    session_id             TEXT REFERENCES llm_recommendation_sessions (id) ON DELETE CASCADE,
    source_type            TEXT NOT NULL CHECK (source_type IN ('simulation', 'outcome', 'config_diff',
                                                                'pattern_analysis', 'time_series_analysis')),
    source_id              TEXT NOT NULL,
    kind                   TEXT NOT NULL CHECK (kind IN ('config_change', 'scenario_addition', 'tool_optimization',
                                                         'performance_tuning', 'sandbox_optimization')),
    description            TEXT NOT NULL CHECK (length(description) >= 10),
    -- The proposed version of a configuration, where there is one.
    change_id              TEXT REFERENCES document_changes (id) ON DELETE SET NULL,
    evidence               TEXT CHECK (evidence IS NULL OR json_valid(evidence)),
    impact                 TEXT CHECK (impact IS NULL OR json_valid(impact)),
    confidence             REAL NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    status                 TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'applied', 'dismissed')),
    decided_by             TEXT REFERENCES user_identities (id) ON DELETE SET NULL,
    decided_at             INTEGER,
    feedback               INTEGER CHECK (feedback BETWEEN 1 AND 5),
    created_at             INTEGER NOT NULL,
    recommendation_id      TEXT GENERATED ALWAYS AS (id) VIRTUAL,
    recommendation_type    TEXT GENERATED ALWAYS AS (kind) VIRTUAL,
    impact_estimate        TEXT GENERATED ALWAYS AS (impact) VIRTUAL,
    applied                INTEGER GENERATED ALWAYS AS (status = 'applied') VIRTUAL,
    applied_at             INTEGER GENERATED ALWAYS AS (CASE status WHEN 'applied' THEN decided_at END) VIRTUAL,
    applied_by             TEXT GENERATED ALWAYS AS (CASE status WHEN 'applied' THEN decided_by END) VIRTUAL,
    feedback_score         INTEGER GENERATED ALWAYS AS (feedback) VIRTUAL,
    CHECK ((status = 'open') = (decided_at IS NULL))
) STRICT;
CREATE INDEX ix_recommendations_open ON recommendations (confidence DESC, created_at DESC) WHERE status = 'open';
