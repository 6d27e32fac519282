-- 0010 views: other names for what is here, so that a query written for any of the documents runs, and the
-- dashboard. Money in dollars, times in milliseconds since 1970, days and hours as text in UTC. Columns named after the
-- vendor of a sandbox say what ours has for it, and nothing where it has nothing.

-- Runs and results.
CREATE VIEW strategy_metrics AS
SELECT o.id AS metric_id, p.family AS strategy_type, p.name AS strategy_name, o.task_id,
    CASE r.outcome WHEN 'solved' THEN 1 ELSE 0 END AS success, o.duration_ms AS execution_time_ms,
    (SELECT max(s.confidence) FROM task_submissions s WHERE s.run_id = o.run_id) AS confidence_score,
    o.cost_micros / 1e6 AS resource_cost, o.error_category AS error_type, o.executed_at AS recorded_at
FROM outcomes o
JOIN runs r ON r.id = o.run_id
JOIN plugin_versions v ON v.id = r.plugin_version_id
JOIN plugins p ON p.id = v.plugin_id;

CREATE VIEW experiment_results AS
SELECT e.evaluation_id || '/' || e.ord AS result_id, v.experiment_id, v.id AS evaluation_id, e.task_id, e.run_id,
    (SELECT s.id FROM task_submissions s WHERE s.run_id = e.run_id AND s.attempt = 1) AS submission_id,
    json_object('outcome', r.outcome, 'score', r.score, 'cost_micros', r.cost_micros) AS metrics_json,
    e.finished_at AS recorded_at
FROM evaluation_tasks e
JOIN evaluations v ON v.id = e.evaluation_id
JOIN runs r ON r.id = e.run_id
WHERE v.experiment_id IS NOT NULL AND e.finished_at IS NOT NULL;

CREATE VIEW submission_details AS
SELECT s.id AS submission_id, s.run_id, s.task_id, s.user_id, s.attempt, s.strategy_used,
    s.confidence AS confidence_score, s.is_correct, s.processing_time_ms,
    (SELECT json_group_array(json(g.grid) ORDER BY g.test_ord)
     FROM submission_grids g WHERE g.submission_id = s.id) AS predicted_outputs,
    (SELECT g.grid FROM submission_grids g WHERE g.submission_id = s.id AND g.test_ord = 0) AS predicted_output,
    (SELECT json_object('cpu_seconds', u.cpu_seconds, 'memory_mb', u.memory_mb, 'fuel_spent', u.fuel_spent,
        'wall_ms', u.wall_ms, 'cost_usd', u.cost_micros / 1e6)
     FROM resource_usage u WHERE u.run_id = s.run_id AND u.kind = 'wasm') AS resource_usage_json,
    s.meta AS metadata_json, s.submitted_at
FROM task_submissions s;

-- Usage by kind.
CREATE VIEW model_usage_stats AS
SELECT id, name AS model_name, user_id, json_extract(detail, '$.message_id') AS message_id,
    coalesce(json_extract(detail, '$.input_length'), 0) AS input_length,
    coalesce(json_extract(detail, '$.output_length'), 0) AS output_length,
    coalesce(wall_ms, 0) AS response_time_ms,
    coalesce(json_extract(detail, '$.capabilities_detected'), 0) AS capabilities_detected,
    coalesce(json_extract(detail, '$.capabilities_executed'), 0) AS capabilities_executed,
    coalesce(json_extract(detail, '$.capability_types'), '') AS capability_types,
    ok AS success, error_type, coalesce(prompt_tokens, 0) AS prompt_tokens,
    coalesce(completion_tokens, 0) AS completion_tokens, total_tokens, cost_micros / 1e6 AS estimated_cost,
    at AS timestamp
FROM resource_usage WHERE kind = 'llm';

-- A tool is what the host lends a run: each kind of host call is one, from the counters that every run leaves.
CREATE VIEW tool_usage AS
SELECT u.id || '/' || c.key AS usage_id, u.outcome_id, u.at AS execution_time, c.key AS tool_name,
    c.value AS call_count, 1.0 * coalesce(u.wall_ms, 0) / c.value AS avg_duration_ms,
    CASE WHEN EXISTS (SELECT 1 FROM json_each(u.detail, '$.limits_hit') h WHERE h.value = c.key || '_calls')
        THEN 1.0 * (c.value - 1) / c.value ELSE 1.0 END AS success_rate,
    u.cost_micros / 1e6 AS total_cost_usd, u.run_id,
    CASE WHEN u.error_type IS NULL THEN '[]' ELSE json_array(u.error_type) END AS error_types, u.at AS created_at
