//! What the store costs over its engines, as ratios of one process on one machine: `just bench`.
//!
//! Each figure is taken in turns with what it is held against, the raw engine doing the same work; a ratio is the median
//! of the turns' ratios, so that a busy neighbour weighs on both alike. `-- --json` prints them for a program.

#[path = "../tests/store/fixtures.rs"]
mod fixtures;

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redb::{Database, ReadableDatabase, TableDefinition};
use rusqlite::{Connection, TransactionBehavior, params};
use serde_json::json;
use stratagem_domain::{Ledger, Split};
use stratagem_store::{Nearest, OutcomeRecord, Recorder, RecorderOptions, Shelf, Store};
use tempfile::TempDir;

use fixtures::{COMPONENT, WORLD, plugin, set, solved, task};

const TURNS: usize = 9;

/// A part of the report, and what measures it.
type Line = (&'static str, fn(&mut Table));

fn main() {
    let mut table = Table::default();
    let all: [Line; 6] = [
        ("recorder", recorder),
        ("hot", hot),
        ("copies", copies),
        ("queue", queue),
        ("search", search),
        ("nearest", nearest),
    ];
    let asked: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    for (name, measure) in all {
        if asked.is_empty() || asked.iter().any(|asked| asked == name) {
            measure(&mut table);
        }
    }
    table.print(std::env::args().any(|arg| arg == "--json"));
}

/// Rows of about 450 bytes, as fast as they go, until all are committed.
fn recorder(table: &mut Table) {
    const ROWS: u64 = 20_000;
    let options = RecorderOptions::default();
    let recorded = |options: RecorderOptions| {
        let place = Place::new();
        let recorder = Recorder::start(Arc::new(place.open()), options).unwrap();
        let records: Vec<OutcomeRecord> = (0..ROWS).map(outcome).collect();
        let time = clocked(|| {
            for record in records {
                recorder.record(record).unwrap();
            }
            recorder.flush();
        });
        assert_eq!(recorder.stats().recorded, ROWS);
        time
    };
    let turns = Turns::take(TURNS, || {
        let ours = recorded(options);
        let small = recorded(RecorderOptions { batch: 100, ..options });
        let place = Place::new();
        drop(place.open());
        let mut connection = place.raw();
        let records: Vec<OutcomeRecord> = (0..ROWS).map(outcome).collect();
        let raw = clocked(|| records.chunks(options.batch).for_each(|batch| insert(&mut connection, batch)));
        [ours, raw, small]
    });
    let [ours, raw, small] = turns.medians();
    let rate = |time: Duration| format!("{:.0} rows a second", ROWS as f64 / time.as_secs_f64());
    table.figure("recorder", rate(ours));
    table.figure("recorder, batches of 100", rate(small));
    table.figure("raw batches of the same rows", rate(raw));
    table.at_least("recorder : raw batches", turns.ratio(1, 0), 0.7);
}

fn outcome(n: u64) -> OutcomeRecord {
    OutcomeRecord {
        idempotency_key: Some(format!("bench/{n:012}")),
        executed_at: 1_760_000_000_000 + n,
        run_id: format!("019a0000-0000-7000-8000-{:012}", n / 400),
        task_id: format!("019b0000-0000-7000-8000-{:012}", n % 400),
        score: (n % 11) as f64 / 10.0,
        duration_ms: n % 5_000,
        fuel_spent: n * 1_000,
        metrics: Some(
            json!({ "solved_at_1": n.is_multiple_of(3), "solved_at_2": n.is_multiple_of(2), "note": "x".repeat(150) }),
        ),
        ..OutcomeRecord::default()
    }
}

/// The same rows, by hand: ids, keys and JSON included.
fn insert(connection: &mut Connection, batch: &[OutcomeRecord]) {
    let transaction = connection.transaction().unwrap();
    let mut insert = transaction
        .prepare_cached(
            "INSERT INTO outcomes (id, executed_at, run_id, task_id, job_id, try, status, score, duration_ms, tokens,
                 cost_micros, fuel_spent, memory_peak_bytes, error_category, error_code, trajectory, metrics, evaluation_id,
                 config_version_id, idempotency_key)
             VALUES (?1, ?2, ?3, ?4, NULL, 0, 'success', ?5, ?6, 0, 0, ?7, 0, NULL, NULL, NULL, ?8, NULL, NULL, ?9)
             ON CONFLICT (idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING",
        )
        .unwrap();
    for record in batch {
        let id = uuid::Uuid::now_v7().to_string();
        let metrics = record.metrics.as_ref().map(ToString::to_string);
        insert
            .execute(params![
                id,
                record.executed_at as i64,
                record.run_id,
                record.task_id,
                record.score,
                record.duration_ms as i64,
                record.fuel_spent as i64,
                metrics,
                record.idempotency_key,
            ])
            .unwrap();
    }
    drop(insert);
    transaction.commit().unwrap();
}

/// A run that was read before, against the smallest read of `SQLite`: one row of `runs` by its key.
fn hot(table: &mut Table) {
    const RUNS: usize = 500;
    const READS: usize = 20_000;
    let place = Place::new();
    let store = place.open();
    let task = task("3c9b0459", 4);
    store.keep_component(&plugin("mirror"), WORLD, "{}", COMPONENT).unwrap();
    store.import(&set("bench", &[(Split::Training, task.clone())])).unwrap();
    let run = solved(plugin("mirror"), &task);
    let ids: Vec<String> = (0..RUNS).map(|_| store.record(&run, &task, None).unwrap()).collect();
    let order: Vec<usize> = (0..READS).map(|_| fastrand::usize(..RUNS)).collect();
    let connection = place.raw();
    let mut select = connection
        .prepare("SELECT id, task_digest, outcome, score, started_at, finished_at FROM runs WHERE id = ?1")
        .unwrap();
    ids.iter().for_each(|id| drop(store.shared_run(id).unwrap()));
    let turns = Turns::take(TURNS, || {
        let ours =
            clocked(|| order.iter().for_each(|&at| drop(black_box(store.shared_run(&ids[at]).unwrap()))));
        let raw = clocked(|| {
            for &at in &order {
                let row = select.query_row([&ids[at]], |row| {
                    let text = |column: usize| row.get::<_, String>(column);
                    Ok((text(0)?, text(1)?, text(2)?, row.get::<_, f64>(3)?, row.get::<_, i64>(4)?))
                });
                black_box(row.unwrap());
            }
        });
        let look = clocked(|| {
            for _ in &order {
                black_box(store.generation("runs").unwrap());
            }
        });
        [ours, raw, look]
    });
    let [ours, raw, look] = turns.medians().map(|time| time / READS as u32);
    table.figure("hot read of a run", us(ours));
    table.figure("SQLite's point read of its row", us(raw));
    table.figure("look whether a list is stale", us(look));
    table.at_most("hot read : 1 µs", ours.as_secs_f64() / 1e-6, 1.0);
    table.at_least("SQLite's point read : hot read", turns.ratio(1, 0), 25.0);
}

/// A copy of 450 bytes, against redb's own reads.
fn copies(table: &mut Table) {
    const ENTRIES: u64 = 10_000;
    const READS: usize = 20_000;
    const RAW: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("raw");
    let place = Place::new();
    let store = place.open();
    let key = |n: u64| format!("patterns@1760000000000 owner/domain/{n}");
    let value: Vec<u8> = (0..450).map(|_| fastrand::u8(..)).collect();
    (0..ENTRIES).for_each(|n| store.copies().put(Shelf::Patterns, &key(n), &value));
    store.copies().flush();
    let raw = Database::create(place.folder.path().join("raw.redb")).unwrap();
    let writing = raw.begin_write().unwrap();
    {
        let mut rows = writing.open_table(RAW).unwrap();
        (0..ENTRIES).for_each(|n| drop(rows.insert(key(n).as_str(), value.as_slice()).unwrap()));
    }
    writing.commit().unwrap();
    let keys: Vec<String> = (0..READS).map(|_| key(fastrand::u64(..ENTRIES))).collect();
    let turns = Turns::take(TURNS, || {
        let ours = clocked(|| {
            keys.iter().for_each(|key| drop(black_box(store.copies().get(Shelf::Patterns, key).unwrap())));
        });
        let raw = clocked(|| {
            for key in &keys {
                let rows = raw.begin_read().unwrap().open_table(RAW).unwrap();
                black_box(rows.get(key.as_str()).unwrap().unwrap().value().to_vec());
            }
        });
        [ours, raw]
    });
    let [ours, raw] = turns.medians().map(|time| time / READS as u32);
    table.figure("copy", us(ours));
    table.figure("redb's read of the same", us(raw));
    table.at_least("copies : raw redb", turns.ratio(1, 0), 0.7);
}

/// Claims through the writer, committed. A commit writes some eleven pages to the log whether it has one claim or eight
/// (callers that claim at once share one too), so a claim that is alone in it costs about what `SQLite` itself takes for
/// the same row, its indexes and its line of the audit log.
fn queue(table: &mut Table) {
    const CLAIMS: usize = 1_000;
    const TOGETHER: usize = 8;
    let (place, other) = (Place::new(), Place::new());
    let store = place.open();
    jobs_that_wait(&mut place.raw());
    drop(other.open());
    let mut connection = other.raw();
    jobs_that_wait(&mut connection);
    let claim = |kinds: &[&str], most: usize| {
        clocked(|| assert_eq!(store.claim_many("bench", kinds, most).unwrap().len(), most))
    };
    let (one, three) = (["evaluation"], ["cache-sweep", "optimize", "evaluation"]);
    let turns = Turns::take(CLAIMS, || {
        let raw = clocked(|| raw_claim(&mut connection));
        [claim(&one, 1), claim(&three, 1), claim(&one, TOGETHER), raw]
    });
    let [alone, among, together, raw] = turns.medians();
    let each = together / TOGETHER as u32;
    table.figure("claim with a commit of its own", us(alone));
    table.figure("claim by a worker of three kinds", us(among));
    table.figure("claim, 8 to a commit", us(each));
    table.figure("SQLite's own claim and commit", us(raw));
    table.figure("claim : SQLite's own", format!("{:.2}", turns.ratio(0, 3)));
    table.at_most("claim with a commit of its own : 50 µs", alone.as_secs_f64() / 50e-6, 1.0);
    table.at_most("claim, 8 to a commit : 50 µs", each.as_secs_f64() / 50e-6, 1.0);
}

/// A hundred thousand: one in ten is for later, one in ten of a kind that nobody here knows.
fn jobs_that_wait(connection: &mut Connection) {
    const WAITING: u64 = 100_000;
    let transaction = connection.transaction().unwrap();
    for n in 0..WAITING {
        let kind = if n % 10 == 3 { "backup" } else { "evaluation" };
        let run_at = if n % 10 == 4 { 4_000_000_000_000_i64 } else { n as i64 };
        transaction
            .prepare_cached(
                "INSERT INTO queue (id, kind, payload, priority, run_at, created_at, updated_at)
                 VALUES (?1, ?2, '{}', ?3, ?4, 0, 0)",
            )
            .unwrap()
            .execute(params![uuid::Uuid::now_v7().to_string(), kind, (n % 10 + 1) as i64, run_at])
            .unwrap();
    }
    transaction.commit().unwrap();
}

/// One claim of the highest priority, by hand.
fn raw_claim(connection: &mut Connection) {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    let mut claim = transaction
        .prepare_cached(
            "UPDATE queue SET status = 'in_progress', tries = tries + 1, lease_until = ?1 + timeout_ms, lease_token = ?2,
                 worker = 'bench', started_at = ?1, updated_at = ?1
             WHERE id = (SELECT id FROM queue INDEXED BY ix_queue_kind
                 WHERE status = 'pending' AND kind = 'evaluation' AND priority = 10 AND run_at <= ?1
                 ORDER BY run_at, id LIMIT 1)
             RETURNING id, payload",
        )
        .unwrap();
    let _: String =
        claim.query_row(params![1_760_000_000_000_i64, "0".repeat(32)], |row| row.get(0)).unwrap();
    drop(claim);
    transaction.commit().unwrap();
}

/// The ten best of the episodes that have two words, with their actions, among 100,000.
fn search(table: &mut Table) {
    const EPISODES: u64 = 100_000;
    const SEARCHES: u64 = 200;
    const LIMIT: usize = 10;
    let place = Place::new();
    let store = place.open();
    let owner = store.actor().id.clone();
    let mut connection = place.raw();
    let transaction = connection.transaction().unwrap();
    for n in 0..EPISODES {
        let id = uuid::Uuid::now_v7().to_string();
        let mut insert = transaction
            .prepare_cached(
                "INSERT INTO episodes (id, owner_id, task_type, domain, context, status, success_rate, summary, created_at)
                 VALUES (?1, ?2, 'arc', 'bench', ?3, 'completed', 1, ?4, ?5)",
            )
            .unwrap();
        let summary = format!("turn{} the grid and fill{} it with {}", n % 200, n % 300, n % 9_973);
        insert.execute(params![id, owner, format!("{n:08x}"), summary, n as i64]).unwrap();
        let mut insert = transaction
            .prepare_cached("INSERT INTO steps (episode_id, n, action, at) VALUES (?1, ?2, 'search', 0)")
            .unwrap();
        for step in 1..=2 {
            insert.execute(params![id, step]).unwrap();
        }
    }
    transaction.commit().unwrap();
    let ask = |n: u64| format!("turn{} AND fill{}", n % 200, n % 300);
    let turns = Turns::take(TURNS, || {
        let ours = clocked(|| {
            for n in 0..SEARCHES {
                let found = black_box(store.search_episodes(Some("bench"), &ask(n), LIMIT).unwrap());
                assert_eq!(found.len(), LIMIT);
            }
        });
        let raw = clocked(|| {
            (0..SEARCHES).for_each(|n| assert_eq!(raw_search(&connection, &owner, &ask(n), LIMIT), LIMIT));
        });
        [ours, raw]
    });
    let [ours, raw] = turns.medians().map(|time| time / SEARCHES as u32);
    table.figure("AND of two words, 10 of 100,000 episodes", us(ours));
    table.figure("the same of FTS5 itself", us(raw));
    table.at_most("search of episodes : FTS5 itself", turns.ratio(0, 1), 1.2);
}

/// What a search gives, asked of the tables as anybody would.
fn raw_search(connection: &Connection, owner: &str, asked: &str, limit: usize) -> usize {
    let mut select = connection
        .prepare_cached(
            "SELECT e.id, e.domain, e.context, e.success_rate, r.outcome
             FROM episodes_fts JOIN episodes e ON e.seq = episodes_fts.rowid LEFT JOIN runs r ON r.id = e.run_id
             WHERE episodes_fts MATCH ?1 AND e.owner_id = ?2 AND e.domain = 'bench'
                 AND e.status IN ('completed', 'failed')
             ORDER BY bm25(episodes_fts), e.id DESC LIMIT ?3",
        )
        .unwrap();
    let mut actions = connection
        .prepare_cached("SELECT action FROM steps WHERE episode_id = ?1 ORDER BY n LIMIT 100")
        .unwrap();
    let mut found = Vec::new();
    let mut rows = select.query(params![asked, owner, limit as i64]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let text = |column: usize| row.get::<_, Option<String>>(column).unwrap();
        let id = text(0).unwrap();
        let actions = actions.query_map([&id], |row| row.get::<_, String>(0)).unwrap();
        let actions: Vec<String> = actions.map(Result::unwrap).collect();
        found.push((id, text(1), text(2), row.get::<_, Option<f64>>(3).unwrap(), text(4), actions));
    }
    black_box(&found).len()
}

/// The ten nearest of 100,000 vectors, against the bare sums of products.
fn nearest(table: &mut Table) {
    const ROWS: usize = 100_000;
    const DIM: usize = 384;
    let random = || (0..DIM).map(|_| fastrand::f32() - 0.5).collect::<Vec<f32>>();
    let mut nearest = Nearest::with_capacity(DIM, ROWS);
    let mut rows = Vec::with_capacity(DIM * ROWS);
    for _ in 0..ROWS {
        let row = random();
        assert!(nearest.push(&row));
        rows.extend(row);
    }
    let query = random();
    let turns = Turns::take(TURNS * 2, || {
        let ours = clocked(|| drop(black_box(nearest.top(black_box(&query), 10))));
        let raw = clocked(|| {
            black_box(plain_loop(black_box(&rows), black_box(&query)));
        });
        [ours, raw]
    });
    let [ours, raw] = turns.medians();
    table.figure("top 10 of 100,000 × 384", us(ours));
    table.figure("the sums of products alone", us(raw));
    table.at_most("top 10 : sums of products", turns.ratio(0, 1), 1.3);
}

/// Eight sums at a time is what the compiler needs to use vector instructions; the largest is all that is kept.
fn plain_loop(rows: &[f32], query: &[f32]) -> f32 {
    let mut largest = f32::MIN;
    for row in rows.chunks_exact(query.len()) {
        let mut sums = [0.0_f32; 8];
        for (row, query) in row.chunks_exact(8).zip(query.chunks_exact(8)) {
            for lane in 0..8 {
                sums[lane] += row[lane] * query[lane];
            }
        }
        largest = largest.max(sums.iter().sum());
    }
    largest
}

/// A folder with a database.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("bench.db")
    }

    fn open(&self) -> Store {
        Store::open(&self.path()).unwrap()
    }

    /// A connection as the store's own are set up.
    fn raw(&self) -> Connection {
        raw(&self.path())
    }
}

