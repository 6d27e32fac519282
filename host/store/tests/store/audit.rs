use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params};
use serde_json::Value;
use stratagem_store::{AuditFilter, RetentionAction, Role, Store};

use crate::Bench;
use crate::planted::strings;

/// A log of a dozen changes of several kinds.
fn bench() -> Bench {
    let bench = Bench::new();
    bench.store.add_user("ada", Role::Runner).unwrap();
    bench.store.set_role("ada", Role::Admin).unwrap();
    bench.store.set_retention("messages", 90 * 86_400_000, None).unwrap();
    bench.store.remove_retention("messages").unwrap();
    for n in 0..8 {
        bench.store.event("info", "test", "kind", &format!("event {n}"), &Value::Null).unwrap();
    }
    bench
}

/// A connection on which the log can be forged.
fn forger(bench: &Bench) -> Connection {
    let raw = bench.raw();
    raw.execute_batch(
        "PRAGMA ignore_check_constraints = ON; DROP TRIGGER audit_log_frozen; DROP TRIGGER audit_log_kept",
    )
    .unwrap();
    raw
}

fn broken(store: &Store, expected: Option<&str>) -> Option<String> {
    store.verify_audit(expected).unwrap().broken
}

#[test]
fn a_log_that_nobody_touched_fits_and_an_earlier_head_is_found_again() {
    let bench = bench();
    let report = bench.store.verify_audit(None).unwrap();
    assert_eq!((report.rows, report.broken), (12, None));
    bench.store.event("info", "test", "kind", "later", &Value::Null).unwrap();
    assert_eq!(broken(&bench.store, Some(&report.head)), None);
    assert_ne!(bench.store.verify_audit(None).unwrap().head, report.head);
}

#[test]
fn a_change_of_any_column_of_any_row_is_found() {
    let bench = bench();
    let raw = forger(&bench);
    let columns = strings(&raw, "SELECT name FROM pragma_table_xinfo('audit_log') WHERE hidden = 0");
    assert_eq!(columns.len(), 13, "{columns:?}");
    for seq in 1..=12 {
        for column in &columns {
            let was: Sql = raw
                .query_row(&format!("SELECT {column} FROM audit_log WHERE seq = ?1"), [seq], |row| row.get(0))
                .unwrap();
            let forged = match (&was, column.as_str()) {
                (Sql::Integer(number), "seq") => Sql::Integer(number + 100),
                (Sql::Integer(number), _) => Sql::Integer(number + 1),
                (Sql::Text(text), "hash" | "prev_hash") => {
                    let other = if text.starts_with('0') { "1" } else { "0" };
                    Sql::Text(format!("{other}{}", &text[1..]))
                }
                (Sql::Text(text), _) => Sql::Text(format!("{text} ")),
                _ => Sql::Text("{}".to_owned()),
            };
            let set = |value: &Sql, seq: &Sql| {
                raw.execute(
                    &format!("UPDATE audit_log SET {column} = ?1 WHERE seq = ?2"),
                    params![value, seq],
                )
                .unwrap()
            };
            let place = if column == "seq" { forged.clone() } else { Sql::Integer(seq) };
            assert_eq!(set(&forged, &Sql::Integer(seq)), 1);
            assert!(broken(&bench.store, None).is_some(), "row {seq}, {column}: {was:?} became {forged:?}");
            assert_eq!(set(&was, &place), 1);
        }
    }
    assert_eq!(broken(&bench.store, None), None, "all was put back");
}

#[test]
fn rows_that_were_taken_out_put_between_or_swapped_are_found() {
    let forgeries = [
        ("taken out", "DELETE FROM audit_log WHERE seq = 5"),
        ("the first", "DELETE FROM audit_log WHERE seq = 1"),
        (
            "taken out and closed up",
            "DELETE FROM audit_log WHERE seq = 5; UPDATE audit_log SET seq = seq - 1 WHERE seq > 5",
        ),
        (
            "put at the end",
            "INSERT INTO audit_log (seq, at, actor_id, role, action, subject_kind, subject_id, prev_hash, hash)
             SELECT seq + 1, at, actor_id, role, action, subject_kind, subject_id, hash, prev_hash
             FROM audit_log ORDER BY seq DESC LIMIT 1",
        ),
        (
            "swapped",
            "UPDATE audit_log SET seq = 1000 WHERE seq = 5; UPDATE audit_log SET seq = 5 WHERE seq = 6;
             UPDATE audit_log SET seq = 6 WHERE seq = 1000",
        ),
        ("anchored elsewhere", "UPDATE audit_anchor SET seq = 3"),
    ];
    for (what, sql) in forgeries {
        let bench = bench();
        forger(&bench).execute_batch(sql).unwrap();
        assert!(broken(&bench.store, None).is_some(), "{what}");
    }
}