FROM resource_usage u, json_each(u.detail, '$.calls') c
WHERE u.kind = 'wasm' AND c.value > 0
UNION ALL
SELECT id, outcome_id, at, name, calls, 1.0 * coalesce(wall_ms, 0) / calls, 1.0 * ok, cost_micros / 1e6, run_id,
    CASE WHEN error_type IS NULL THEN '[]' ELSE json_array(error_type) END, at
FROM resource_usage WHERE kind = 'tool' AND calls > 0;

CREATE VIEW logs AS
SELECT seq AS id, level, message, source AS service, at AS timestamp FROM system_events;

CREATE VIEW credit_alerts AS
SELECT id, rule AS alert_type, threshold AS threshold_value, value AS current_value, message, severity,
    acknowledged_at IS NOT NULL AS acknowledged, created_at
FROM alerts;

-- Documents.
CREATE VIEW configurations AS
SELECT d.id AS config_id, d.name, d.owner_id AS user_id,
    (SELECT v.id FROM document_versions v WHERE v.document_id = d.id AND v.version = d.active) AS latest_version_id,
    d.is_active, coalesce(json_extract(d.meta, '$.sandbox_config'), '{}') AS sandbox_config,
    json_extract(d.meta, '$.modal_app_id') AS modal_app_id, d.created_at, d.updated_at
FROM documents d WHERE d.kind = 'strategy_config';

CREATE VIEW config_versions AS
SELECT v.id AS version_id, v.document_id AS config_id, v.version AS version_number, v.body AS raw_yaml,
    v.parsed AS parsed_config, v.hash AS config_hash, v.generated_by, 0 AS is_deleted,
    json_extract(d.meta, '$.modal_deployment_id') AS modal_deployment_id,
    (SELECT e.vec FROM embeddings e WHERE e.subject_kind = 'document_version' AND e.subject_id = v.id
     ORDER BY e.seq DESC LIMIT 1) AS embedding, v.created_at
FROM document_versions v JOIN documents d ON d.id = v.document_id WHERE d.kind = 'strategy_config';

CREATE VIEW config_diffs AS
SELECT c.id AS diff_id, c.document_id AS config_id, a.id AS version_before, b.id AS version_after,
    c.diff AS diff_yaml, c.summary AS change_summary, c.impact AS impact_prediction,
    b.generated_by = 'llm_recommendation' AS llm_generated,
    CASE c.status WHEN 'proposed' THEN 'pending' ELSE c.status END AS approval_status,
    c.decided_by AS approved_by, c.created_at
FROM document_changes c
JOIN documents d ON d.id = c.document_id
JOIN document_versions a ON a.document_id = c.document_id AND a.version = c.from_version
JOIN document_versions b ON b.document_id = c.document_id AND b.version = c.to_version
WHERE d.kind = 'strategy_config';

CREATE VIEW prompts AS
SELECT d.id, d.name, v.version, v.body AS content, d.description, d.category, d.is_active,
    coalesce(d.meta, '{}') AS metadata, d.created_at, d.updated_at
FROM documents d JOIN document_versions v ON v.document_id = d.id AND v.version = d.active
WHERE d.kind = 'prompt';

CREATE VIEW prompt_history AS
SELECT v.id, v.document_id AS prompt_id, v.version, v.body AS content, v.author_id AS changed_by,
    v.reason AS change_reason, v.created_at
FROM document_versions v JOIN documents d ON d.id = v.document_id WHERE d.kind = 'prompt';

CREATE VIEW capabilities_config AS
SELECT d.id, d.name, v.version, coalesce(v.parsed, json_quote(v.body)) AS config, d.description,
    d.is_active AS is_enabled, coalesce(d.meta, '{}') AS metadata, d.created_at, d.updated_at
FROM documents d JOIN document_versions v ON v.document_id = d.id AND v.version = d.active
WHERE d.kind = 'capability';

CREATE VIEW config AS
SELECT d.id, d.name AS config_key, v.body AS config_value, d.description AS notes,
    (SELECT json_group_array(json_object('version', h.version, 'value', h.body, 'by', h.author_id,
        'reason', h.reason, 'at', h.created_at) ORDER BY h.version)
     FROM document_versions h WHERE h.document_id = d.id) AS history, d.created_at
FROM documents d JOIN document_versions v ON v.document_id = d.id AND v.version = d.active
WHERE d.kind = 'setting';

-- Tasks and evaluations under the names of simulations.
CREATE VIEW scenarios AS
SELECT t.id AS scenario_id, t.code AS name, coalesce(t.prompt, 'Find the rule of the demonstrations.') AS task_prompt,
    (SELECT json_group_array(json(p.output) ORDER BY p.ord)
     FROM task_pairs p WHERE p.task_id = t.id AND p.part = 'test') AS ground_truth,
    t.difficulty AS difficulty_level, coalesce(t.tags, '[]') AS tags, t.expected_tools, t.is_active,
    t.est_duration_ms AS estimated_duration_ms, json_extract(t.meta, '$.modal_function_name') AS modal_function_name,
    (SELECT e.vec FROM embeddings e WHERE e.subject_kind = 'task' AND e.subject_id = t.id
     ORDER BY e.seq DESC LIMIT 1) AS scenario_embedding, t.created_at
