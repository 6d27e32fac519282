-- 0008 language models: replies that are kept, what was spent, what may be spent. Money is in millionths of a dollar.

-- The key is of provider, model, parameters, prompt and all else that changes a reply.
CREATE TABLE llm_cache (
    key               TEXT PRIMARY KEY NOT NULL CHECK (length(key) = 64),
    provider          TEXT NOT NULL,
    model             TEXT NOT NULL,
    prompt_hash       TEXT NOT NULL CHECK (length(prompt_hash) = 64),
    params            JSONB NOT NULL,
    response          TEXT NOT NULL,
    -- Who asked first: erased with them.
    user_id           TEXT REFERENCES user_identities (id) ON DELETE CASCADE,
    prompt_tokens     BIGINT NOT NULL CHECK (prompt_tokens >= 0),
    completion_tokens BIGINT NOT NULL CHECK (completion_tokens >= 0),
    cost_micros       BIGINT NOT NULL DEFAULT 0 CHECK (cost_micros >= 0),
    hits              BIGINT NOT NULL DEFAULT 0 CHECK (hits >= 0),
    created_at        BIGINT NOT NULL,
    last_hit_at       BIGINT NOT NULL,
    expires_at        BIGINT NOT NULL,
    cache_id          TEXT GENERATED ALWAYS AS (key) STORED,
    model_name        TEXT GENERATED ALWAYS AS (model) STORED,
    temperature       DOUBLE PRECISION GENERATED ALWAYS AS ((params ->> 'temperature')::double precision) STORED,
    response_text     TEXT GENERATED ALWAYS AS (response) STORED,
    token_count       BIGINT GENERATED ALWAYS AS (prompt_tokens + completion_tokens) STORED,
    last_accessed     BIGINT GENERATED ALWAYS AS (last_hit_at) STORED,
    access_count      BIGINT GENERATED ALWAYS AS (hits + 1) STORED
);
CREATE INDEX ix_llm_cache_expires ON llm_cache (expires_at);
CREATE INDEX ix_llm_cache_prompt ON llm_cache (prompt_hash, model);
CREATE INDEX ix_llm_cache_hit ON llm_cache (last_hit_at);

CREATE TABLE budgets (
    id            TEXT PRIMARY KEY NOT NULL,
    scope         TEXT NOT NULL CHECK (scope IN ('global', 'user', 'experiment', 'run', 'task', 'provider')),
    scope_id      TEXT NOT NULL DEFAULT '',
    period        TEXT NOT NULL CHECK (period IN ('once', 'day', 'month')),
    limit_micros  BIGINT NOT NULL CHECK (limit_micros > 0),
    warn_permille BIGINT NOT NULL DEFAULT 700 CHECK (warn_permille BETWEEN 1 AND 1000),
    hard_stop     BOOLEAN NOT NULL DEFAULT true,
    created_at    BIGINT NOT NULL,
    CHECK ((scope = 'global') = (scope_id = '')),
    UNIQUE (scope, scope_id, period)
);

-- Money that a request under way may cost: taken before it is sent, so that many at once cannot pass a hard stop.
CREATE TABLE budget_holds (
    id            TEXT PRIMARY KEY NOT NULL,
    user_id       TEXT,
    provider      TEXT NOT NULL,
    experiment_id TEXT,
    run_key       TEXT,
    task_id       TEXT,
    micros        BIGINT NOT NULL CHECK (micros >= 0),
    expires_at    BIGINT NOT NULL,
    created_at    BIGINT NOT NULL
);
CREATE INDEX ix_budget_holds_expires ON budget_holds (expires_at);

-- What was spent, by whom it counts for and day: budgets are held against it. It stays when rows of usage are thinned
-- or a user goes, so that neither gives a spent budget back.
CREATE TABLE spending (
    scope    TEXT NOT NULL CHECK (scope IN ('global', 'user', 'experiment', 'run', 'task', 'provider')),
    scope_id TEXT NOT NULL DEFAULT '',
    -- Days since 1970, UTC.
    day      BIGINT NOT NULL CHECK (day >= 0),
    requests BIGINT NOT NULL CHECK (requests > 0),
    micros   BIGINT NOT NULL CHECK (micros >= 0),
    last_at  BIGINT NOT NULL,
    PRIMARY KEY (scope, scope_id, day)
);

