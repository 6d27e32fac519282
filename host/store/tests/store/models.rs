use std::thread;
use std::time::{Duration, Instant};

use rusqlite::params;
use serde_json::json;
use stratagem_domain::{
    ChatMessage, ChatRole, Held, Hold, Keeping, KeptReply, Ledger, ModelLedger, ModelUsage, Purpose,
    Question, RateLimits,
};
use stratagem_store::{Budget, BudgetScope, Credit, Period, Role, Store, StoreError, StoreOptions};

use crate::Bench;
use crate::fixtures::{plugin, solved, task};

pub const HOUR: Keeping = Keeping { is_shared: false, lasts_ms: 3_600_000 };
const LOCAL: &str = "00000000-0000-7000-8000-000000000001";
const DAY_MS: i64 = 86_400_000;

pub fn question(model: &str, temperature: f64) -> Question {
    Question {
        provider: "near".into(),
        endpoint: "https://near.example/v1".into(),
        model: model.into(),
        params: json!({"temperature": temperature, "max_tokens": 10}),
        messages: vec![ChatMessage { role: ChatRole::User, content: "which colour, \"o'clock\"?\0".into() }],
    }
}

pub fn reply(text: &str) -> KeptReply {
    KeptReply { text: text.into(), prompt_tokens: 7, completion_tokens: 3 }
}

pub fn usage(micros: u64) -> ModelUsage {
    ModelUsage {
        model: "small".into(),
        tries: 1,
        prompt_tokens: 7,
        completion_tokens: 3,
        cost_micros: micros,
        is_estimate: false,
        wall_ms: 12,
        prompt_bytes: 23,
        reply_bytes: 4,
        error: None,
    }
}

pub fn hold(micros: u64) -> Hold {
    Hold { provider: "near".into(), purpose: Purpose::default(), micros, lasts_ms: 60_000 }
}

fn for_task(micros: u64, task: &str) -> Hold {
    let purpose =
        Purpose { task: Some(task.into()), run: Some("run-1".into()), experiment: Some("e".into()) };
    Hold { purpose, ..hold(micros) }
}

pub fn budget(scope: BudgetScope, scope_id: &str, period: Period, limit_micros: u64) -> Budget {
    Budget { scope, scope_id: scope_id.into(), period, limit_micros, warn_permille: 700, hard_stop: true }
}

/// Holds and settles; the alerts, or the message of the refusal.
pub fn spend(store: &Store, hold: &Hold) -> Result<Vec<String>, String> {
    match store.hold(hold).unwrap() {
        Held::Granted(id) => Ok(store.settle(&id, hold, &usage(hold.micros), None).unwrap()),
        Held::Refused(over) => Err(over.to_string()),
    }
}

fn rules(bench: &Bench) -> Vec<(String, f64)> {
    let mut alerts = bench.store.alerts(false, 100).unwrap();
    alerts.reverse();
    alerts.into_iter().map(|alert| (alert.rule, alert.value.unwrap())).collect()
}

/// Three rows of 0.20 under a budget of 0.50: one warning, and the third is not sent.
#[test]
fn three_costs_below_an_alert_each_warn_once_and_stop_together() {
    let bench = Bench::new();
    bench.store.set_budget(&budget(BudgetScope::Global, "", Period::Day, 500_000)).unwrap();
    assert_eq!(spend(&bench.store, &hold(200_000)), Ok(vec![]));
    let warned = spend(&bench.store, &hold(200_000)).unwrap();
    assert_eq!(warned, ["budget of everybody, a day: 0.40 of 0.50 USD are spent, past 70 %"]);
    for _ in 0..3 {
        let refused = spend(&bench.store, &hold(200_000)).unwrap_err();
        assert_eq!(
            refused,
            "budget of everybody, a day is 0.50 USD: 0.40 spent, 0.00 held by questions under way, up to 0.20 asked for"
        );
    }
    assert_eq!(rules(&bench), [("budget_warning".into(), 0.4), ("budget_limit".into(), 0.4)]);
    assert_eq!(bench.count("resource_usage WHERE kind = 'llm'"), 2);
    assert_eq!(bench.count("budget_holds"), 0);
    assert_eq!(bench.count("system_events WHERE kind = 'budget_warning' AND level = 'warning'"), 1);
    // What still fits is allowed, to the last millionth.
    assert_eq!(spend(&bench.store, &hold(100_000)), Ok(vec![]));
    assert!(spend(&bench.store, &hold(1)).is_err());
    assert_eq!(spend(&bench.store, &hold(0)), Ok(vec![]), "what costs nothing is no matter of money");
    assert!(bench.store.verify_audit(None).unwrap().broken.is_none());
}