FROM arc_tasks t;

CREATE VIEW simulations AS
SELECT e.id AS simulation_id, e.config_version_id,
    (SELECT json_group_array(k.task_id ORDER BY k.ord) FROM evaluation_tasks k WHERE k.evaluation_id = e.id)
        AS scenario_set,
    e.name AS simulation_name, e.status,
    (SELECT count(*) FROM evaluation_tasks k WHERE k.evaluation_id = e.id) AS total_scenarios,
    (SELECT count(*) FROM evaluation_tasks k WHERE k.evaluation_id = e.id
        AND k.status IN ('completed', 'failed', 'skipped')) AS completed_scenarios,
    (SELECT avg(r.score) FROM runs r WHERE r.evaluation_id = e.id) AS overall_score,
    e.finished_at - e.started_at AS execution_time_ms,
    (SELECT coalesce(sum(r.cost_micros), 0) / 1e6 FROM runs r WHERE r.evaluation_id = e.id) AS total_cost_usd,
    coalesce(e.meta, '{}') AS metadata, json_extract(e.limits, '$.wall_ms') AS timeout_ms, e.priority,
    json_extract(e.meta, '$.modal_app_id') AS modal_app_id, json_extract(e.meta, '$.modal_environment')
        AS modal_environment,
    coalesce(json_extract(e.meta, '$.jobs'), 1) AS sandbox_instances,
    coalesce(json_extract(e.meta, '$.max_retries'), 0) AS max_retries, e.created_at, e.started_at, CASE e.status WHEN 'completed' THEN e.finished_at END AS completed_at
FROM evaluations e;

CREATE VIEW simulations_scenarios AS
SELECT k.evaluation_id AS simulation_id, k.task_id AS scenario_id, k.ord AS execution_order, k.status,
    (SELECT group_concat(l.message, char(10) ORDER BY l.n) FROM run_logs l WHERE l.run_id = k.run_id)
        AS execution_logs,
    k.started_at, k.finished_at AS completed_at, max(k.tries - 1, 0) AS retry_count, k.run_id AS modal_call_id,
    (SELECT group_concat(l.message, char(10) ORDER BY l.n) FROM run_logs l WHERE l.run_id = k.run_id)
        AS modal_execution_logs
FROM evaluation_tasks k;

CREATE VIEW experiment_runs AS
SELECT e.id AS run_id, x.name AS experiment_name,
    (SELECT json_group_array(t.code ORDER BY k.ord)
     FROM evaluation_tasks k JOIN arc_tasks t ON t.id = k.task_id WHERE k.evaluation_id = e.id) AS task_ids,
    e.settings AS strategy_config,
    (SELECT json_object('score', avg(r.score), 'solved', sum(r.outcome = 'solved'), 'runs', count(*))
     FROM runs r WHERE r.evaluation_id = e.id) AS metrics,
    CASE e.status WHEN 'running' THEN 'in_progress' ELSE e.status END AS status,
    e.started_at, e.finished_at AS completed_at, e.error AS error_log
FROM evaluations e LEFT JOIN experiments x ON x.id = e.experiment_id;

-- Hours and days.
CREATE VIEW simulation_performance_hourly AS
SELECT strftime('%Y-%m-%dT%H:00Z', executed_at / 1000, 'unixepoch') AS hour, simulation_id,
    count(*) AS total_outcomes, avg(score) AS avg_reliability, avg(duration_ms) AS avg_execution_time,
    sum(cost_micros) / 1e6 AS total_cost, sum(status = 'error') AS error_count
FROM outcomes GROUP BY 1, 2;

CREATE VIEW failure_trends_daily AS
SELECT date(executed_at / 1000, 'unixepoch') AS day, category AS failure_category, count(*) AS failure_count,
    avg(cluster_confidence) AS avg_confidence, count(DISTINCT cluster_id) AS unique_patterns
FROM failure_patterns GROUP BY 1, 2;

CREATE VIEW tool_performance_daily AS
SELECT date(execution_time / 1000, 'unixepoch') AS day, tool_name, avg(success_rate) AS avg_success_rate,
    avg(avg_duration_ms) AS avg_duration, sum(total_cost_usd) AS daily_cost, count(*) AS usage_count
FROM tool_usage GROUP BY 1, 2;

CREATE VIEW usage_daily AS
SELECT date(at / 1000, 'unixepoch') AS day, kind, name, user_id, sum(calls) AS calls,
    sum(total_tokens) AS tokens, sum(cost_micros) AS cost_micros
FROM resource_usage GROUP BY 1, 2, 3, 4;

