//! A PostgreSQL of this test's own: in a folder that goes when it ends, on a socket that nobody else knows.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Long enough for a loaded machine; nothing waits that long where all is well.
const PATIENCE: Duration = Duration::from_mins(1);

pub struct Server {
    programs: PathBuf,
    /// Whom it runs as, where this is root: it refuses root.
    user: Option<&'static str>,
    folder: TempDir,
    child: Option<Child>,
}

/// A database of its own in a server that tests share while they run.
pub struct Database {
    server: Arc<Server>,
    name: String,
}

impl Database {
    /// None where there is no PostgreSQL; this is said.
    pub fn new(name: &str) -> Option<Self> {
        static SERVER: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut shared = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
        let server = match shared.upgrade() {
            Some(server) => server,
            None => Arc::new(Server::start()?),
        };
        *shared = Arc::downgrade(&server);
        drop(shared);
        server.ask("postgres", &format!("CREATE DATABASE {name}")).unwrap();
        Some(Self { server, name: name.to_owned() })
    }

    /// Runs statements in one transaction; what they print, a line a row, columns between `|`.
    pub fn ask(&self, sql: &str) -> Result<String, String> {
        self.server.ask(&self.name, sql)
    }

    pub fn rows(&self, sql: &str) -> Vec<String> {
        let text = self.ask(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        text.lines().map(str::to_owned).collect()
    }

    pub fn one(&self, sql: &str) -> String {
        let rows = self.rows(sql);
        assert_eq!(rows.len(), 1, "{sql}: {rows:?}");
        rows.into_iter().next().unwrap()
    }
}

impl Server {
    fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            skipped("PostgreSQL: no initdb in /usr/lib/postgresql/*/bin or PATH; `just setup` installs it");
            return None;
        };
        let folder = TempDir::new().unwrap();
        let is_root = fs::metadata("/proc/self").is_ok_and(|found| found.uid() == 0);
        let user = is_root.then(|| if id("-u", "postgres").is_some() { "postgres" } else { "nobody" });
        if let Some(user) = user {
            chown(folder.path(), id("-u", user), id("-g", user)).unwrap();
        }
        let mut server = Self { programs, user, folder, child: None };
        let data = server.folder.path().join("data");
        let made = server
            .program("initdb")
            .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let child = server
            .program("postgres")
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "timezone=Pacific/Auckland"])
            .arg("-k")
            .arg(server.folder.path())
            .arg("-D")
            .arg(&data)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        server.child = Some(child.unwrap());
        let started = Instant::now();
        while let Err(error) = server.ask("postgres", "SELECT 1") {
            assert!(started.elapsed() < PATIENCE, "PostgreSQL does not start: {error}");
            sleep(Duration::from_millis(50));
        }
        Some(server)
    }

    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        let Some(user) = self.user else { return self.here(Command::new(path)) };
        let mut command = Command::new("setpriv");
        let group = id("-g", user).unwrap_or_default();
        command.args([&format!("--reuid={user}"), &format!("--regid={group}"), "--clear-groups", "--"]);
        command.arg(path);
        self.here(command)
    }

    fn here(&self, mut command: Command) -> Command {
        command.current_dir(self.folder.path()).env_remove("LD_LIBRARY_PATH").stdin(Stdio::null());
        command
    }

    fn ask(&self, database: &str, sql: &str) -> Result<String, String> {
        let mut command = self.program("psql");
        command.args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            "postgres",
            "-d",
            database,
            "-h",
        ]);
        command.arg(self.folder.path());
        // One statement in quotes is one transaction already, and `CREATE DATABASE` bears none.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let text = if sql.starts_with("CREATE DATABASE") {
            sql.to_owned()
        } else {
            format!("BEGIN;\n{sql}\n;COMMIT;")
        };
        // A client that stops at an error does not read the rest.
        let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        if status.success() { Ok(text(stdout)) } else { Err(text(stderr)) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // Fast shutdown; its helpers end with it.
        let asked = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _ = child.kill();
        }
        let _ = child.wait();
    }
}

/// Where the server's programs are: Debian's place, the newest version, else beside the `initdb` of PATH.
fn programs() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    folders.sort_by_key(|folder| {
        let version =
            folder.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        version.and_then(|version| version.parse::<u32>().ok())
    });
    let of_path =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    let places = folders.into_iter().rev().chain::<Vec<PathBuf>>(of_path);
    let found = places.map(|folder| folder.join("initdb")).find(|file| file.is_file())?;
    Some(found.canonicalize().ok()?.parent()?.to_owned())
}

/// The number of a user or its group; none where there is no such user.
fn id(which: &str, user: &str) -> Option<u32> {
    let said = Command::new("id").args([which, user]).output().ok()?;
    String::from_utf8(said.stdout).ok()?.trim().parse().ok()
}

/// Says which part of a test could not be done here; the print macros are captured, and this is not.
pub fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}