/// 2 stores of 8 threads each: what is spent and held together never passes the limit, and all of it is used.
#[test]
fn many_at_once_never_pass_a_hard_stop() {
    const LIMIT: u64 = 1_000_000;
    let bench = Bench::new();
    bench.store.set_budget(&budget(BudgetScope::Provider, "near", Period::Once, LIMIT)).unwrap();
    let other = Store::open_existing(&bench.path).unwrap();
    let stores = [&bench.store, &other];
    let spent: u64 = thread::scope(|scope| {
        let askers: Vec<_> = (0..16)
            .map(|asker| {
                let store = stores[asker % 2];
                scope.spawn(move || {
                    let mut spent = 0;
                    for n in 0..20 {
                        // What is held is more than what it then costs, as it is with models.
                        let hold = hold(30_000);
                        if let Held::Granted(id) = store.hold(&hold).unwrap() {
                            let cost = 7_000 + n * 1_000;
                            store.settle(&id, &hold, &usage(cost), None).unwrap();
                            spent += cost;
                        }
                    }
                    spent
                })
            })
            .collect();
        askers.into_iter().map(|asker| asker.join().unwrap()).sum()
    });
    let line = &bench.store.budgets().unwrap()[0];
    assert_eq!((line.spent_micros, line.held_micros), (spent, 0));
    assert!(spent <= LIMIT, "{spent} of {LIMIT}");
    assert!(spent > LIMIT - 30_000, "the rest was refused although it fitted: {spent}");
    let rows: i64 = bench
        .raw()
        .query_row("SELECT sum(cost_micros) FROM resource_usage WHERE kind = 'llm'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows as u64, spent);
}

#[test]
fn money_is_held_until_it_is_settled_or_its_time_is_over() {
    let bench = Bench::new();
    bench.store.set_budget(&budget(BudgetScope::User, "local", Period::Month, 100_000)).unwrap();
    let Held::Granted(id) = bench.store.hold(&hold(80_000)).unwrap() else { panic!() };
    let Held::Refused(over) = bench.store.hold(&hold(30_000)).unwrap() else { panic!() };
    assert_eq!((over.spent, over.held, over.asked), (0, 80_000, 30_000));
    assert_eq!(over.budget, format!("user {LOCAL}, a month"));
    assert!(rules(&bench).is_empty(), "a moment later there may be room: nobody is alarmed");
    bench.store.settle(&id, &hold(80_000), &usage(10_000), None).unwrap();
    // A second settlement of the same question changes nothing.
    bench.store.settle(&id, &hold(80_000), &usage(10_000), None).unwrap();
    assert_eq!(bench.store.budgets().unwrap()[0].spent_micros, 10_000);
    // A process that was killed holds money no longer than its questions last.
    assert!(matches!(bench.store.hold(&hold(90_000)).unwrap(), Held::Granted(_)));
    assert!(matches!(bench.store.hold(&hold(90_000)).unwrap(), Held::Refused(_)));
    let raw = bench.raw();
    let aged = raw.execute("UPDATE budget_holds SET expires_at = expires_at - 60000", []).unwrap();
    assert_eq!(
        (aged, bench.count("budget_holds WHERE expires_at = created_at")),
        (1, 1),
        "it lasts a minute"
    );
    assert!(matches!(bench.store.hold(&hold(90_000)).unwrap(), Held::Granted(_)));
    assert_eq!(bench.count("budget_holds"), 1);
}

#[test]
fn every_scope_and_period_bounds_its_own() {
    let bench = Bench::new();
    for (scope, id) in [
        (BudgetScope::User, LOCAL),
        (BudgetScope::Provider, "near"),
        (BudgetScope::Run, "run-1"),
        (BudgetScope::Global, ""),
    ] {
        for period in Period::ALL {
            let set = bench.store.set_budget(&budget(scope, id, period, 1_000)).unwrap();
            assert_eq!(spend(&bench.store, &for_task(600, "t")), Ok(vec![]), "{scope:?} {period:?}");
            let refused = spend(&bench.store, &for_task(600, "t")).unwrap_err();
            assert!(refused.contains(scope.as_str()) || scope == BudgetScope::Global, "{refused}");
            bench.store.remove_budget(&set).unwrap();
            bench.raw().execute_batch("DELETE FROM spending; DELETE FROM alerts").unwrap();
        }
    }
    // Of others' runs, providers and tasks it says nothing.
    bench.store.set_budget(&budget(BudgetScope::Run, "another", Period::Once, 1)).unwrap();
    bench.store.set_budget(&budget(BudgetScope::Provider, "far", Period::Once, 1)).unwrap();
    assert_eq!(spend(&bench.store, &for_task(600, "t")), Ok(vec![]));
}

/// The document's alert is of a task: each has the budget for itself, and one of its own goes before it.
#[test]
fn a_budget_for_each_task_is_every_tasks_own() {
    let bench = Bench::new();
    bench.store.set_budget(&budget(BudgetScope::Task, "*", Period::Once, 300_000)).unwrap();
    for task in ["one", "two"] {
        assert_eq!(spend(&bench.store, &for_task(200_000, task)), Ok(vec![]), "{task}");
        let refused = spend(&bench.store, &for_task(200_000, task)).unwrap_err();
        assert!(refused.starts_with(&format!("budget of task {task}, in all is 0.30 USD")), "{refused}");
    }
    let line = &bench.store.budgets().unwrap()[0];
    assert_eq!((line.spent_micros, line.most.as_deref()), (200_000, Some("one")));
    bench.store.set_budget(&budget(BudgetScope::Run, "*", Period::Once, 10_000_000)).unwrap();
    bench.store.set_budget(&budget(BudgetScope::Run, "run-1", Period::Once, 1)).unwrap();
    assert!(spend(&bench.store, &for_task(10, "three")).unwrap_err().contains("run run-1"));
}

#[test]
fn a_soft_budget_warns_and_lets_through() {
    let bench = Bench::new();
    let soft = Budget {
        hard_stop: false,
        warn_permille: 500,
        ..budget(BudgetScope::Global, "", Period::Month, 1_000)
    };
    bench.store.set_budget(&soft).unwrap();
    let said: Vec<Vec<String>> = (0..4).map(|_| spend(&bench.store, &hold(500)).unwrap()).collect();
    assert_eq!(said[0], ["budget of everybody, a month: 0.0005 of 0.001 USD are spent, past 50 %"]);
    assert_eq!(said[1], ["budget of everybody, a month: 0.001 of 0.001 USD are spent"]);
    assert_eq!((said[2].len(), said[3].len()), (0, 0));
    // Another limit is another matter: it may warn again.
    bench.store.set_budget(&Budget { limit_micros: 4_000, ..soft }).unwrap();
    assert_eq!(spend(&bench.store, &hold(0)).unwrap().len(), 0);
    assert_eq!(spend(&bench.store, &hold(1)).unwrap().len(), 1);
}

#[test]
fn a_clock_that_goes_back_opens_no_spent_window() {
    let bench = Bench::new();
    bench.store.set_budget(&budget(BudgetScope::Global, "", Period::Day, 1_000)).unwrap();
    spend(&bench.store, &hold(900)).unwrap();
    // As if all of it had been spent a day from now, and the clock was set back since.
    bench.raw().execute("UPDATE spending SET day = day + 1, last_at = last_at + ?1", [DAY_MS]).unwrap();
    assert!(spend(&bench.store, &hold(900)).unwrap_err().contains("0.0009 spent"));
    spend(&bench.store, &hold(100)).unwrap();
    assert_eq!(bench.count("spending WHERE scope = 'global'"), 1, "it counts for the same day");
    // And a day that is over is over.
    bench.raw().execute("UPDATE spending SET day = day - 2, last_at = last_at - ?1", [2 * DAY_MS]).unwrap();
    spend(&bench.store, &hold(900)).unwrap();
}

#[test]
fn rows_that_go_give_no_budget_back() {
    let bench = Bench::new();
    bench.store.set_budget(&budget(BudgetScope::Global, "", Period::Once, 1_000)).unwrap();
    spend(&bench.store, &hold(900)).unwrap();
    bench.raw().execute("DELETE FROM resource_usage", []).unwrap();
    assert!(spend(&bench.store, &hold(900)).is_err());
}

/// A million times 2,100 millionths are 2,100 dollars, to the millionth.
#[test]
fn a_million_costs_sum_exactly() {
    let bench = Bench::new();
    bench.store.set_budget(&budget(BudgetScope::Provider, "near", Period::Once, 3_000_000_000)).unwrap();
    let raw = bench.raw();
    // A million rows in seconds: without the indexes, which have no part in a sum.
    let drops: String = raw
        .query_row(
            "SELECT group_concat('DROP INDEX ' || name, ';') FROM sqlite_schema
             WHERE type = 'index' AND tbl_name = 'resource_usage' AND sql IS NOT NULL",
            [],
            |row| row.get(0),
        )
        .unwrap();
    raw.execute_batch(&drops).unwrap();
    raw.execute_batch(
        "BEGIN;
         WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1000000)
         INSERT INTO resource_usage (id, at, kind, name, provider, cost_micros)
         SELECT 'u' || n, 1760000000000 + n, 'llm', 'small', 'near', 2100 FROM n;
         COMMIT",
    )
    .unwrap();
    let lines = bench.store.model_spending(0).unwrap();
    assert_eq!((lines[0].questions, lines[0].cost_micros), (1_000_000, 2_100_000_000));
    let dollars: f64 =
        raw.query_row("SELECT sum(estimated_cost) FROM model_usage_stats", [], |row| row.get(0)).unwrap();
    assert!((dollars - 2_100.0).abs() < 1e-3, "the documents' column is in dollars: {dollars}");
    drop(raw);
    // As many settled: the sum that budgets are held against is as exact, and no slower for it.
    let started = Instant::now();
    for _ in 0..200 {
        spend(&bench.store, &hold(2_100)).unwrap();
    }
    assert_eq!(bench.store.budgets().unwrap()[0].spent_micros, 420_000);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn a_question_leaves_a_row_under_the_names_of_every_document() {
    let bench = Bench::new();
    let hold = for_task(5_000, "task-1");
    let Held::Granted(id) = bench.store.hold(&hold).unwrap() else { panic!() };
    bench.store.settle(&id, &hold, &ModelUsage { tries: 3, ..usage(2_100) }, None).unwrap();
    let Held::Granted(failed) = bench.store.hold(&hold).unwrap() else { panic!() };
    let error = ModelUsage { error: Some("timeout".into()), is_estimate: true, ..usage(5_000) };
    bench.store.settle(&failed, &hold, &error, None).unwrap();
    let raw = bench.raw();
    let row: (String, String, String, i64, f64, bool, String, String) = raw
        .query_row(
            "SELECT strategy_type, task_id, api_calls_json, total_tokens, estimated_cost, ok, experiment_id, run_id
             FROM resource_usage WHERE usage_id = ?1",
            [&id],
            |row| {
                let text = |column: usize| row.get::<_, String>(column);
                Ok((text(0)?, text(1)?, text(2)?, row.get(3)?, row.get(4)?, row.get(5)?, text(6)?, text(7)?))
            },
        )
        .unwrap();
    let wanted = ("small", "task-1", r#"{"calls":3}"#, 10, 0.0021, true, "e", "run-1");
    assert_eq!(
        (row.0.as_str(), row.1.as_str(), row.2.as_str(), row.3, row.4, row.5),
        (wanted.0, wanted.1, wanted.2, wanted.3, wanted.4, wanted.5)
    );
    assert_eq!((row.6.as_str(), row.7.as_str()), (wanted.6, wanted.7));
    let stats: (i64, i64, i64, Option<String>, bool) = raw
        .query_row(
            "SELECT input_length, output_length, response_time_ms, error_type, success FROM model_usage_stats
             WHERE id = ?1 AND user_id = ?2",
            params![failed, LOCAL],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)),
        )
        .unwrap();
    assert_eq!(stats, (23, 4, 12, Some("timeout".into()), false));
    let lines = bench.store.model_spending(0).unwrap();
    assert_eq!((lines[0].questions, lines[0].errors, lines[0].cost_micros), (2, 1, 7_100));
}