#[test]
fn a_tail_that_was_cut_off_shows_to_who_kept_the_head() {
    let bench = bench();
    let head = bench.store.verify_audit(None).unwrap().head;
    forger(&bench).execute_batch("DELETE FROM audit_log WHERE seq > 9").unwrap();
    assert_eq!(broken(&bench.store, None), None, "what is left fits");
    let found = broken(&bench.store, Some(&head)).unwrap();
    assert!(found.contains("expected head is not in the chain"), "{found}");
}

#[test]
fn the_table_itself_refuses_changes_and_loses_rows_only_from_its_start() {
    let bench = bench();
    let raw = bench.raw();
    assert!(raw.execute("UPDATE audit_log SET at = 1 WHERE seq = 3", []).is_err());
    assert!(raw.execute("DELETE FROM audit_log WHERE seq = 3", []).is_err());
    assert_eq!(broken(&bench.store, None), None);
}

#[test]
fn old_rows_go_and_the_rest_still_fits() {
    let bench = bench();
    let head = bench.store.verify_audit(None).unwrap().head;
    bench.store.set_retention("audit_log", 3_600_000, Some(RetentionAction::Delete)).unwrap();
    let tomorrow = u64::MAX / 4;
    let report = bench.store.retain(tomorrow, true).unwrap();
    let due = report.policies.iter().find(|line| line.subject == "audit_log").unwrap().rows;
    assert_eq!((due, bench.count("audit_log")), (12, 13), "a dry run counts");
    let report = bench.store.retain(tomorrow, false).unwrap();
    assert_eq!(report.policies.iter().find(|line| line.subject == "audit_log").unwrap().rows, 12);
    // The newest row stays, and what retention itself wrote.
    assert_eq!(broken(&bench.store, None), None);
    assert!(
        broken(&bench.store, Some(&head)).is_some_and(|why| why.contains("retention let it go")) || {
            // The head may be the anchor itself.
            bench.count(&format!("audit_anchor WHERE hash = '{head}'")) == 1
        }
    );
    assert_eq!(bench.count("audit_log WHERE seq <= (SELECT seq FROM audit_anchor)"), 0);
    bench.store.event("info", "test", "kind", "later", &Value::Null).unwrap();
    assert_eq!(broken(&bench.store, None), None);
}

#[test]
fn the_log_is_listed_by_who_what_and_on_what() {
    let bench = bench();
    let ada = bench.store.user("ada").unwrap().id;
    let of_ada = AuditFilter { subject: Some(ada.clone()), ..AuditFilter::default() };
    let actions: Vec<_> = bench.store.audit(&of_ada).unwrap().into_iter().map(|line| line.action).collect();
    assert_eq!(actions, ["user.role", "user.add"]);
    let events = AuditFilter { action: Some("event.".to_owned()), limit: 3, ..AuditFilter::default() };
    let lines = bench.store.audit(&events).unwrap();
    assert_eq!(lines.iter().map(|line| line.seq).collect::<Vec<_>>(), [12, 11, 10]);
    let by_ada = AuditFilter { actor: Some(ada), ..AuditFilter::default() };
    assert!(bench.store.audit(&by_ada).unwrap().is_empty());
    let role = &bench.store.audit(&of_ada).unwrap()[0];
    assert_eq!(
        (&role.before, &role.after),
        (&Some(serde_json::json!({"role": "runner"})), &Some(serde_json::json!({"role": "admin"})))
    );
}

/// Names and handles are what somebody may ask to have erased.
#[test]
fn the_log_holds_no_text_of_a_user() {
    let bench = Bench::new();
    bench.store.add_user("zirkonquax", Role::Runner).unwrap();
    bench.store.add_handle("zirkonquax", "email", "zirkonquax@example.org").unwrap();
    bench.store.rename_user("zirkonquax", "zirkonquax the second").unwrap();
    bench.store.add_todo("zirkonquax must do it", None, Some("zirkonquax the second")).unwrap();
    bench.store.event("info", "zirkonquax", "zirkonquax", "zirkonquax", &Value::Null).unwrap();
    let rows: String = bench
        .raw()
        .query_row(
            "SELECT group_concat(action || subject_kind || subject_id || coalesce(before, '')
            || coalesce(after, '')) FROM audit_log",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert!(rows.contains("user.rename") && !rows.contains("zirkonquax"), "{rows}");
}
