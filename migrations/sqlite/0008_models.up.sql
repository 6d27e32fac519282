-- 0008 language models: replies that are kept, what was spent, what may be spent. Money is in millionths of a dollar.

-- The key is of provider, model, parameters, prompt and all else that changes a reply.
CREATE TABLE llm_cache (
    key               TEXT PRIMARY KEY NOT NULL CHECK (length(key) = 64),
    provider          TEXT NOT NULL,
    model             TEXT NOT NULL,
    prompt_hash       TEXT NOT NULL CHECK (length(prompt_hash) = 64),
    params            TEXT NOT NULL CHECK (json_valid(params)),
    response          TEXT NOT NULL,
    -- Who asked first: erased with them.
    user_id           TEXT REFERENCES user_identities (id) ON DELETE CASCADE,
    prompt_tokens     INTEGER NOT NULL CHECK (prompt_tokens >= 0),
    completion_tokens INTEGER NOT NULL CHECK (completion_tokens >= 0),
    cost_micros       INTEGER NOT NULL DEFAULT 0 CHECK (cost_micros >= 0),
    hits              INTEGER NOT NULL DEFAULT 0 CHECK (hits >= 0),
    created_at        INTEGER NOT NULL,
    last_hit_at       INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL,
    cache_id          TEXT GENERATED ALWAYS AS (key) VIRTUAL,
    model_name        TEXT GENERATED ALWAYS AS (model) VIRTUAL,
    temperature       REAL GENERATED ALWAYS AS (json_extract(params, '$.temperature')) VIRTUAL,
    response_text     TEXT GENERATED ALWAYS AS (response) VIRTUAL,
    token_count       INTEGER GENERATED ALWAYS AS (prompt_tokens + completion_tokens) VIRTUAL,
    last_accessed     INTEGER GENERATED ALWAYS AS (last_hit_at) VIRTUAL,
    access_count      INTEGER GENERATED ALWAYS AS (hits + 1) VIRTUAL
) STRICT;
CREATE INDEX ix_llm_cache_expires ON llm_cache (expires_at);
CREATE INDEX ix_llm_cache_prompt ON llm_cache (prompt_hash, model);
CREATE INDEX ix_llm_cache_hit ON llm_cache (last_hit_at);

CREATE TABLE budgets (
    id            TEXT PRIMARY KEY NOT NULL,
    scope         TEXT NOT NULL CHECK (scope IN ('global', 'user', 'experiment', 'run', 'task', 'provider')),
    scope_id      TEXT NOT NULL DEFAULT '',
    period        TEXT NOT NULL CHECK (period IN ('once', 'day', 'month')),
    limit_micros  INTEGER NOT NULL CHECK (limit_micros > 0),
    warn_permille INTEGER NOT NULL DEFAULT 700 CHECK (warn_permille BETWEEN 1 AND 1000),
    hard_stop     INTEGER NOT NULL DEFAULT 1 CHECK (hard_stop IN (0, 1)),
    created_at    INTEGER NOT NULL,
    CHECK ((scope = 'global') = (scope_id = '')),
    UNIQUE (scope, scope_id, period)
) STRICT;

