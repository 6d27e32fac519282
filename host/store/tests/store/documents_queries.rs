//! Queries as the design documents write them, in our words, over a database that runs have written.

use crate::documents_world::{DAY, now, one, plan, rows, world};

#[test]
fn episodes_are_found_by_domain_and_time() {
    let bench = world();
    let db = bench.raw();
    let since = now() - DAY;
    let sql = format!(
        "SELECT * FROM episodes WHERE domain = 'mirrors' AND created_at > {since} ORDER BY created_at DESC LIMIT 2"
    );
    assert_eq!(rows(&db, &sql).len(), 2);
    let plan = plan(&db, &sql);
    assert!(plan.contains("ix_episodes_domain") && !plan.contains("TEMP B-TREE"), "{plan}");
    let newest = format!("SELECT context, status, success_rate, metadata FROM ({sql})");
    assert_eq!(rows(&db, &newest), ["3c9b0459|completed|1|", "007bbfb7|failed||"]);
    assert!(rows(&db, &sql.replace("mirrors", "elsewhere")).is_empty());
    let steps =
        "SELECT s.step_number, s.action, s.success FROM steps s JOIN episodes e ON e.id = s.episode_id
                 WHERE e.status = 'failed' ORDER BY s.step_number";
    assert_eq!(rows(&db, steps), ["1|search|0", "2|search|1"]);
}

#[test]
fn patterns_are_found_by_type_and_rate() {
    let bench = world();
    let db = bench.raw();
    let sql = "SELECT id, success_rate, usage_count, pattern_data FROM patterns
               WHERE pattern_type = 'tool_sequence' AND success_rate > 0.5 ORDER BY success_rate DESC";
    assert_eq!(rows(&db, sql), ["p2|1|4|[\"turn\"]", "p1|0.75|4|[\"flip\"]"]);
    let plan = plan(&db, sql);
    assert!(plan.contains("ix_patterns_rate") && !plan.contains("TEMP B-TREE"), "{plan}");
    let shared = "SELECT count(*) FROM episode_patterns WHERE pattern_id = 'p1'";
    assert_eq!(one(&db, shared), "3");
}

#[test]
fn episodes_are_searched_by_words() {
    let bench = world();
    let db = bench.raw();
    let count = |query: &str| {
        one(&db, &format!("SELECT count(*) FROM episodes_fts WHERE episodes_fts MATCH '{query}'"))
    };
    assert_eq!(count("mirrors"), "3");
    assert_eq!(count("3c9b0459"), "1");
    assert_eq!(count("\"search depth\""), "3");
    assert_eq!(count("searching AND 007bbfb7"), "2");
    assert_eq!(count("mirrors NOT 007bbfb7"), "1");
    let joined = "SELECT e.context FROM episodes_fts f JOIN episodes e ON e.seq = f.rowid
                  WHERE episodes_fts MATCH 'context : 3c9b0459'";
    assert_eq!(one(&db, joined), "3c9b0459");
}

#[test]
fn memories_are_searched_by_words_phrases_and_booleans() {
    let bench = world();
    let db = bench.raw();
    let found = |query: &str| {
        rows(
            &db,
            &format!("SELECT rowid FROM memories_fts WHERE memories_fts MATCH '{query}' ORDER BY rowid"),
        )
    };
    assert_eq!(found("pizza"), ["1", "2"]);
    assert_eq!(found("\"user preferences\""), ["2"]);
    assert_eq!(found("pizza AND italian"), ["1"]);
    assert_eq!(found("pizza OR dark"), ["1", "2", "3"]);
    assert_eq!(found("tags : food"), ["1", "3"]);
    let whole = rows(&db, "SELECT * FROM memories_fts WHERE memories_fts MATCH 'pizza' ORDER BY rank");
    assert_eq!(whole.len(), 2);
    let tagged = "SELECT m.id FROM memories m, json_each(m.tags) t WHERE m.user_id = 'u' AND t.value = 'food'
                  ORDER BY m.importance DESC, m.timestamp";
    assert_eq!(rows(&db, tagged), ["m1", "m3"]);
}

