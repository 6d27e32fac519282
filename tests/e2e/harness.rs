use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rusqlite::types::{FromSql, Value as Sql};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The plugin that behaves as the setting `act` says.
pub const PROBE: &str = "guests/probe";
/// The plugin that uses `artifacts` without asking for it.
pub const GREEDY: &str = "guests/greedy";

/// The plugin that was built from the frozen contract 0.1.0.
pub const SINCE_0_1_0: &str = "guests/since-0-1-0";
/// The plugin that breaks the rule whose name is written into its component.
pub const FAULTY: &str = "guests/faulty";

/// The plugin that uses the part of WASI that the setting `act` names.
pub const WASI_PROBE: &str = "guests/wasi-probe";

/// The plugin that asks of memory and artifacts what the setting `calls` says.
pub const LENT_PROBE: &str = "guests/lent-probe";

/// Long enough for a loaded machine; nothing waits that long where all is well.
const PATIENCE: Duration = Duration::from_mins(1);

/// An installation of its own: a folder that is home, working folder and data folder in one.
pub struct Host {
    folder: TempDir,
    data: PathBuf,
}

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Said {
    /// None where a signal ended it.
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Every table but `system_events`, row by row; or the bytes of a file that is no database.
#[derive(Debug, PartialEq, Eq)]
pub enum Kept {
    Nothing,
    Tables(BTreeMap<String, Vec<String>>),
    Bytes(Vec<u8>),
}

impl Host {
    /// A folder with nothing in it.
    pub fn empty() -> Self {
        Self { folder: TempDir::new().unwrap(), data: PathBuf::from("data") }
    }

    /// A folder with copies of the fixture plugins, and nothing stored.
    pub fn new() -> Self {
        let host = Self::empty();
        for plugin in [PROBE, GREEDY, SINCE_0_1_0, WASI_PROBE, FAULTY, LENT_PROBE] {
            let built = guests().join(Path::new(plugin).file_name().unwrap());
            for file in ["plugin.toml", "component.wasm"] {
                let from = built.join(file);
                let bytes = fs::read(&from).unwrap_or_else(|error| {
                    panic!("{}: {error}\n  hint: run `just guests` before the tests", from.display())
                });
                host.write(&format!("{plugin}/{file}"), bytes);
            }
        }
        host
    }

    /// As [`Self::new`], with one stored run of the task `before`, so that there is something to lose.
    pub fn with_a_run() -> Self {
        let host = Self::new();
        host.write("before.json", identity(7));
        host.succeeds(&["solve", "before.json", "--strategy", PROBE]);
        host
    }

    /// Keeps the data elsewhere: `data` below the working folder where nobody says so.
    pub fn keep_in(&mut self, data: &str) {
        self.data = PathBuf::from(data);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, and its folders where there are none.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Writes `tasks/t00.json` and so on: as many tasks, each solved by its own input.
    pub fn write_tasks(&self, count: usize) {
        (0..count).for_each(|at| self.write(&format!("tasks/t{at:02}.json"), identity(at)));
    }

    /// Writes the `stratagem.toml` that the commands find: `top`, then what the probe does.
    pub fn probe_does(&self, top: &str, settings: &str) {
        self.write("stratagem.toml", format!("{top}\n[settings.probe]\n{settings}\n"));
    }

    /// The program in this home and folder, without any flags.
    pub fn bare(&self, args: &[&str]) -> Command {
        let mut command = self.at_home(env!("CARGO_BIN_EXE_stratagem"));
        command.args(args);
        command
    }

    /// Any program in this home and folder.
    pub fn at_home(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let home = self.folder.path();
        command.current_dir(home).env("HOME", home).env("XDG_CONFIG_HOME", home.join("config"));
        command.env("XDG_DATA_HOME", home.join("share")).env_remove("NO_COLOR").stdin(Stdio::null());
        command
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.bare(args);
        command.arg("--data-dir").arg(&self.data).args(["--color", "never"]);
        command
    }

    pub fn run(&self, args: &[&str]) -> Said {
        Said::of(self.command(args).output().unwrap())
    }

    /// Runs a command whose stdout goes elsewhere.
    pub fn run_into(&self, args: &[&str], stdout: impl Into<Stdio>) -> Said {
        Said::of(self.command(args).stdout(stdout).output().unwrap())
    }

    /// Starts a command and does not wait for it.
    pub fn start(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs a command that must end well, and returns its stdout.
    pub fn succeeds(&self, args: &[&str]) -> String {
        self.run(args).succeeded(args)
    }

    /// Runs a command that must end well and print JSON.
    pub fn json(&self, args: &[&str]) -> Value {
        let text = self.succeeds(args);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{args:?}: {error}: {text}"))
    }

    /// Runs a command that must be refused in words, with a hint, and change nothing that is stored.
    pub fn refuses(&self, case: &str, args: &[&str], status: i32, words: &[&str]) {
        let before = self.kept();
        let said = self.run(args);
        said.refused(case, status, words);
        assert!(before == self.kept(), "{case}: the database changed");
    }

    pub fn database(&self) -> PathBuf {
        self.folder.path().join(&self.data).join("stratagem.db")
    }

    pub fn db(&self) -> Connection {
        raw(&self.database()).unwrap()
    }

    /// The first column of the first row.
    pub fn one<T: FromSql>(&self, sql: &str) -> T {
        self.db().query_row(sql, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    pub fn kept(&self) -> Kept {
        let path = self.database();
        if !path.exists() {
            return Kept::Nothing;
        }
        let tables = || tables(&raw(&path)?, |_, _| true);
        tables().map_or_else(|_| Kept::Bytes(fs::read(&path).unwrap()), Kept::Tables)
    }

    /// How many runs are stored; none where there is no database yet.
    pub fn stored(&self) -> i64 {
        self.number("SELECT count(*) FROM runs")
    }

    /// A count while a command may be at work; 0 where it cannot be told yet.
    fn number(&self, sql: &str) -> i64 {
        let count = || {
            let db = raw(&self.database())?;
            db.query_row(sql, [], |row| row.get(0))
        };
        count().unwrap_or(0)
    }

    /// Waits until a running command has stored so many runs; true where it did before it ended.
    pub fn waits_for_runs(&self, wanted: i64, child: &mut Child) -> bool {
        self.waits_until("SELECT count(*) FROM runs", wanted, child)
    }

    /// Waits until a query counts so many; true where it did before the command ended.
    pub fn waits_until(&self, sql: &str, wanted: i64, child: &mut Child) -> bool {
        let started = Instant::now();
        while self.number(sql) < wanted {
            assert!(started.elapsed() < PATIENCE, "{sql}: no {wanted} in {PATIENCE:?}");
            if child.try_wait().unwrap().is_some() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        true
    }
}

/// A connection to a file that is there, past the program; with the key that the whole suite may run with.
pub fn raw(path: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    if let Ok(key) = std::env::var("STRATAGEM_DB_KEY") {
        db.query_row(&format!("PRAGMA key = \"x'{key}'\""), [], |_| Ok(()))?;
    }
    Ok(db)
}

/// True where the whole suite runs on encrypted databases.
pub fn is_encrypted() -> bool {
    std::env::var_os("STRATAGEM_DB_KEY").is_some()
}

impl Said {
    pub fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("what the program says is UTF-8");
        Self { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    pub fn succeeded(self, args: &[&str]) -> String {
        assert_eq!(self.status, Some(0), "{args:?}: {}{}", self.stdout, self.stderr);
        self.stdout
    }

    /// Holds a refusal to the house's form: what, where, what to do; nothing on stdout.
    pub fn refused(&self, case: &str, status: i32, words: &[&str]) {
        let Self { stdout, stderr, .. } = self;
        assert_eq!(self.status, Some(status), "{case}: {stdout}{stderr}");
        assert_eq!(stdout, "", "{case}: a refusal says nothing on stdout");
        assert!(stderr.starts_with("error: "), "{case}: {stderr}");
        for word in words {
            assert!(stderr.contains(word), "{case}: {stderr}does not say {word:?}");
        }
        assert!(stderr.lines().any(|line| line.trim_start().starts_with("hint: ")), "{case}: {stderr}");
        let hidden = ["panicked", "RUST_BACKTRACE", ".tmp"];
        assert!(hidden.iter().all(|word| !stderr.contains(word)), "{case}: {stderr}");
    }
}

/// Every row of every table but `system_events`, of the columns that `wanted` lets through, sorted. Columns that are
/// generated and tables of an index repeat what others say.
pub fn tables(
    db: &Connection,
    wanted: impl Fn(&str, &str) -> bool,
) -> rusqlite::Result<BTreeMap<String, Vec<String>>> {
    let mut select =
        db.prepare("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'")?;
    let names = select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
    let kept = names.into_iter().filter(|name| name != "system_events" && !name.starts_with("sqlite_"));
    kept.map(|name| Ok((name.clone(), rows(db, &name, |column| wanted(&name, column))?))).collect()
}

fn rows(db: &Connection, table: &str, wanted: impl Fn(&str) -> bool) -> rusqlite::Result<Vec<String>> {
    let mut select = db.prepare(&format!("SELECT * FROM {table}"))?;
    let columns = db
        .prepare("SELECT name FROM pragma_table_xinfo(?1) WHERE hidden = 0")?
        .query_map([table], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<String>>>()?;
    let text = |row: &rusqlite::Row<'_>| {
        let mut cells = Vec::new();
        for column in columns.iter().filter(|column| wanted(column)) {
            cells.push(format!("{column} {:?}", row.get::<_, Sql>(column.as_str())?));
        }
        Ok(cells.join(", "))
    };
    let mut rows = select.query_map([], text)?.collect::<rusqlite::Result<Vec<String>>>()?;
    rows.sort_unstable();
    Ok(rows)
}

/// Says which part of a test could not be done here.
pub fn skipped(why: &str) {
    told(&format!("skipped: {why}"));
}

/// Says a line to who runs the tests; the print macros are captured, and this is not.
pub fn told(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// What Ctrl-C sends.
pub fn interrupt(child: &Child) {
    let signal = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(signal.success());
}

/// Lets a command build plugins: the toolchain lies in the home that tests replace, and what plugins are made of
/// in the target folder of the fixtures.
pub fn builds(command: &mut Command) -> &mut Command {
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    for (name, folder) in [("CARGO_HOME", home.join(".cargo")), ("RUSTUP_HOME", home.join(".rustup"))] {
        if std::env::var_os(name).is_none() && folder.is_dir() {
            command.env(name, folder);
        }
    }
    // Cargo sets it for its tests, for libraries of a compiler that need not be the plugins'.
    command.env("CARGO_TARGET_DIR", guests().with_file_name("guest-build")).env_remove("LD_LIBRARY_PATH")
}

/// A task whose output is its input; `n` tells it from others.
pub fn identity(n: usize) -> String {
    let row = [n / 100 % 10, n / 10 % 10, n % 10];
    task(&json!([[[row], [row]]]), &json!([[[row], [row]]]))
}

/// A task file of pairs; a test without output is a pair of one grid.
pub fn task(train: &Value, test: &Value) -> String {
    let pairs = |pairs: &Value| -> Vec<Value> {
        let pair = |pair: &Value| match pair.as_array().map(Vec::as_slice) {
            Some([input, output]) => json!({"input": input, "output": output}),
            Some([input]) => json!({"input": input}),
            _ => panic!("a pair is one or two grids: {pair}"),
        };
        pairs.as_array().unwrap().iter().map(pair).collect()
    };
    json!({"train": pairs(train), "test": pairs(test)}).to_string()
}

/// A component as text becomes bytes.
pub fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"))
}

/// A well-behaved plugin that offers nothing.
pub fn calm() -> Vec<u8> {
    component(include_str!("calm.wat"))
}

fn guests() -> PathBuf {
    let built = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guests");
    std::env::var_os("STRATAGEM_GUESTS").map_or_else(built, PathBuf::from)
}