-- Money that a request under way may cost: taken before it is sent, so that many at once cannot pass a hard stop.
CREATE TABLE budget_holds (
    id          TEXT PRIMARY KEY NOT NULL,
    user_id     TEXT,
    provider    TEXT NOT NULL,
    experiment_id TEXT,
    run_key     TEXT,
    task_id     TEXT,
    micros      INTEGER NOT NULL CHECK (micros >= 0),
    expires_at  INTEGER NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX ix_budget_holds_expires ON budget_holds (expires_at);

-- What was spent, by whom it counts for and day: budgets are held against it. It stays when rows of usage are thinned
-- or a user goes, so that neither gives a spent budget back.
CREATE TABLE spending (
    scope    TEXT NOT NULL CHECK (scope IN ('global', 'user', 'experiment', 'run', 'task', 'provider')),
    scope_id TEXT NOT NULL DEFAULT '',
    -- Days since 1970, UTC.
    day      INTEGER NOT NULL CHECK (day >= 0),
    requests INTEGER NOT NULL CHECK (requests > 0),
    micros   INTEGER NOT NULL CHECK (micros >= 0),
    last_at  INTEGER NOT NULL,
    PRIMARY KEY (scope, scope_id, day)
) STRICT;

CREATE TABLE credit_balance (
    provider             TEXT NOT NULL,
    at                   INTEGER NOT NULL,
    remaining_micros     INTEGER,
    used_micros          INTEGER,
    daily_micros         INTEGER NOT NULL DEFAULT 0,
    monthly_micros       INTEGER NOT NULL DEFAULT 0,
    rate_remaining       INTEGER,
    rate_reset_at        INTEGER,
    raw                  TEXT CHECK (raw IS NULL OR json_valid(raw)),
    id                   TEXT GENERATED ALWAYS AS (provider || '/' || at) VIRTUAL,
    credits_remaining    REAL GENERATED ALWAYS AS (remaining_micros / 1e6) VIRTUAL,
    credits_used         REAL GENERATED ALWAYS AS (used_micros / 1e6) VIRTUAL,
    daily_spend          REAL GENERATED ALWAYS AS (daily_micros / 1e6) VIRTUAL,
    monthly_spend        REAL GENERATED ALWAYS AS (monthly_micros / 1e6) VIRTUAL,
    rate_limit_remaining INTEGER GENERATED ALWAYS AS (rate_remaining) VIRTUAL,
    rate_limit_reset     INTEGER GENERATED ALWAYS AS (rate_reset_at) VIRTUAL,
    last_updated         INTEGER GENERATED ALWAYS AS (at) VIRTUAL,
    raw_response         TEXT GENERATED ALWAYS AS (raw) VIRTUAL,
    PRIMARY KEY (provider, at)
) STRICT;

-- One alert a rule, scope and window, however often it fires.
CREATE TABLE alerts (
    id              TEXT PRIMARY KEY NOT NULL,
    rule            TEXT NOT NULL,
    scope           TEXT NOT NULL,
    scope_id        TEXT NOT NULL DEFAULT '',
    window_key      TEXT NOT NULL,
    severity        TEXT NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    threshold       REAL,
    value           REAL,
    message         TEXT NOT NULL,
    acknowledged_by TEXT REFERENCES user_identities (id) ON DELETE SET NULL,
    acknowledged_at INTEGER,
    created_at      INTEGER NOT NULL,
    UNIQUE (rule, scope, scope_id, window_key)
) STRICT;
CREATE INDEX ix_alerts_rule ON alerts (rule, created_at);

ALTER TABLE resource_usage ADD COLUMN task_id TEXT;
ALTER TABLE resource_usage ADD COLUMN experiment_id TEXT;
ALTER TABLE resource_usage ADD COLUMN provider TEXT;
ALTER TABLE resource_usage ADD COLUMN usage_id TEXT GENERATED ALWAYS AS (id) VIRTUAL;
ALTER TABLE resource_usage ADD COLUMN strategy_type TEXT GENERATED ALWAYS AS (name) VIRTUAL;
ALTER TABLE resource_usage ADD COLUMN api_calls_json TEXT
    GENERATED ALWAYS AS (coalesce(json_extract(detail, '$.calls'), json_object('calls', calls))) VIRTUAL;
ALTER TABLE resource_usage ADD COLUMN total_tokens INTEGER
    GENERATED ALWAYS AS (coalesce(prompt_tokens, 0) + coalesce(completion_tokens, 0)) VIRTUAL;
ALTER TABLE resource_usage ADD COLUMN estimated_cost REAL GENERATED ALWAYS AS (cost_micros / 1e6) VIRTUAL;
ALTER TABLE resource_usage ADD COLUMN timestamp INTEGER GENERATED ALWAYS AS (at) VIRTUAL;
CREATE INDEX ix_resource_usage_task ON resource_usage (task_id, at) WHERE task_id IS NOT NULL;
CREATE INDEX ix_resource_usage_cost ON resource_usage (at, provider) WHERE cost_micros > 0;
CREATE INDEX ix_resource_usage_experiment ON resource_usage (experiment_id, at) WHERE experiment_id IS NOT NULL;
CREATE INDEX ix_resource_usage_at ON resource_usage (at);