#[test]
fn prompts_capabilities_and_settings_are_seen_in_their_version() {
    let bench = world();
    let db = bench.raw();
    let prompts = "SELECT name, version, content, category, is_active, metadata FROM prompts";
    assert_eq!(one(&db, prompts), "ask|1|What is the rule?|general|1|{}");
    let history = "SELECT h.version, h.content, h.change_reason FROM prompt_history h JOIN prompts p ON p.id = h.prompt_id
                   WHERE p.name = 'ask' ORDER BY h.version";
    assert_eq!(rows(&db, history), ["1|What is the rule?|first", "2|Say the rule.|shorter"]);
    let capability = "SELECT version, json_extract(config, '$.depth') FROM capabilities_config
                      WHERE name = 'search' AND is_enabled = 1";
    assert_eq!(one(&db, capability), "1|3");
    let setting = "SELECT config_value, notes, json_extract(history, '$[0].value'), json_extract(history, '$[1].reason')
                   FROM config WHERE config_key = 'greeting'";
    assert_eq!(one(&db, setting), "good day|said first|hello|politer");
}

#[test]
fn users_messages_and_usage_are_seen_as_lists() {
    let bench = world();
    let db = bench.raw();
    let contact = "SELECT display_name, email, discord_id, phone_number FROM user_contacts WHERE email = 'ann@example.org'";
    assert_eq!(one(&db, contact), "ann|ann@example.org|ann#1|");
    let answered = "SELECT q.value, a.value FROM messages q JOIN messages a ON a.response_id = q.id WHERE q.user_id = 'u'";
    assert_eq!(one(&db, answered), "what is there?|pizza");
    let embedded = "SELECT group_concat(model_name, ' ' ORDER BY model_name) FROM embeddings
                    WHERE subject_kind = 'message' AND subject_id = 'q'";
    assert_eq!(one(&db, embedded), "other standard");
    let usage =
        "SELECT model_name, count(*), sum(total_tokens), round(sum(estimated_cost), 6), avg(response_time_ms)
                 FROM model_usage_stats WHERE user_id = 'u' AND success = 1 GROUP BY model_name ORDER BY 1";
    assert_eq!(rows(&db, usage), ["large|2|320|1.1|4000", "small|2|260|0.4|1000"]);
    let plan = plan(&db, "SELECT * FROM model_usage_stats WHERE user_id = 'u' AND timestamp > 5");
    assert!(plan.contains("ix_resource_usage_user"), "{plan}");
    let logs = "SELECT level, message, service FROM logs WHERE service = 'budgets'";
    assert_eq!(one(&db, logs), "warning|spending is high|budgets");
}

#[test]
fn active_configurations_come_with_their_latest_version() {
    let bench = world();
    let db = bench.raw();
    let sql = "SELECT c.config_id, c.name, cv.version_id, cv.parsed_config, cv.modal_deployment_id
               FROM configurations c JOIN config_versions cv ON c.latest_version_id = cv.version_id
               WHERE c.is_active = true";
    assert_eq!(one(&db, sql), "c|deep|c.2|{\"model\":\"large\",\"temperature\":0}|");
    let named = format!("{sql} AND c.name = 'deep'");
    assert!(plan(&db, &named).contains("ix_documents_name"));
    let same = "SELECT version_id FROM config_versions WHERE config_hash = printf('%064d', 1) ORDER BY 1";
    assert_eq!(rows(&db, same), ["c.1", "c0.1"]);
    assert!(plan(&db, same).contains("ix_document_versions_hash"));
    let diff = "SELECT version_before, version_after, json_extract(change_summary, '$[0].op'), llm_generated, approval_status
                FROM config_diffs WHERE config_id = 'c'";
    assert_eq!(one(&db, diff), "c.1|c.2|replace|0|pending");
    assert_eq!(
        one(&db, "SELECT json_extract(sandbox_config, '$.fuel') FROM configurations WHERE name = 'deep'"),
        "5"
    );
}