#[test]
fn what_a_run_spent_is_the_runs_once_it_is_recorded() {
    let task = task("a", 4);
    let bench = Bench::with(std::slice::from_ref(&task));
    let run = solved(plugin("mirror"), &task);
    let name = Purpose::name_of(&run.recipe, &run.place);
    let purpose = Purpose { run: Some(name), ..Purpose::default() };
    spend(&bench.store, &Hold { purpose, ..hold(2_100) }).unwrap();
    let id = bench.store.record(&run, &task, None).unwrap();
    assert_eq!(bench.count(&format!("resource_usage WHERE kind = 'llm' AND run_id = '{id}'")), 1);
    assert_eq!(bench.count(&format!("spending WHERE scope = 'run' AND scope_id = '{id}'")), 1);
    assert_eq!(bench.count("resource_usage u JOIN arc_tasks t ON t.id = u.task_id WHERE u.kind = 'llm'"), 1);
}

#[test]
fn credit_is_kept_with_what_was_spent_and_a_low_balance_is_told_once_a_day() {
    let bench = Bench::new();
    spend(&bench.store, &hold(250_000)).unwrap();
    let credit = |remaining| Credit {
        remaining_micros: Some(remaining),
        used_micros: Some(1),
        raw: Some(json!({"left": remaining}).to_string()),
    };
    assert!(bench.store.keep_credit("near", &credit(7_000_000), Some(5_000_000)).unwrap().is_empty());
    let said = bench.store.keep_credit("near", &credit(4_999_999), Some(5_000_000)).unwrap();
    assert_eq!(said, ["credit of provider near: 4.999999 USD are left, less than 5.00"]);
    assert!(bench.store.keep_credit("near", &credit(-1), Some(5_000_000)).unwrap().is_empty());
    let limits = RateLimits { remaining: Some(0), reset_ms: Some(30_000), is_refused: true };
    for _ in 0..2 {
        bench.store.limited("near", &limits).unwrap();
    }
    let line = &bench.store.credits().unwrap()[0];
    assert_eq!(
        (line.provider.as_str(), line.remaining_micros, line.rate_remaining),
        ("near", Some(-1), Some(0))
    );
    assert_eq!((line.daily_micros, line.monthly_micros), (250_000, 250_000));
    assert!(line.rate_reset_at.unwrap() > line.rate_seen_at.unwrap());
    assert_eq!(
        bench.count("credit_alerts WHERE alert_type = 'low_balance' AND current_value < threshold_value"),
        1
    );
    assert_eq!(bench.count("credit_alerts WHERE alert_type = 'rate_limit' AND NOT acknowledged"), 1);
    assert_eq!(bench.count("credit_balance WHERE daily_spend = 0.25 AND credits_remaining = 7.0"), 1);
    let huge = Credit { raw: Some(format!("\"{}\"", "x".repeat(100_000))), ..credit(1) };
    bench.store.keep_credit("far", &huge, None).unwrap();
    bench.store.keep_credit("far", &Credit { raw: Some("<html>".into()), ..credit(2) }, None).unwrap();
    assert_eq!(bench.count("credit_balance WHERE provider = 'far' AND raw = 'null'"), 2);
}