-- What an analysis reads.
CREATE VIEW v_llm_failure_analysis AS
SELECT date(f.executed_at / 1000, 'unixepoch') AS day, f.category AS failure_category, count(*) AS daily_failures,
    avg(f.cluster_confidence) AS avg_confidence,
    json_group_array(DISTINCT f.message) FILTER (WHERE f.message IS NOT NULL) AS sample_errors,
    json_group_array(DISTINCT o.task_id) AS affected_scenarios
FROM failure_patterns f JOIN outcomes o ON o.id = f.outcome_id AND o.executed_at = f.executed_at
WHERE f.executed_at > unixepoch('now', '-30 days') * 1000
GROUP BY 1, 2 ORDER BY 1 DESC, 3 DESC;

CREATE VIEW v_llm_config_performance AS
SELECT v.document_id AS config_id, v.version AS version_number, v.parsed AS parsed_config,
    date(o.executed_at / 1000, 'unixepoch') AS day, count(*) AS total_executions, avg(o.score) AS avg_reliability,
    avg(o.duration_ms) AS avg_execution_time, sum(o.cost_micros) / 1e6 AS daily_cost,
    sum(o.status = 'error') AS error_count
FROM document_versions v JOIN outcomes o ON o.config_version_id = v.id
WHERE o.executed_at > unixepoch('now', '-90 days') * 1000
GROUP BY v.id, 4 ORDER BY 4 DESC, 6 DESC;

-- The variance of a sample, as the column says; none of one execution.
CREATE VIEW v_llm_scenario_trends AS
SELECT task_id AS scenario_id, date(executed_at / 1000, 'unixepoch', 'weekday 0', '-6 days') AS week,
    count(*) AS executions, avg(score) AS avg_reliability,
    max(0.0, (sum(score * score) - count(*) * avg(score) * avg(score)) / nullif(count(*) - 1, 0))
        AS reliability_variance,
    avg(duration_ms) AS avg_duration, sum(status = 'timeout') AS timeout_count
FROM outcomes WHERE executed_at > unixepoch('now', '-6 months') * 1000
GROUP BY 1, 2 ORDER BY 2 DESC, 4;

-- Dashboard.
CREATE VIEW v_dashboard_active_simulations AS
SELECT s.simulation_id, s.simulation_name, s.status, s.completed_scenarios, s.total_scenarios,
    round(100.0 * s.completed_scenarios / max(s.total_scenarios, 1), 2) AS progress_pct,
    unixepoch('subsec') - s.started_at / 1000.0 AS runtime_seconds, s.modal_app_id,
    json_extract(v.parsed, '$.model') AS model_name,
    (SELECT count(*) FROM outcomes o WHERE o.evaluation_id = s.simulation_id) AS outcomes_recorded
FROM simulations s LEFT JOIN document_versions v ON v.id = s.config_version_id
WHERE s.status IN ('pending', 'running') ORDER BY s.created_at DESC;

CREATE VIEW v_dashboard_pending_recommendations AS
SELECT r.id AS recommendation_id, r.kind AS recommendation_type, r.description, r.confidence,
    r.impact AS impact_estimate, (SELECT c.diff FROM document_changes c WHERE c.id = r.change_id)
        AS suggested_yaml_changes,
    s.model AS generated_by_model, s.window_start AS data_window_start, s.window_end AS data_window_end, r.created_at
FROM recommendations r LEFT JOIN llm_recommendation_sessions s ON s.id = r.session_id
WHERE r.status = 'open' AND r.confidence > 0.7
ORDER BY r.confidence DESC, r.created_at DESC LIMIT 10;

CREATE VIEW v_dashboard_performance_trends AS
SELECT date(executed_at / 1000, 'unixepoch') AS day, count(*) AS total_executions, avg(score) AS avg_reliability,
    avg(duration_ms) AS avg_duration_ms, sum(cost_micros) / 1e6 AS daily_cost, sum(status = 'error') AS error_count,
    round(100.0 * sum(status = 'error') / count(*), 2) AS error_rate_pct
FROM outcomes WHERE executed_at > unixepoch('now', '-30 days') * 1000
GROUP BY 1 ORDER BY 1 DESC;

CREATE VIEW v_dashboard_cost_analysis AS
SELECT date(u.at / 1000, 'unixepoch') AS day, u.name AS model, count(*) AS executions,
    sum(u.cost_micros) / 1e6 AS total_cost, avg(u.cost_micros) / 1e6 AS avg_cost_per_execution,
    sum(u.total_tokens) AS total_tokens, avg(u.total_tokens) AS avg_tokens_per_execution
FROM resource_usage u WHERE u.at > unixepoch('now', '-30 days') * 1000 AND u.kind = 'llm'
GROUP BY 1, 2 ORDER BY 1 DESC, 4 DESC;