#[test]
fn evaluations_are_seen_as_simulations_of_scenarios() {
    let bench = world();
    let db = bench.raw();
    let sql = "SELECT simulation_name, status, total_scenarios, completed_scenarios, overall_score, timeout_ms, priority,
               json_array_length(scenario_set), completed_at FROM simulations";
    assert_eq!(one(&db, sql), "large|running|2|1|1|60000|5|2|");
    let parts = "SELECT k.execution_order, s.name, k.status, k.retry_count, s.difficulty_level
                 FROM simulations_scenarios k JOIN scenarios s ON s.scenario_id = k.scenario_id ORDER BY 1";
    assert_eq!(rows(&db, parts), ["1|007bbfb7|completed|1|unknown", "2|3c9b0459|pending|0|unknown"]);
    let logs = one(&db, "SELECT execution_logs FROM simulations_scenarios WHERE status = 'completed'");
    assert!(logs.starts_with("Debug\nsecond line\nInfo"), "{logs}");
    let truth = "SELECT json_array_length(ground_truth) FROM scenarios WHERE name = '007bbfb7'";
    assert_eq!(one(&db, truth), "2");
}

#[test]
fn the_dashboard_shows_what_is_going_on() {
    let bench = world();
    let db = bench.raw();
    let active = "SELECT simulation_name, progress_pct, model_name, outcomes_recorded, runtime_seconds BETWEEN 59 AND 120
                  FROM v_dashboard_active_simulations";
    assert_eq!(one(&db, active), "large|50|large|1|1");
    let pending = "SELECT recommendation_id, recommendation_type, generated_by_model, suggested_yaml_changes
                   FROM v_dashboard_pending_recommendations";
    assert_eq!(one(&db, pending), "r1|config_change|rules|-model: small +model: large");
    let trends = "SELECT sum(total_executions), sum(error_count), round(sum(daily_cost), 6),
                  sum(error_rate_pct) > 30 FROM v_dashboard_performance_trends";
    assert_eq!(one(&db, trends), "3|1|0.0021|1");
    let costs = "SELECT model, sum(executions), round(sum(total_cost), 6), sum(total_tokens) FROM v_dashboard_cost_analysis
                 GROUP BY model ORDER BY model";
    assert_eq!(rows(&db, costs), ["large|1|0.2|160", "small|2|0.4|260"]);
}

#[test]
fn an_analysis_reads_failures_configurations_and_trends() {
    let bench = world();
    let db = bench.raw();
    let failures =
        "SELECT failure_category, daily_failures, avg_confidence, json_extract(sample_errors, '$[0]'),
                    json_array_length(affected_scenarios) FROM v_llm_failure_analysis";
    assert_eq!(one(&db, failures), "fuel|1|1|out of fuel|1");
    let configurations =
        "SELECT config_id, version_number, total_executions, avg_reliability, daily_cost, error_count
                          FROM v_llm_config_performance";
    assert_eq!(one(&db, configurations), "c|2|1|1|0.0021|0");
    let trends = "SELECT t.name, v.executions, v.avg_reliability, v.reliability_variance, v.timeout_count
                  FROM v_llm_scenario_trends v JOIN scenarios t USING (scenario_id) ORDER BY 1";
    assert_eq!(rows(&db, trends), ["007bbfb7|2|0.5|0.5|0", "3c9b0459|1|1||0"]);
    let week = one(&db, "SELECT strftime('%w', week) FROM v_llm_scenario_trends GROUP BY 1");
    assert_eq!(week, "1", "a week begins on Monday");
}

#[test]
fn sums_by_hour_and_day_need_no_refresh() {
    let bench = world();
    let db = bench.raw();
    let hours = "SELECT sum(total_outcomes), sum(error_count), round(sum(total_cost), 6) FROM simulation_performance_hourly";
    assert_eq!(one(&db, hours), "3|1|0.0021");
    let of_evaluation = "SELECT total_outcomes FROM simulation_performance_hourly WHERE simulation_id = 'e'";
    assert_eq!(one(&db, of_evaluation), "1");
    assert_eq!(
        one(&db, "SELECT failure_category, failure_count, unique_patterns FROM failure_trends_daily"),
        "fuel|1|1"
    );
    // Every kind of call that the fixtures' usage counts; at 200 and more calls each.
    let tools = "SELECT count(DISTINCT tool_name) > 5, min(usage_count), max(avg_success_rate) FROM tool_performance_daily";
    assert_eq!(one(&db, tools), "1|3|1");
    let usage =
        "SELECT name, calls, tokens, cost_micros FROM usage_daily WHERE kind = 'llm' AND name = 'small'";
    assert_eq!(one(&db, usage), "small|2|260|400000");
    db.execute_batch("UPDATE resource_usage SET cost_micros = 300000 WHERE id = 'l1'").unwrap();
    assert_eq!(one(&db, usage), "small|2|260|500000");
}