fn raw(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    for (name, value) in
        [("foreign_keys", 1), ("synchronous", 1), ("secure_delete", 1), ("cache_size", 10_000)]
    {
        connection.pragma_update(None, name, value).unwrap();
    }
    connection
}

fn clocked(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}

/// Figures that were taken in turn, again and again.
struct Turns<const N: usize>(Vec<[Duration; N]>);

impl<const N: usize> Turns<N> {
    fn take(turns: usize, mut figures: impl FnMut() -> [Duration; N]) -> Self {
        Self((0..turns).map(|_| figures()).collect())
    }

    fn medians(&self) -> [Duration; N] {
        std::array::from_fn(|at| middle(self.0.iter().map(|turn| turn[at]).collect(), Duration::cmp))
    }

    fn ratio(&self, over: usize, under: usize) -> f64 {
        let ratio = |turn: &[Duration; N]| turn[over].as_secs_f64() / turn[under].as_secs_f64();
        middle(self.0.iter().map(ratio).collect(), f64::total_cmp)
    }
}

fn middle<T: Copy>(mut values: Vec<T>, order: impl Fn(&T, &T) -> std::cmp::Ordering) -> T {
    values.sort_unstable_by(order);
    values[values.len() / 2]
}

fn us(time: Duration) -> String {
    format!("{:.2} µs", time.as_secs_f64() * 1e6)
}

