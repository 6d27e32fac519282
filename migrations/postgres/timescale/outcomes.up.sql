-- The outcomes, beside the numbered migrations, for a PostgreSQL with TimescaleDB: by day, compressed after a week, gone after two years, and summed by
-- the hour. A database without the extension works the same without this.

CREATE EXTENSION IF NOT EXISTS timescaledb;

CREATE FUNCTION now_ms() RETURNS BIGINT LANGUAGE sql STABLE AS $$SELECT (extract(epoch FROM now()) * 1000)::bigint$$;

-- A unique index of a hypertable holds the time: the same key again comes with the same time.
DROP INDEX ix_outcomes_key;
CREATE UNIQUE INDEX ix_outcomes_key ON outcomes (idempotency_key, executed_at) WHERE idempotency_key IS NOT NULL;
SELECT create_hypertable('outcomes', 'executed_at', chunk_time_interval => 86400000::bigint,
    create_default_indexes => false, migrate_data => true);
SELECT set_integer_now_func('outcomes', 'now_ms');

-- By run: segments of a run and task hold one row each, and grow instead of shrinking.
ALTER TABLE outcomes SET (timescaledb.compress, timescaledb.compress_segmentby = 'run_id',
    timescaledb.compress_orderby = 'executed_at DESC, id');
SELECT add_compression_policy('outcomes', 604800000::bigint);
SELECT add_retention_policy('outcomes', 63072000000::bigint);

CREATE MATERIALIZED VIEW outcomes_hourly WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT time_bucket(3600000::bigint, executed_at) AS hour, simulation_id, status, count(*) AS outcomes,
    sum(score) AS score_sum, sum(duration_ms) AS duration_ms_sum, sum(cost_micros) AS cost_micros
FROM outcomes GROUP BY 1, 2, 3 WITH NO DATA;
SELECT add_continuous_aggregate_policy('outcomes_hourly', start_offset => 259200000::bigint,
    end_offset => 3600000::bigint, schedule_interval => INTERVAL '15 minutes');