#[test]
fn strategies_are_measured_and_submissions_told_apart() {
    let bench = world();
    let db = bench.raw();
    let metrics = "SELECT strategy_type, count(*), sum(success), error_type FROM strategy_metrics
                   GROUP BY error_type ORDER BY error_type";
    assert_eq!(rows(&db, metrics), ["program_synthesis|2|2|", "program_synthesis|1|0|out_of_fuel"]);
    let details = "SELECT strategy_used, attempt, is_correct, json_array_length(predicted_outputs),
                   json_extract(resource_usage_json, '$.memory_mb') > 60 FROM submission_details
                   WHERE run_id = (SELECT run_id FROM evaluation_tasks WHERE run_id IS NOT NULL) ORDER BY attempt";
    assert_eq!(rows(&db, details), ["mirror|1|0|2|1", "mirror|2|0|1|1"]);
    let examples =
        "SELECT json_array_length(train_examples), test_input, test_output, json_array_length(test_outputs)
                    FROM arc_task_examples WHERE code = '007bbfb7'";
    assert_eq!(one(&db, examples), "2|[[1]]|[[4]]|2");
}

#[test]
fn a_run_of_an_experiment_says_what_and_how_far() {
    let bench = world();
    let db = bench.raw();
    let sql = "SELECT experiment_name, task_ids, strategy_config, json_extract(metrics, '$.solved'), status, completed_at,
               error_log FROM experiment_runs WHERE run_id = 'e'";
    assert_eq!(one(&db, sql), "sizes|[\"007bbfb7\",\"3c9b0459\"]|{\"depth\": \"3\"}|1|in_progress||");
    let results = "SELECT count(*), json_extract(metrics_json, '$.outcome') FROM experiment_results
                   WHERE experiment_id = 'x' AND submission_id IS NOT NULL";
    assert_eq!(one(&db, results), "1|solved");
    let tracked = "SELECT name, hypothesis, json_extract(task_selection_json, '$.task_ids[0]'), created_by FROM experiments";
    assert_eq!(one(&db, tracked), "sizes|larger is better|007bbfb7|u");
}

#[test]
fn events_are_searched_and_listed_by_severity() {
    let bench = world();
    let db = bench.raw();
    let found = "SELECT e.event_type, e.severity FROM system_events_fts f JOIN system_events e ON e.event_id = f.rowid
                 WHERE system_events_fts MATCH 'spending AND ann'";
    assert_eq!(one(&db, found), "high_cost|warning");
    let listed = "SELECT event_id FROM system_events WHERE severity = 'warning' AND occurred_at > 5 ORDER BY occurred_at";
    assert_eq!(rows(&db, listed).len(), 1);
}