#[test]
fn an_alert_is_acknowledged_once_by_who_saw_it() {
    let bench = Bench::new();
    bench.store.set_budget(&budget(BudgetScope::Global, "", Period::Once, 100)).unwrap();
    spend(&bench.store, &hold(100)).unwrap();
    let alert = bench.store.alerts(true, 10).unwrap().remove(0);
    assert!(bench.store.acknowledge(&alert.id).unwrap());
    assert!(!bench.store.acknowledge(&alert.id).unwrap());
    assert!(bench.store.alerts(true, 10).unwrap().is_empty());
    let seen = bench.store.alerts(false, 10).unwrap().remove(0);
    assert_eq!(seen.acknowledged_by.as_deref(), Some(LOCAL));
    let error = bench.store.acknowledge("no' OR 1=1 --").unwrap_err();
    assert!(matches!(error, StoreError::Invalid { .. }) && error.hint().is_some(), "{error}");
}

#[test]
fn only_an_admin_sets_budgets_and_a_reader_asks_nothing() {
    let bench = Bench::new();
    let at = |role| {
        let options = StoreOptions { role: Some(role), ..StoreOptions::default() };
        Store::open_existing_with(&bench.path, &options).unwrap()
    };
    let (runner, reader) = (at(Role::Runner), at(Role::Reader));
    let error = runner.set_budget(&budget(BudgetScope::Global, "", Period::Day, 1)).unwrap_err();
    assert!(matches!(error, StoreError::Forbidden { needed: Role::Admin, .. }), "{error}");
    assert!(matches!(runner.remove_budget("x").unwrap_err(), StoreError::Forbidden { .. }));
    assert!(reader.hold(&hold(1)).unwrap_err().message.contains("needs runner"));
    assert!(reader.kept(&question("small", 0.0), &HOUR).unwrap().is_none());
    assert!(matches!(reader.sweep_llm_cache().unwrap_err(), StoreError::Forbidden { .. }));
    assert_eq!(spend(&runner, &hold(1)), Ok(vec![]));
    assert_eq!(reader.budgets().unwrap(), []);
}

