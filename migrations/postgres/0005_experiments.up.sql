-- 0005 experiments: questions, their evaluations, what failed and what is advised.
--
-- An evaluation is one strategy with one configuration over a list of tasks that is frozen when it starts; each of
-- its tasks is one run. An experiment compares evaluations.

CREATE TABLE experiments (
    id                    TEXT PRIMARY KEY NOT NULL,
    name                  TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    description           TEXT,
    hypothesis            TEXT,
    strategy_configs_json JSONB NOT NULL,
    -- The criteria as they were given; the tasks that they chose are in evaluation_tasks.
    selection             JSONB NOT NULL,
    results               JSONB,
    insights              JSONB,
    status                TEXT NOT NULL DEFAULT 'created'
                          CHECK (status IN ('created', 'running', 'completed', 'failed', 'cancelled')),
    owner_id              TEXT NOT NULL REFERENCES user_identities (id),
    created_at            BIGINT NOT NULL,
    started_at            BIGINT,
    finished_at           BIGINT,
    updated_at            BIGINT NOT NULL,
    experiment_id         TEXT GENERATED ALWAYS AS (id) STORED,
    task_selection_json   JSONB GENERATED ALWAYS AS (selection) STORED,
    completed_at          BIGINT GENERATED ALWAYS AS (finished_at) STORED,
    created_by            TEXT GENERATED ALWAYS AS (owner_id) STORED,
    CHECK ((status IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
);
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
    seed              BIGINT NOT NULL DEFAULT 0,
    limits            JSONB NOT NULL,
    settings          JSONB NOT NULL,
    priority          BIGINT NOT NULL DEFAULT 5 CHECK (priority BETWEEN 1 AND 10),
    meta              JSONB,
    error             TEXT,
    created_at        BIGINT NOT NULL,
    started_at        BIGINT CHECK (started_at >= created_at),
    finished_at       BIGINT,
    CHECK ((status IN ('pending', 'running')) = (finished_at IS NULL))
);
CREATE INDEX ix_evaluations_experiment ON evaluations (experiment_id);
CREATE INDEX ix_evaluations_status ON evaluations (status, created_at);

CREATE TABLE evaluation_tasks (
    evaluation_id TEXT NOT NULL REFERENCES evaluations (id) ON DELETE CASCADE,
    task_id       TEXT NOT NULL REFERENCES arc_tasks (id),
    ord           BIGINT NOT NULL CHECK (ord > 0),
    status        TEXT NOT NULL DEFAULT 'pending'
                  CHECK (status IN ('pending', 'running', 'completed', 'failed', 'skipped')),
    -- The run whose result counts; an earlier run of the same recipe may be taken.
    run_id        TEXT REFERENCES runs (id) ON DELETE SET NULL,
    tries         BIGINT NOT NULL DEFAULT 0 CHECK (tries >= 0),
    started_at    BIGINT,
    finished_at   BIGINT,
    PRIMARY KEY (evaluation_id, task_id),
    CHECK (finished_at IS NULL OR started_at IS NOT NULL)
);
CREATE INDEX ix_evaluation_tasks_run ON evaluation_tasks (run_id);
CREATE INDEX ix_evaluation_tasks_task ON evaluation_tasks (task_id);

ALTER TABLE runs ADD COLUMN experiment_id TEXT REFERENCES experiments (id) ON DELETE SET NULL;
ALTER TABLE runs ADD COLUMN evaluation_id TEXT REFERENCES evaluations (id) ON DELETE SET NULL;
CREATE INDEX ix_runs_evaluation ON runs (evaluation_id);
CREATE INDEX ix_runs_experiment ON runs (experiment_id);

-- Of the attempt as a whole; none where the outputs are not known.
ALTER TABLE task_submissions ADD COLUMN strategy_used TEXT;
ALTER TABLE task_submissions ADD COLUMN is_correct BOOLEAN;
ALTER TABLE task_submissions ADD COLUMN processing_time_ms BIGINT;
ALTER TABLE task_submissions ADD COLUMN submission_id TEXT GENERATED ALWAYS AS (id) STORED;
ALTER TABLE task_submissions ADD COLUMN confidence_score DOUBLE PRECISION GENERATED ALWAYS AS (confidence) STORED;
ALTER TABLE task_submissions ADD COLUMN metadata_json JSONB GENERATED ALWAYS AS (meta) STORED;
CREATE INDEX ix_submissions_task ON task_submissions (task_id, user_id);
CREATE INDEX ix_submissions_strategy ON task_submissions (strategy_used, is_correct);
CREATE INDEX ix_submissions_at ON task_submissions (submitted_at);

ALTER TABLE outcomes ADD COLUMN evaluation_id TEXT;
ALTER TABLE outcomes ADD COLUMN config_version_id TEXT;
-- Whoever records the same outcome again under the same key changes nothing.
ALTER TABLE outcomes ADD COLUMN idempotency_key TEXT;
ALTER TABLE outcomes ADD COLUMN outcome_id TEXT GENERATED ALWAYS AS (id) STORED;
ALTER TABLE outcomes ADD COLUMN simulation_id TEXT GENERATED ALWAYS AS (coalesce(evaluation_id, run_id)) STORED;
ALTER TABLE outcomes ADD COLUMN scenario_id TEXT GENERATED ALWAYS AS (task_id) STORED;
ALTER TABLE outcomes ADD COLUMN execution_time BIGINT GENERATED ALWAYS AS (executed_at) STORED;
ALTER TABLE outcomes ADD COLUMN reliability_score DOUBLE PRECISION GENERATED ALWAYS AS (score) STORED;
ALTER TABLE outcomes ADD COLUMN execution_time_ms BIGINT GENERATED ALWAYS AS (duration_ms) STORED;
ALTER TABLE outcomes ADD COLUMN tokens_used BIGINT GENERATED ALWAYS AS (tokens) STORED;
ALTER TABLE outcomes ADD COLUMN cost_usd DOUBLE PRECISION
    GENERATED ALWAYS AS (cost_micros / 1e6::double precision) STORED;
ALTER TABLE outcomes ADD COLUMN sandbox_id TEXT GENERATED ALWAYS AS (run_id) STORED;
ALTER TABLE outcomes ADD COLUMN modal_call_id TEXT GENERATED ALWAYS AS (run_id) STORED;
ALTER TABLE outcomes ADD COLUMN created_at BIGINT GENERATED ALWAYS AS (executed_at) STORED;
ALTER TABLE outcomes ADD COLUMN retry_count BIGINT GENERATED ALWAYS AS (try) STORED;
ALTER TABLE outcomes ADD COLUMN execution_metadata JSONB GENERATED ALWAYS AS (metrics) STORED;
CREATE UNIQUE INDEX ix_outcomes_key ON outcomes (idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX ix_outcomes_evaluation ON outcomes (evaluation_id, executed_at) WHERE evaluation_id IS NOT NULL;

CREATE TABLE failure_clusters (
    id            TEXT PRIMARY KEY NOT NULL,
    -- Of category, type and the message without its numbers: equal keys are one cluster.
    key           TEXT NOT NULL UNIQUE CHECK (length(key) = 64),
    label         TEXT NOT NULL,
    resolution    TEXT,
    similar_count BIGINT NOT NULL DEFAULT 0 CHECK (similar_count >= 0),
    created_at    BIGINT NOT NULL
);

CREATE TABLE failure_patterns (
    id                  TEXT PRIMARY KEY NOT NULL,
    outcome_id          TEXT NOT NULL,
    executed_at         BIGINT NOT NULL,
    category            TEXT NOT NULL
                        CHECK (category IN ('timeout', 'fuel', 'memory', 'trap', 'tool_error', 'model_error',
                        'validation_error', 'system_error', 'sandbox_error', 'unknown')),
    type                TEXT NOT NULL CHECK (length(type) <= 100),
    message             TEXT CHECK (length(message) <= 10000),
    cluster_id          TEXT REFERENCES failure_clusters (id) ON DELETE SET NULL,
    cluster_confidence  DOUBLE PRECISION CHECK (cluster_confidence BETWEEN 0 AND 1),
    recovery_attempted  BOOLEAN NOT NULL DEFAULT false,
    recovery_ok         BOOLEAN NOT NULL DEFAULT false,
    analysis            JSONB,
    created_at          BIGINT NOT NULL,
    pattern_id          TEXT GENERATED ALWAYS AS (id) STORED,
    execution_time      BIGINT GENERATED ALWAYS AS (executed_at) STORED,
    failure_type        TEXT GENERATED ALWAYS AS (type) STORED,
    failure_category    TEXT GENERATED ALWAYS AS (category) STORED,
    error_message       TEXT GENERATED ALWAYS AS (message) STORED,
    pattern_cluster_id  TEXT GENERATED ALWAYS AS (cluster_id) STORED,
    recovery_successful BOOLEAN GENERATED ALWAYS AS (recovery_ok) STORED,
    llm_analysis        JSONB GENERATED ALWAYS AS (analysis) STORED,
    CHECK (NOT recovery_ok OR recovery_attempted)
);
CREATE INDEX ix_failure_patterns_outcome ON failure_patterns (outcome_id);
CREATE INDEX ix_failure_patterns_cluster ON failure_patterns (cluster_id, executed_at) WHERE cluster_id IS NOT NULL;
CREATE INDEX ix_failure_patterns_category ON failure_patterns (category, executed_at);

CREATE TABLE llm_recommendation_sessions (
    id                        TEXT PRIMARY KEY NOT NULL,
    user_id                   TEXT NOT NULL REFERENCES user_identities (id),
    -- `rules` where no language model was asked.
    model                     TEXT NOT NULL,
    temperature               DOUBLE PRECISION NOT NULL DEFAULT 0.1,
    prompt_version_id         TEXT REFERENCES document_versions (id),
    window_start              BIGINT NOT NULL,
    window_end                BIGINT NOT NULL,
    outcomes_seen             BIGINT NOT NULL DEFAULT 0 CHECK (outcomes_seen >= 0),
    patterns_identified       BIGINT NOT NULL DEFAULT 0,
    recommendations_generated BIGINT NOT NULL DEFAULT 0,
    cost_micros               BIGINT NOT NULL DEFAULT 0 CHECK (cost_micros >= 0),
    status                    TEXT NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'completed', 'failed')),
    error                     TEXT,
    started_at                BIGINT NOT NULL,
    finished_at               BIGINT,
    session_id                TEXT GENERATED ALWAYS AS (id) STORED,
    analysis_start_time       BIGINT GENERATED ALWAYS AS (started_at) STORED,
    analysis_end_time         BIGINT GENERATED ALWAYS AS (finished_at) STORED,
    data_window_start         BIGINT GENERATED ALWAYS AS (window_start) STORED,
    data_window_end           BIGINT GENERATED ALWAYS AS (window_end) STORED,
    llm_model                 TEXT GENERATED ALWAYS AS (model) STORED,
    llm_temperature           DOUBLE PRECISION GENERATED ALWAYS AS (temperature) STORED,
    total_outcomes_analyzed   BIGINT GENERATED ALWAYS AS (outcomes_seen) STORED,
    analysis_cost_usd         DOUBLE PRECISION GENERATED ALWAYS AS (cost_micros / 1e6::double precision) STORED,
    session_status            TEXT GENERATED ALWAYS AS (status) STORED,
    error_message             TEXT GENERATED ALWAYS AS (error) STORED,
    CHECK (window_end >= window_start)
);