CREATE TABLE credit_balance (
    provider             TEXT NOT NULL,
    at                   BIGINT NOT NULL,
    remaining_micros     BIGINT,
    used_micros          BIGINT,
    daily_micros         BIGINT NOT NULL DEFAULT 0,
    monthly_micros       BIGINT NOT NULL DEFAULT 0,
    rate_remaining       BIGINT,
    rate_reset_at        BIGINT,
    raw                  JSONB,
    id                   TEXT GENERATED ALWAYS AS (provider || '/' || at::text) STORED,
    credits_remaining    DOUBLE PRECISION GENERATED ALWAYS AS (remaining_micros / 1e6::double precision) STORED,
    credits_used         DOUBLE PRECISION GENERATED ALWAYS AS (used_micros / 1e6::double precision) STORED,
    daily_spend          DOUBLE PRECISION GENERATED ALWAYS AS (daily_micros / 1e6::double precision) STORED,
    monthly_spend        DOUBLE PRECISION GENERATED ALWAYS AS (monthly_micros / 1e6::double precision) STORED,
    rate_limit_remaining BIGINT GENERATED ALWAYS AS (rate_remaining) STORED,
    rate_limit_reset     BIGINT GENERATED ALWAYS AS (rate_reset_at) STORED,
    last_updated         BIGINT GENERATED ALWAYS AS (at) STORED,
    raw_response         JSONB GENERATED ALWAYS AS (raw) STORED,
    PRIMARY KEY (provider, at)
);

-- One alert a rule, scope and window, however often it fires.
CREATE TABLE alerts (
    id              TEXT PRIMARY KEY NOT NULL,
    rule            TEXT NOT NULL,
    scope           TEXT NOT NULL,
    scope_id        TEXT NOT NULL DEFAULT '',
    window_key      TEXT NOT NULL,
    severity        TEXT NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    threshold       DOUBLE PRECISION,
    value           DOUBLE PRECISION,
    message         TEXT NOT NULL,
    acknowledged_by TEXT REFERENCES user_identities (id) ON DELETE SET NULL,
    acknowledged_at BIGINT,
    created_at      BIGINT NOT NULL,
    UNIQUE (rule, scope, scope_id, window_key)
);
CREATE INDEX ix_alerts_rule ON alerts (rule, created_at);

ALTER TABLE resource_usage ADD COLUMN task_id TEXT;
ALTER TABLE resource_usage ADD COLUMN experiment_id TEXT;
ALTER TABLE resource_usage ADD COLUMN provider TEXT;
ALTER TABLE resource_usage ADD COLUMN usage_id TEXT GENERATED ALWAYS AS (id) STORED;
ALTER TABLE resource_usage ADD COLUMN strategy_type TEXT GENERATED ALWAYS AS (name) STORED;
ALTER TABLE resource_usage ADD COLUMN api_calls_json JSONB
    GENERATED ALWAYS AS (coalesce(detail -> 'calls', ('{"calls": ' || calls::text || '}')::jsonb)) STORED;
ALTER TABLE resource_usage ADD COLUMN total_tokens BIGINT
    GENERATED ALWAYS AS (coalesce(prompt_tokens, 0) + coalesce(completion_tokens, 0)) STORED;
ALTER TABLE resource_usage ADD COLUMN estimated_cost DOUBLE PRECISION
    GENERATED ALWAYS AS (cost_micros / 1e6::double precision) STORED;
ALTER TABLE resource_usage ADD COLUMN timestamp BIGINT GENERATED ALWAYS AS (at) STORED;
CREATE INDEX ix_resource_usage_task ON resource_usage (task_id, at) WHERE task_id IS NOT NULL;
CREATE INDEX ix_resource_usage_cost ON resource_usage (at, provider) WHERE cost_micros > 0;
CREATE INDEX ix_resource_usage_experiment ON resource_usage (experiment_id, at) WHERE experiment_id IS NOT NULL;
CREATE INDEX ix_resource_usage_at ON resource_usage (at);
