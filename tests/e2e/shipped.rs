//! The shipped strategies, built by `just plugins`, from solving to learning to solving with what was learned.

use serde_json::{Value, json};

use crate::harness::{Host, task};

/// Enough for the small tasks here, and to learn from them.
const FUEL: &str = "4000000000";

/// A patch of 3 × 3 somewhere on black, by number.
fn patch(number: usize) -> (Vec<Vec<u64>>, Vec<Vec<u64>>) {
    let cell = |x: usize, y: usize| {
        let n = ((number << 16 | x << 8 | y) as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        1 + ((n ^ n >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 40) % 8
    };
    let (left, top) = (number % 4, number / 4 % 3);
    let on = |x: usize, y: usize| (left..left + 3).contains(&x) && (top..top + 3).contains(&y);
    let seen = |x, y| if on(x, y) { cell(x - left, y - top) } else { 0 };
    let whole = (0..6).map(|y| (0..7).map(|x| seen(x, y)).collect()).collect();
    let alone = (0..3).map(|y| (0..3).map(|x| cell(x, y)).collect()).collect();
    (whole, alone)
}

/// Tasks that want the patch cut out and turned in one of three ways: two steps each.
fn write_tasks(host: &Host, folder: &str, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let pair = |at: usize| {
            let (whole, alone) = patch(number * 10 + at);
            let turned: Vec<Vec<u64>> = match number % 3 {
                0 => alone.iter().rev().cloned().collect(),
                1 => alone.iter().map(|row| row.iter().rev().copied().collect()).collect(),
                _ => (0..3).map(|x| (0..3).map(|y| alone[y][x]).collect()).collect(),
            };
            json!([whole, turned])
        };
        let train: Vec<Value> = (0..3).map(pair).collect();
        host.write(&format!("{folder}/t{number:02}.json"), task(&json!(train), &json!([pair(3)])));
    }
    host.succeeds(&["tasks", "import", folder, "--name", folder]);
}

/// What the newest runs of a strategy said in a step of that name.
fn steps(host: &Host, strategy: &str, action: &str) -> Vec<String> {
    let sql =
        "SELECT s.result FROM steps s JOIN episodes e ON e.id = s.episode_id JOIN runs r ON r.id = e.run_id
        JOIN plugin_versions v ON v.id = r.plugin_version_id JOIN plugins p ON p.id = v.plugin_id
        WHERE p.name = ?1 AND s.action = ?2 ORDER BY r.started_at DESC, s.n";
    let db = host.db();
    let mut select = db.prepare(sql).unwrap();
    let said = select.query_map([strategy, action], |row| row.get(0)).unwrap();
    said.collect::<Result<_, _>>().unwrap()
}

#[test]
fn shipped_strategies_solve_learn_and_solve_with_what_they_learned() {
    let host = Host::empty();
    write_tasks(&host, "seen", 0..6);
    write_tasks(&host, "fresh", 6..9);
    let solve = |what: &'static str, strategy: &'static str| {
        host.succeeds(&["solve", what, "--strategy", strategy, "--fuel", FUEL, "--json", "report.json"]);
        let report: Value =
            serde_json::from_slice(&std::fs::read(host.path("report.json")).unwrap()).unwrap();
        report["summary"]["solved_at_2"].as_u64().unwrap()
    };
    assert_eq!(solve("seen", "synthesis"), 6);
    // Untrained, both search by what they ship with.
    assert_eq!((solve("fresh", "evolution"), solve("fresh", "imitation")), (3, 3));
    assert!(
        steps(&host, "evolution", "remember").iter().all(|said| said == "0 programs, 0 that do not parse")
    );
    assert!(steps(&host, "imitation", "load")[0].starts_with("no policy learned yet"));

    for strategy in ["evolution", "imitation"] {
        let learned =
            host.json(&["learn", "--strategy", strategy, "--from", "seen", "--fuel", FUEL, "--json"]);
        assert_eq!(learned[0]["lessons"], 6, "{learned}");
        let words =
            ["has learned from", "hint: score it on other tasks, or learn again", "--apart-from", "in folds"];
        host.refuses(strategy, &["solve", "seen", "--strategy", strategy], 2, &words);
    }
    assert!(host.one::<i64>("SELECT count(*) FROM patterns WHERE data LIKE '% > %'") > 0);
    // A pattern that is no program is skipped and counted.
    let spoil = "UPDATE patterns SET data = 'no program' WHERE id = (SELECT min(id) FROM patterns)";
    assert_eq!(host.db().execute(spoil, []).unwrap(), 1);
    assert_eq!((solve("fresh", "evolution"), solve("fresh", "imitation")), (3, 3));
    let remembered = &steps(&host, "evolution", "remember")[0];
    assert!(remembered.ends_with(", 1 that do not parse"), "{remembered}");
    assert!(!remembered.starts_with("0 "), "{remembered}");
    let loaded = &steps(&host, "imitation", "load")[0];
    assert!(loaded.starts_with("a policy trained on 6 lessons"), "{loaded}");

    // An artifact that is something else is refused by name, and the strategy works without it.
    let swap =
        "UPDATE learned_artifacts SET digest = (SELECT digest FROM artifacts WHERE media_type LIKE '%wasm%')
        WHERE name = 'policy'";
    assert_eq!(host.db().execute(swap, []).unwrap(), 1);
    assert_eq!(solve("fresh", "imitation"), 3);
    assert!(steps(&host, "imitation", "load")[0].starts_with("no policy learned yet"));
    assert!(
        host.one::<i64>("SELECT count(*) FROM run_logs WHERE message LIKE 'artifact `policy`: not ours%'")
            > 0
    );
}
