//! `stratagem db health`, `check`, `repair`, `backup`, `verify`, `restore` and `rekey`, as an operator types them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::harness::{Host, Kept, PROBE, Said, identity, is_encrypted};

/// A host with one stored run; `more` of them, started later.
fn solve(host: &Host, name: &str, n: usize) {
    host.write(name, identity(n));
    host.succeeds(&["solve", name, "--strategy", PROBE]);
}

fn parse(said: &Said) -> Value {
    serde_json::from_str(&said.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", said.stdout, said.stderr))
}

/// The tables without those that tell of the copying itself.
fn content(host: &Host) -> Kept {
    match host.kept() {
        Kept::Tables(mut tables) => {
            tables.remove("audit_log");
            tables.remove("backups");
            Kept::Tables(tables)
        }
        other => other,
    }
}

#[test]
fn a_backup_is_made_verified_and_put_back() {
    let host = Host::with_a_run();
    let text = host.succeeds(&["db", "backup"]);
    assert!(text.contains("data/backups/stratagem-2") && text.contains("copied and verified"), "{text}");
    let made = host.json(&["db", "backup", "copy.db", "--method", "vacuum-into", "--json"]);
    assert_eq!((&made["rows"]["runs"], &made["dangling"]), (&1.into(), &0.into()));
    host.refuses("again", &["db", "backup", "copy.db"], 1, &["copy.db is there already"]);
    let verified = host.json(&["db", "verify", "copy.db", "--json"]);
    assert_eq!((&verified["digest"], &verified["rows"]), (&made["digest"], &made["rows"]));
    let kept = content(&host);
    solve(&host, "later.json", 8);
    assert_eq!(host.stored(), 2);
    let restored = host.json(&["db", "restore", "copy.db", "--json"]);
    assert_eq!(restored["backup"]["digest"], made["digest"]);
    assert!(content(&host) == kept);
    let aside = restored["aside"].as_str().unwrap();
    assert!(aside.contains("stratagem.db.before-restore-2"), "{aside}");
    assert!(host.succeeds(&["db", "verify", aside]).contains("sound"));
    assert!(host.succeeds(&["runs", "replay", "--last", "1"]).contains("1 of 1 runs gave the same"));
}

#[test]
fn a_restore_waits_for_nobody_and_takes_nothing_that_is_not_sound() {
    let host = Host::with_a_run();
    host.succeeds(&["db", "backup", "copy.db"]);
    let db = host.db();
    let _: i64 = db.query_row("SELECT count(*) FROM runs", [], |row| row.get(0)).unwrap();
    host.refuses("in use", &["db", "restore", "copy.db"], 1, &["is open in another program"]);
    drop(db);
    let bytes = fs::read(host.path("copy.db")).unwrap();
    host.write("cut.db", &bytes[..bytes.len() / 2]);
    host.write("text.db", "nothing of the kind");
    for (name, says) in
        [("cut.db", "is not sound"), ("text.db", "not a SQLite database"), ("no.db", "no such file")]
    {
        host.refuses(name, &["db", "restore", name], 1, &[name, says]);
        host.refuses(name, &["db", "verify", name], 1, &[name, says]);
    }
    assert_eq!(fs::read(host.path("cut.db")).unwrap(), &bytes[..bytes.len() / 2]);
}

#[test]
fn a_check_finds_damage_a_repair_mends_it_and_a_salvage_saves_the_rest() {
    let host = Host::with_a_run();
    solve(&host, "later.json", 8);
    assert!(host.succeeds(&["db", "check"]).contains("12 checks: page, foreign_key, search_index"));
    let db = host.db();
    db.execute_batch("DELETE FROM run_tasks; INSERT INTO episodes_fts (episodes_fts) VALUES ('delete-all')")
        .unwrap();
    drop(db);
    let said = host.run(&["db", "check", "--json"]);
    assert_eq!(said.status, Some(1), "{}{}", said.stdout, said.stderr);
    let names: Vec<String> = parse(&said)["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["search_index", "link"]);
    let said = host.run(&["db", "check"]);
    assert!(
        said.stdout.contains("`stratagem db repair`") && said.stderr.contains("found something"),
        "{said:?}"
    );
    let text = host.succeeds(&["db", "repair", "--only", "indexes"]);
    assert!(text.contains("episodes_fts") && !text.contains("mended"), "{text}");
    let text = host.succeeds(&["db", "repair"]);
    assert!(text.contains("mended run_tasks: 2 rows"), "{text}");
    host.succeeds(&["db", "check"]);
    assert!(host.succeeds(&["runs", "replay", "--last", "2"]).contains("2 of 2 runs gave the same"));
    // The page where a table begins goes bad.
    let page: i64 = host.one("SELECT rootpage FROM sqlite_schema WHERE name = 'steps'");
    let mut bytes = fs::read(host.database()).unwrap();
    let at = (page as usize - 1) * 4096;
    bytes[at..at + 4_096].fill(0xEE);
    fs::write(host.database(), &bytes).unwrap();
    assert_eq!(host.run(&["db", "check"]).status, Some(1));
    let salvaged = host.json(&["db", "repair", "--salvage", "saved.db", "--json"]);
    assert_eq!(
        (&salvaged["file"]["rows"]["runs"], &salvaged["file"]["rows"]["steps"]),
        (&2.into(), &0.into())
    );
    assert!(salvaged["tables"]["steps"]["fault"].is_string(), "{salvaged}");
    assert_eq!(fs::read(host.database()).unwrap().len(), bytes.len(), "the damaged file stays");
    host.succeeds(&["db", "restore", "saved.db"]);
    assert_ne!(host.run(&["db", "health"]).status, Some(2));
    assert!(host.succeeds(&["runs", "replay", "--last", "2"]).contains("2 of 2 runs gave the same"));
}

#[test]
fn health_says_what_is_wrong_by_status_words_and_json() {
    let host = Host::with_a_run();
    let said = host.run(&["db", "health"]);
    assert_eq!(said.status, Some(1), "{said:?}");
    assert!(
        said.stdout.contains("backup_age_ms: never") && said.stdout.contains("stratagem db backup"),
        "{said:?}"
    );
    assert!(said.stderr.contains("the database is degraded: ") && said.stderr.contains("hint: "), "{said:?}");
    host.succeeds(&["db", "backup"]);
    let vitals = parse(&host.run(&["db", "health", "--json"]));
    let reasons = vitals["reasons"].as_array().unwrap();
    assert!(reasons.iter().all(|one| one["name"] != "backup_age_ms"), "{reasons:?}");
    assert!(vitals["write_us_median"].as_u64().unwrap() > 0);
    assert_eq!(vitals["encrypted"], is_encrypted());
    host.db()
        .execute_batch(
            "INSERT INTO queue (id, kind, payload, run_at, created_at, updated_at) VALUES ('j', 'k', '{}', 0, 0, 0)",
        )
        .unwrap();
    let said = host.run(&["db", "health", "--json"]);
    assert_eq!((said.status, &parse(&said)["verdict"]), (Some(2), &"failing".into()), "{said:?}");
}

#[test]
fn a_place_without_database_says_so_to_every_one_of_them() {
    let host = Host::new();
    let commands: [&[&str]; 4] =
        [&["db", "health"], &["db", "check"], &["db", "repair"], &["db", "backup", "copy.db"]];
    for args in commands {
        host.refuses(&args.join(" "), args, 1, &["no database at data/stratagem.db"]);
    }
    assert!(!host.database().exists() && !host.path("copy.db").exists());
}

#[test]
fn a_key_comes_from_the_environment_or_a_private_file_and_never_quietly() {
    const VARIABLE: &str = "STRATAGEM_DB_KEY";
    let host = Host::with_a_run();
    let with = |key: &str, args: &[&str]| Said::of(host.command(args).env(VARIABLE, key).output().unwrap());
    let without = |args: &[&str]| Said::of(host.command(args).env_remove(VARIABLE).output().unwrap());
    let hex = "3c".repeat(32);
    host.write("stratagem.toml", "[encryption]\nkey_file = \"db.key\"\n");
    host.write("db.key", &hex);
    let mode = |mode| fs::set_permissions(host.path("db.key"), fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    without(&["runs", "list"]).refused(
        "open to others",
        1,
        &["db.key can be read by others: mode 644", "chmod 600"],
    );
    mode(0o600);
    with("short", &["runs", "list"]).refused(
        "short",
        1,
        &[VARIABLE, "5 characters long", "openssl rand -hex 32"],
    );
    let before = fs::read(host.database()).unwrap();
    let other = with(&hex, &["runs", "list"]);
    if !stratagem_store::can_encrypt() {
        other.refused("no encryption", 1, &["built without encryption", "--features sqlcipher"]);
        without(&["db", "rekey", "--key-file", "db.key"]).refused(
            "no encryption",
            1,
            &["built without encryption"],
        );
    } else if is_encrypted() {
        other.refused("another key", 1, &["cannot be read with this key", "left as it was"]);
        fs::remove_file(host.path("stratagem.toml")).unwrap();
        without(&["runs", "list"]).refused("no key", 1, &["seems to be encrypted", VARIABLE]);
    } else {
        other.refused("a plain file", 1, &["is not encrypted, and a key is given", "db rekey"]);
        let fresh = host.path("empty.toml");
        host.write("empty.toml", "");
        let plain = ["--config", fresh.to_str().unwrap()];
        let args = [&["db", "rekey", "--key-file", "db.key"], &plain[..]].concat();
        assert!(without(&args).succeeded(&args).contains("encrypted with the new key"));
        let args = ["runs", "list"];
        assert!(without(&args).succeeded(&args).contains("probe"), "the settings name the key's file");
        without(&[&args[..], &plain[..]].concat()).refused("no key", 1, &["seems to be encrypted", VARIABLE]);
        let said = without(&["db", "rekey"]);
        said.refused("no new key", 2, &["no new key", "STRATAGEM_DB_NEW_KEY"]);
        assert!(!has(&host.database(), b"before"), "the task's id cannot be read");
        return;
    }
    assert_eq!(fs::read(host.database()).unwrap(), before);
}

fn has(file: &Path, text: &[u8]) -> bool {
    fs::read(file).unwrap().windows(text.len()).any(|part| part == text)
}