/// The columns that the documents want an index on, and the index of ours that answers. Without statistics `SQLite`
/// takes the queue's status for the better one, so its claims name their index.
#[test]
fn promised_indexes_are_used() {
    let bench = world();
    let db = bench.raw();
    for (sql, index) in [
        ("task_submissions WHERE task_id = 't' AND user_id = 'u'", "ix_submissions_task"),
        ("task_submissions WHERE submitted_at > 5 ORDER BY submitted_at LIMIT 1", "ix_submissions_at"),
        ("task_submissions WHERE strategy_used = 's' AND is_correct = 1", "ix_submissions_strategy"),
        ("llm_cache WHERE prompt_hash = 'h' AND model = 'm'", "ix_llm_cache_prompt"),
        ("llm_cache WHERE last_hit_at < 5", "ix_llm_cache_hit"),
        ("llm_cache WHERE expires_at <= 5", "ix_llm_cache_expires"),
        ("resource_usage WHERE task_id = 't' AND at > 5", "ix_resource_usage_task"),
        ("resource_usage WHERE kind = 'llm' AND name = 'm' AND at > 5", "ix_resource_usage_name"),
        ("resource_usage WHERE at > 5 ORDER BY at LIMIT 1", "ix_resource_usage_at"),
        ("system_events WHERE level = 'error' AND at > 5", "ix_system_events_level"),
        ("arc_tasks WHERE family_id = 'f'", "ix_arc_tasks_family"),
        ("episodes WHERE status = 'failed'", "ix_episodes_status"),
        ("episodes WHERE created_at > 5 ORDER BY created_at LIMIT 1", "ix_episodes_created"),
        ("episodes WHERE domain = 'd'", "ix_episodes_domain"),
        ("steps WHERE at > 5 ORDER BY at LIMIT 1", "ix_steps_at"),
        ("steps WHERE episode_id = 'e'", "sqlite_autoindex_steps_1"),
        ("patterns WHERE trials > 5 ORDER BY trials LIMIT 1", "ix_patterns_usage"),
        ("patterns WHERE pattern_type = 't' ORDER BY success_rate DESC LIMIT 1", "ix_patterns_rate"),
        ("embeddings WHERE subject_id = 'e'", "ix_embeddings_subject"),
        ("messages WHERE user_id = 'u' AND created_at > 5", "ix_messages_user"),
        ("messages WHERE created_at > 5 ORDER BY created_at LIMIT 1", "ix_messages_at"),
        ("memories WHERE user_id = 'u' AND occurred_at > 5", "ix_memories_user"),
        ("memories WHERE importance >= 8", "ix_memories_importance"),
        ("user_handles WHERE provider = 'email' AND handle = 'h'", "sqlite_autoindex_user_handles_1"),
        ("queue WHERE status = 'failed' AND finished_at > 5", "ix_queue_status"),
        ("queue WHERE status = 'pending' AND run_at <= 5 ORDER BY run_at LIMIT 1", "ix_queue_status"),
        ("queue WHERE finished_at < 5 ORDER BY finished_at LIMIT 1", "ix_queue_finished"),
        (
            "queue INDEXED BY ix_queue_lease WHERE status = 'in_progress' AND lease_until < 5",
            "ix_queue_lease",
        ),
        ("documents WHERE kind = 'capability' AND name = 'n'", "ix_documents_name"),
        ("credit_balance WHERE provider = 'p' AND at > 5", "sqlite_autoindex_credit_balance_1"),
        ("alerts WHERE rule = 'r' AND created_at > 5", "ix_alerts_rule"),
        ("outcomes WHERE status <> 'success' AND executed_at > 5", "ix_outcomes_bad"),
        ("outcomes WHERE run_id = 'r' ORDER BY executed_at DESC", "ix_outcomes_run"),
        ("outcomes WHERE evaluation_id = 'e' ORDER BY executed_at DESC", "ix_outcomes_evaluation"),
        ("outcomes WHERE task_id = 't' ORDER BY executed_at DESC", "ix_outcomes_task"),
        (
            "document_versions WHERE document_id = 'c' ORDER BY version DESC",
            "sqlite_autoindex_document_versions_2",
        ),
        (
            "recommendations WHERE status = 'open' ORDER BY confidence DESC, created_at DESC LIMIT 10",
            "ix_recommendations_open",
        ),
        ("failure_patterns WHERE cluster_id = 'c' ORDER BY executed_at DESC", "ix_failure_patterns_cluster"),
        ("evaluations WHERE status = 'running' ORDER BY created_at DESC", "ix_evaluations_status"),
        ("audit_log WHERE subject_kind = 'k' AND subject_id = 's'", "ix_audit_log_subject"),
    ] {
        let plan = plan(&db, &format!("SELECT * FROM {sql}"));
        assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{sql}: {plan}");
    }
}

