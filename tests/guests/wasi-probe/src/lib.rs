//! Uses WASI as the setting `act` says, and tells in steps what came of it.

use stratagem_sdk::{Description, Run, Strategy, Task, export};

use bindings::wasi::cli::{environment, exit, stderr, stdin, stdout, terminal_stdout};
use bindings::wasi::clocks::{monotonic_clock, wall_clock};
use bindings::wasi::filesystem::preopens::get_directories;
use bindings::wasi::filesystem::types::{
    Descriptor, DescriptorFlags, ErrorCode, NewTimestamp, OpenFlags, PathFlags,
};
use bindings::wasi::io::poll;
use bindings::wasi::random::{insecure, insecure_seed, random};

#[allow(clippy::all, clippy::pedantic)]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "imports", generate_all });
}

struct WasiProbe;

impl Strategy for WasiProbe {
    fn describe() -> Description {
        Description::new("wasi-probe", "0.1.0", "fixture", "uses the part of WASI that `act` names")
    }

    fn solve(_: &Task, run: &Run) -> Result<(), String> {
        let act = run.setting("act").unwrap_or_default();
        let path = run.setting("path").unwrap_or_default();
        let count: u64 = run.setting("count").map_or(0, |count| count.parse().unwrap_or(0));
        let tell = |what: &str, came: String| run.step(what, &came, true);
        match act.as_str() {
            "" => {}
            "print" => print(),
            "print-much" => {
                let out = stdout::get_stdout();
                (0..count).for_each(|_| drop(out.write(b"a line that is printed again and again\n")));
            }
            "stdin" => tell("stdin", format!("{:?}", stdin::get_stdin().blocking_read(10))),
            "process" => {
                let (variables, arguments) = (environment::get_environment(), environment::get_arguments());
                tell("process", format!("{variables:?} {arguments:?} {:?}", environment::initial_cwd()));
                tell("terminal", format!("{}", terminal_stdout::get_terminal_stdout().is_some()));
            }
            "exit" => exit::exit(if count == 0 { Ok(()) } else { Err(()) }),
            "clock" => {
                let times = [monotonic_clock::now(), monotonic_clock::now(), wall_clock::now().seconds];
                tell("clock", format!("{times:?}"));
            }
            "sleep" => {
                monotonic_clock::subscribe_duration(count * 1_000_000_000).block();
                tell("woke", format!("{}", monotonic_clock::now() / 1_000_000_000));
                let never = monotonic_clock::subscribe_instant(u64::MAX);
                let soon = monotonic_clock::subscribe_duration(1);
                tell("poll", format!("{:?}", poll::poll(&[&never, &soon])));
            }
            "random" => {
                let bytes = [random::get_random_bytes(16), insecure::get_insecure_random_bytes(4)].concat();
                let numbers = (random::get_random_u64(), insecure_seed::insecure_seed());
                tell("random", format!("{bytes:?} {numbers:?}"));
            }
            "random-bytes" => tell("random", format!("{}", random::get_random_bytes(count).len())),
            "folders" => {
                for (folder, name) in get_directories() {
                    tell(&name, names(&folder));
                }
            }
            "read" => tell(&path, read(&root()?, &path, count).unwrap_or_else(said)),
            "open-many" => {
                let root = root()?;
                let open =
                    || root.open_at(PathFlags::empty(), ".", OpenFlags::empty(), DescriptorFlags::READ);
                let held: Vec<_> = (0..count).map(|_| open()).collect();
                tell("held", format!("{}", held.len()));
            }
            "write" => write(&root()?, &path, &tell),
            other => return Err(format!("the probe knows no act {other}")),
        }
        Ok(())
    }
}

fn print() {
    let (out, err) = (stdout::get_stdout(), stderr::get_stderr());
    drop(out.blocking_write_and_flush(b"first line\nsecond "));
    drop(err.blocking_write_and_flush(b"a warning\n"));
    drop(out.blocking_write_and_flush(b"line\nno end \xff"));
}

fn root() -> Result<Descriptor, String> {
    let first = get_directories().into_iter().next();
    first.map(|(folder, _)| folder).ok_or_else(|| "no folder was granted".into())
}

fn said(error: ErrorCode) -> String {
    format!("error {}", error.name())
}

fn names(folder: &Descriptor) -> String {
    let entries = match folder.read_directory() {
        Ok(entries) => entries,
        Err(error) => return said(error),
    };
    let names = std::iter::from_fn(|| entries.read_directory_entry().ok().flatten());
    names.map(|entry| format!("{} {:?}", entry.name, entry.type_)).collect::<Vec<_>>().join(", ")
}

/// Reads a file by a stream and by offset, `more` times more, and says what it is.
fn read(root: &Descriptor, path: &str, more: u64) -> Result<String, ErrorCode> {
    let file = root.open_at(PathFlags::SYMLINK_FOLLOW, path, OpenFlags::empty(), DescriptorFlags::READ)?;
    let stat = file.stat()?;
    let stream = file.read_via_stream(0)?;
    let mut text = Vec::new();
    while let Ok(chunk) = stream.blocking_read(7) {
        text.extend(chunk);
    }
    let (again, is_end) = file.read(u64::MAX, 1)?;
    for _ in 0..more {
        file.read(u64::MAX, 0)?;
    }
    let text = String::from_utf8_lossy(&text);
    let at = root.stat_at(PathFlags::SYMLINK_FOLLOW, path)?;
    Ok(format!(
        "{text:?} {} {is_end} {} {:?} {}",
        again.len(),
        at.size,
        stat.data_modification_timestamp,
        file.is_same_object(root)
    ))
}

/// Tries everything that would change something.
fn write(root: &Descriptor, path: &str, tell: &impl Fn(&str, String)) {
    let open = |open, flags| root.open_at(PathFlags::SYMLINK_FOLLOW, path, open, flags).map(|_| ());
    let empty = PathFlags::empty();
    let file = root.open_at(empty, path, OpenFlags::empty(), DescriptorFlags::READ);
    let file = file.expect("the file is there");
    let results = [
        ("create", open(OpenFlags::CREATE, DescriptorFlags::READ)),
        ("truncate", open(OpenFlags::TRUNCATE, DescriptorFlags::READ)),
        ("open to write", open(OpenFlags::empty(), DescriptorFlags::WRITE)),
        ("write", file.write(b"x", 0).map(|_| ())),
        ("write stream", file.write_via_stream(0).map(|_| ())),
        ("append", file.append_via_stream().map(|_| ())),
        ("set size", file.set_size(0)),
        ("set times", file.set_times(NewTimestamp::Now, NewTimestamp::Now)),
        ("set times at", root.set_times_at(empty, path, NewTimestamp::Now, NewTimestamp::Now)),
        ("make folder", root.create_directory_at("new")),
        ("link", root.link_at(empty, path, root, "new")),
        ("rename", root.rename_at(path, root, "new")),
        ("symlink", root.symlink_at(path, "new")),
        ("remove folder", root.remove_directory_at("inner")),
        ("remove", root.unlink_file_at(path)),
    ];
    for (what, result) in results {
        tell(what, result.map_or_else(said, |()| "done".into()));
    }
}

export!(WasiProbe);