/// What was measured, and the bound of each ratio.
#[derive(Default)]
struct Table {
    figures: Vec<(&'static str, String)>,
    ratios: Vec<Ratio>,
}

struct Ratio {
    what: &'static str,
    found: f64,
    bound: f64,
    is_least: bool,
}

impl Ratio {
    fn holds(&self) -> bool {
        if self.is_least { self.found >= self.bound } else { self.found <= self.bound }
    }

    fn side(&self) -> &'static str {
        if self.is_least { "at least" } else { "at most" }
    }
}

impl Table {
    fn figure(&mut self, what: &'static str, found: String) {
        self.figures.push((what, found));
    }

    fn at_least(&mut self, what: &'static str, found: f64, bound: f64) {
        self.ratios.push(Ratio { what, found, bound, is_least: true });
    }

    fn at_most(&mut self, what: &'static str, found: f64, bound: f64) {
        self.ratios.push(Ratio { what, found, bound, is_least: false });
    }

    fn print(&self, as_json: bool) {
        if as_json {
            let figures: serde_json::Map<_, _> =
                self.figures.iter().map(|(what, found)| ((*what).to_owned(), json!(found))).collect();
            let ratio = |ratio: &Ratio| {
                let told = json!({ "found": ratio.found, ratio.side().replace(' ', "_"): ratio.bound });
                (ratio.what.to_owned(), told)
            };
            let ratios: serde_json::Map<_, _> = self.ratios.iter().map(ratio).collect();
            println!("{:#}", json!({ "figures": figures, "ratios": ratios }));
            return;
        }
        self.figures.iter().for_each(|(what, found)| println!("{what:<44}{found}"));
        println!();
        for ratio in &self.ratios {
            let verdict = if ratio.holds() { "" } else { "   BEYOND" };
            println!("{:<44}{:>9.3}   {} {}{verdict}", ratio.what, ratio.found, ratio.side(), ratio.bound);
        }
        if !self.ratios.iter().all(Ratio::holds) {
            println!("\na bound was missed: run it again on a quiet machine before believing it");
        }
    }
}