CREATE TABLE recommendations (
    id                  TEXT PRIMARY KEY NOT NULL,
    session_id          TEXT REFERENCES llm_recommendation_sessions (id) ON DELETE CASCADE,
    source_type         TEXT NOT NULL CHECK (source_type IN ('simulation', 'outcome', 'config_diff',
                        'pattern_analysis', 'time_series_analysis')),
    source_id           TEXT NOT NULL,
    kind                TEXT NOT NULL CHECK (kind IN ('config_change', 'scenario_addition', 'tool_optimization',
                        'performance_tuning', 'sandbox_optimization')),
    description         TEXT NOT NULL CHECK (length(description) >= 10),
    -- The proposed version of a configuration, where there is one.
    change_id           TEXT REFERENCES document_changes (id) ON DELETE SET NULL,
    evidence            JSONB,
    impact              JSONB,
    confidence          DOUBLE PRECISION NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    status              TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'applied', 'dismissed')),
    decided_by          TEXT REFERENCES user_identities (id) ON DELETE SET NULL,
    decided_at          BIGINT,
    feedback            BIGINT CHECK (feedback BETWEEN 1 AND 5),
    created_at          BIGINT NOT NULL,
    recommendation_id   TEXT GENERATED ALWAYS AS (id) STORED,
    recommendation_type TEXT GENERATED ALWAYS AS (kind) STORED,
    impact_estimate     JSONB GENERATED ALWAYS AS (impact) STORED,
    applied             BOOLEAN GENERATED ALWAYS AS (status = 'applied') STORED,
    applied_at          BIGINT GENERATED ALWAYS AS (CASE status WHEN 'applied' THEN decided_at END) STORED,
    applied_by          TEXT GENERATED ALWAYS AS (CASE status WHEN 'applied' THEN decided_by END) STORED,
    feedback_score      BIGINT GENERATED ALWAYS AS (feedback) STORED,
    CHECK ((status = 'open') = (decided_at IS NULL))
);
CREATE INDEX ix_recommendations_open ON recommendations (confidence DESC, created_at DESC) WHERE status = 'open';

-- What was done, measured and expected, by its keys.
CREATE INDEX ix_outcomes_trajectory ON outcomes USING gin (trajectory) WHERE trajectory IS NOT NULL;
CREATE INDEX ix_outcomes_metrics ON outcomes USING gin (metrics) WHERE metrics IS NOT NULL;
CREATE INDEX ix_recommendations_impact ON recommendations USING gin (impact) WHERE impact IS NOT NULL;