#[test]
fn a_budget_that_makes_no_sense_is_refused_and_one_that_is_set_again_is_replaced() {
    let bench = Bench::new();
    let good = budget(BudgetScope::Global, "", Period::Day, 1_000);
    for (case, bad) in [
        ("nothing", Budget { limit_micros: 0, ..good.clone() }),
        ("too much", Budget { limit_micros: u64::MAX, ..good.clone() }),
        ("share", Budget { warn_permille: 0, ..good.clone() }),
        ("share", Budget { warn_permille: 1_001, ..good.clone() }),
        ("an id for all", Budget { scope_id: "x".into(), ..good.clone() }),
        ("no id", Budget { scope: BudgetScope::Task, ..good.clone() }),
        ("no such user", budget(BudgetScope::User, "nobody'; DROP TABLE budgets; --", Period::Day, 1)),
        ("no such task", budget(BudgetScope::Task, "3c9b0459", Period::Day, 1)),
    ] {
        let error = bench.store.set_budget(&bad).unwrap_err();
        assert!(matches!(error, StoreError::Invalid { .. }) && error.hint().is_some(), "{case}: {error}");
    }
    assert_eq!(bench.count("budgets"), 0);
    let first = bench.store.set_budget(&good).unwrap();
    let second = bench.store.set_budget(&Budget { limit_micros: 2_000, ..good }).unwrap();
    assert_eq!((first == second, bench.count("budgets WHERE limit_micros = 2000")), (true, 1));
    bench.store.remove_budget(&first).unwrap();
    assert!(matches!(bench.store.remove_budget(&first).unwrap_err(), StoreError::Invalid { .. }));
}