/// Columns that have another name here answer under the documents' too.
#[test]
fn columns_answer_under_the_names_of_the_documents() {
    let bench = world();
    let db = bench.raw();
    db.execute_batch(
        "INSERT INTO task_families (id, name, common_patterns, avg_difficulty, created_at)
         VALUES ('fam', 'mirrors', '[\"mirror\"]', 1.5, 1);
         UPDATE arc_tasks SET family_id = 'fam', meta = '{\"source\": \"made\"}' WHERE code = '007bbfb7';
         DELETE FROM task_features;
         INSERT INTO task_features (task_id, width, height, color_count, symmetry, size_relation, patterns, hints, extractor,
             computed_at)
         SELECT id, 3, 2, 6, 1, 'same', '[\"lines\"]', '[\"mirror\"]', 'test', 1 FROM arc_tasks WHERE code = '007bbfb7';
         INSERT INTO ttt_adaptations (id, task_id, base_checkpoint, weights_digest, examples, metrics, created_at,
             last_used_at, use_count)
         SELECT 'ad', id, 'base-1', (SELECT digest FROM artifacts), '[[1]]', '{\"loss\": 0.5}', 1, 9, 2
         FROM arc_tasks WHERE code = '007bbfb7';
         INSERT INTO queue (id, kind, payload, priority, tries, run_at, error, created_at, updated_at)
         VALUES ('j', 'sweep', '{}', 7, 1, 5, 'no room', 1, 1);
         INSERT INTO credit_balance (provider, at, remaining_micros, used_micros, daily_micros, rate_remaining, raw)
         VALUES ('near', 5, 2500000, 500000, 100000, 60, '{\"left\": 2.5}')",
    )
    .unwrap();
    for (sql, answer) in [
        ("SELECT t.task_source, t.difficulty_level, f.family_name, f.avg_difficulty, json_extract(t.metadata_json, '$.source')
          FROM arc_tasks t JOIN task_families f ON f.family_id = t.family_id WHERE t.code = '007bbfb7'",
            "training|unknown|mirrors|1.5|made"),
        // The import gave the other task its family.
        ("SELECT count(*), count(f.family_id), sum(f.family_name = 'mirrors')
          FROM arc_tasks t LEFT JOIN task_families f ON f.family_id = t.family_id", "2|2|1"),
        ("SELECT grid_dimensions, color_count, has_symmetry, pattern_types, transformation_hints FROM task_features",
            "[3,2]|6|1|[\"lines\"]|[\"mirror\"]"),
        ("SELECT adaptation_id, base_model_checkpoint, substr(adapted_weights_path, 1, 9), training_examples_json,
          json_extract(adaptation_metrics_json, '$.loss'), last_used, use_count FROM ttt_adaptations",
            "ad|base-1|artifact:|[[1]]|0.5|9|2"),
        ("SELECT task_type, priority, retries, max_retries, error_message, assigned_to, scheduled_for, completed_at
          FROM queue WHERE status = 'pending'", "sweep|7|1|3|no room||5|"),
        ("SELECT id, credits_remaining, credits_used, daily_spend, rate_limit_remaining, last_updated,
          json_extract(raw_response, '$.left') FROM credit_balance", "near/5|2.5|0.5|0.1|60|5|2.5"),
        ("SELECT user_id, llm_model, session_status, total_outcomes_analyzed, analysis_cost_usd
          FROM llm_recommendation_sessions", "u|rules|completed|3|0"),
        ("SELECT recommendation_id, recommendation_type, applied FROM recommendations WHERE applied = true",
            "r3|performance_tuning|1"),
        ("SELECT f.failure_type, f.failure_category, f.error_message, f.pattern_cluster_id = r.source_id, f.recovery_successful
          FROM failure_patterns f JOIN recommendations r ON r.source_type = 'pattern_analysis'",
            "out_of_fuel|fuel|out of fuel|1|0"),
        ("SELECT count(*) FROM outcomes WHERE outcome_id = id AND modal_call_id = run_id AND created_at = execution_time
          AND execution_time_ms = duration_ms AND tokens_used = tokens", "3"),
        ("SELECT count(*) FROM resource_usage WHERE usage_id = id AND strategy_type = name AND timestamp = at
          AND json_type(api_calls_json) = 'object'", "7"),
        ("SELECT count(*) > 0 FROM audit_log WHERE table_name = 'runs' AND operation = 'INSERT' AND timestamp > 5", "1"),
    ] {
        assert_eq!(one(&db, sql), answer, "{sql}");
    }
}
