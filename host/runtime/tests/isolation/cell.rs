//! Tries the walls: each act is done by a process of its own, first free, then behind one wall, then behind all.
// A forbidden call is made by its number: nothing safe makes it.
#![allow(unsafe_code)]

use std::fs::{self, File};
use std::io::{self, Error, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Output};

use stratagem_runtime::confine::{self, Phase, Rations};

use crate::runs::Test;

pub const TESTS: &[Test] = &[
    ("every wall stops what it is for", every_wall_stops_what_it_is_for),
    ("no system call but those of the list is left", no_system_call_but_those_of_the_list_is_left),
    ("what is asked of a call is looked at", what_is_asked_of_a_call_is_looked_at),
    ("memory and time are rationed", memory_and_time_are_rationed),
    ("nothing is inherited and no parent is outlived", nothing_is_inherited_and_no_parent_is_outlived),
];

const DONE: &str = "done";
const MEMORY: u64 = 64 << 20;

/// The prisoner: puts up the walls that it is told, then does its act and says how it went.
pub fn prisoner(args: &[String]) {
    let [walls, act, arguments @ ..] = args else { panic!("walls and an act: {args:?}") };
    for wall in walls.split('+') {
        match wall {
            "none" => {}
            "detached" => {
                let parent = std::os::unix::process::parent_id();
                confine::detach(parent).unwrap();
            }
            "landlock" => drop(confine::landlock().unwrap()),
            "limits" => {
                confine::limit(Rations { cpu_seconds: 1, data_bytes: MEMORY, image_bytes: 0 }).unwrap();
                confine::forbid_more().unwrap();
            }
            "filter" => {
                confine::filter(Phase::Load).unwrap();
                confine::filter(Phase::Run).unwrap();
            }
            wall => panic!("no wall {wall}"),
        }
    }
    let said = match self::act(act, arguments) {
        Ok(()) => DONE.to_owned(),
        Err(error) => format!("refused: {error}"),
    };
    // No lock, no buffer: some acts leave little.
    let _ = io::stdout().write_all(said.as_bytes());
    let _ = io::stdout().flush();
}

fn act(name: &str, arguments: &[String]) -> io::Result<()> {
    let word = |at: usize| arguments.get(at).map(String::as_str).unwrap_or_default();
    let number = |at: usize| word(at).parse::<i64>().unwrap_or(3);
    match name {
        "read" => File::open("/etc/passwd").map(drop),
        "list" => fs::read_dir("/").map(drop),
        "write" => fs::write(word(0), "escaped"),
        "remove" => fs::remove_file(word(0)),
        "connect" => TcpStream::connect(word(0)).map(drop),
        "listen" => TcpListener::bind("127.0.0.1:0").map(drop),
        "datagram" => UdpSocket::bind("127.0.0.1:0").map(drop),
        "unix" => UnixStream::connect(word(0)).map(drop),
        "abstract" => UnixStream::connect_addr(&SocketAddr::from_abstract_name(word(0))?).map(drop),
        "signal" => {
            let parent = rustix::process::getppid().unwrap();
            Ok(rustix::process::kill_process(parent, rustix::process::Signal::URG)?)
        }
        "spawn" => Command::new("/bin/true").status().map(drop),
        "exec" => Err(Command::new("/bin/echo").args(["-n", DONE]).exec()),
        "thread" => std::thread::Builder::new().spawn(|| ()).map(|thread| drop(thread.join())),
        "allocate" => {
            let mut bytes: Vec<u8> = Vec::new();
            bytes.try_reserve_exact(word(0).parse().unwrap()).map_err(Error::other)?;
            bytes.resize(bytes.capacity(), 1);
            assert_ne!(std::hint::black_box(&bytes).last(), Some(&0));
            Ok(())
        }
        "burn" => loop {
            std::hint::black_box(0);
        },
        "wait" => {
            println!("waiting");
            std::thread::sleep(std::time::Duration::from_mins(1));
            Ok(())
        }
        "open-files" => {
            let open = fs::read_dir("/proc/self/fd")?.count();
            // Three pipes, and the folder that is being read.
            if open == 4 { Ok(()) } else { Err(Error::other(format!("{open} files are open"))) }
        }
        "call" => {
            let all: [i64; 6] =
                std::array::from_fn(|at| if arguments.len() > 1 { number(at + 1) } else { 3 });
            // SAFETY: the arguments name no memory of this program's.
            let result = unsafe { libc::syscall(number(0), all[0], all[1], all[2], all[3], all[4], all[5]) };
            if result >= 0 { Ok(()) } else { Err(Error::last_os_error()) }
        }
        act => panic!("no act {act}"),
    }
}

fn confined(walls: &str, act: &[&str]) -> Output {
    let mut prisoner = Command::new(std::env::current_exe().unwrap());
    prisoner.args(["prisoner", walls]).args(act).output().unwrap()
}

#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Done,
    Refused(String),
    /// The filter ended it.
    Ended,
    Other(String),
}

fn fate(walls: &str, act: &[&str]) -> Fate {
    let output = confined(walls, act);
    let said = String::from_utf8_lossy(&output.stdout);
    match (output.status.signal(), said.strip_prefix("refused: ")) {
        (Some(libc::SIGSYS), _) => Fate::Ended,
        (None, Some(why)) => Fate::Refused(why.to_owned()),
        (None, None) if said == DONE => Fate::Done,
        _ => Fate::Other(format!("{output:?}")),
    }
}

fn is_refused(fate: &Fate, words: &[&str]) -> bool {
    matches!(fate, Fate::Refused(why) if words.iter().any(|word| why.contains(word)))
}

fn every_wall_stops_what_it_is_for() {
    const DENIED: [&str; 2] = ["Permission denied", "Operation not permitted"];
    const NO_FILES: [&str; 2] = ["Too many open files", "File size limit"];
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("mine"), "mine").unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tcp.local_addr().unwrap().to_string();
    let _unix = UnixListener::bind(path("socket")).unwrap();
    let name = format!("stratagem-{}", std::process::id());
    let _abstract = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    let (written, mine, socket) = (path("written"), path("mine"), path("socket"));
    // The act, the first ABI of Landlock that denies it, and whether limits do.
    let acts: [(&[&str], Option<u8>, bool); 13] = [
        (&["read"], Some(1), true),
        (&["list"], Some(1), true),
        (&["write", &written], Some(1), true),
        (&["remove", &mine], Some(1), false),
        (&["exec"], Some(1), false),
        (&["connect", &address], Some(4), true),
        (&["listen"], Some(4), true),
        (&["datagram"], None, true),
        (&["unix", &socket], Some(9), true),
        (&["abstract", &name], Some(6), true),
        (&["signal"], Some(6), false),
        (&["spawn"], None, false),
        (&["thread"], None, false),
    ];
    let abi = confine_abi();
    for (act, first, limited) in acts {
        assert_eq!(fate("none", act), Fate::Done, "{act:?}: it can be done outside");
        fs::write(&mine, "mine").unwrap();
        let _ = fs::remove_file(&written);
        match first {
            Some(first) if abi >= first => {
                let fate = fate("landlock", act);
                assert!(is_refused(&fate, &DENIED), "{act:?} behind Landlock: {fate:?}");
            }
            Some(first) => {
                println!("skipped: {act:?} behind Landlock needs ABI {first}, this kernel has {abi}");
            }
            None => {}
        }
        if limited {
            let fate = fate("limits", act);
            assert!(is_refused(&fate, &NO_FILES), "{act:?} behind limits: {fate:?}");
        }
        for walls in ["filter", "detached+landlock+limits+filter"] {
            assert_eq!(fate(walls, act), Fate::Ended, "{act:?} behind {walls}");
        }
        assert!(fs::read_to_string(&mine).is_ok_and(|text| text == "mine"), "{act:?} touched a file");
        assert!(!fs::exists(&written).unwrap(), "{act:?} wrote a file");
    }
}

/// The ABI that a prisoner finds: Landlock cannot be asked without entering it.
fn confine_abi() -> u8 {
    std::thread::spawn(|| confine::landlock().unwrap().unwrap_or(0)).join().unwrap()
}

/// Every number is tried: what survives is this list, on every processor that there is a filter for.
fn no_system_call_but_those_of_the_list_is_left() {
    // Beyond the last number that any kernel has.
    const NUMBERS: i64 = 520;
    let mut expected = vec![
        libc::SYS_mmap,
        libc::SYS_mprotect,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_brk,
        libc::SYS_futex,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_sigaltstack,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_restart_syscall,
        libc::SYS_clock_gettime,
        libc::SYS_getrandom,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];
    expected.sort_unstable();
    let fate_of = |number: i64| fate("filter", &["call", &number.to_string()]);
    let is_left = |&number: &i64| fate_of(number) != Fate::Ended;
    let mut left: Vec<i64> = (0..NUMBERS).filter(is_left).collect();
    if cfg!(target_arch = "x86_64") {
        // What a kernel's own probes return by passes every filter, and is nothing to any other caller.
        let is_probe = |number: &i64| [335, 336].contains(number);
        assert!(left.iter().filter(|number| is_probe(number)).all(|number| fate_of(*number) != Fate::Done));
        left.retain(|number| !is_probe(number));
    }
    assert_eq!(left, expected, "read, write and tgkill are left for some arguments only");
    if cfg!(target_arch = "x86_64") {
        assert_eq!(fate_of(libc::SYS_getpid | 0x4000_0000), Fate::Ended, "another ABI's numbers");
    }
}

fn what_is_asked_of_a_call_is_looked_at() {
    let (read, write) = (i64::from(libc::PROT_READ), i64::from(libc::PROT_WRITE));
    let executable = read | i64::from(libc::PROT_EXEC);
    let anonymous = i64::from(libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    let call = |number: i64, arguments: [i64; 6]| {
        let words: Vec<String> = [number].iter().chain(&arguments).map(i64::to_string).collect();
        let act: Vec<&str> = ["call"].into_iter().chain(words.iter().map(String::as_str)).collect();
        (fate("none", &act), fate("filter", &act))
    };
    let page = 4096;
    assert_eq!(call(libc::SYS_mmap, [0, page, read | write, anonymous, -1, 0]), (Fate::Done, Fate::Done));
    assert_eq!(call(libc::SYS_mmap, [0, page, executable, anonymous, -1, 0]), (Fate::Done, Fate::Ended));
    // Nothing is mapped there: refused by the kernel, and by the filter before it.
    let (free, confined) = call(libc::SYS_mprotect, [page, page, executable, 0, 0, 0]);
    assert!(matches!(free, Fate::Refused(_)) && confined == Fate::Ended, "{free:?} {confined:?}");
    assert_eq!(call(libc::SYS_write, [2, 0, 0, 0, 0, 0]), (Fate::Done, Fate::Done));
    assert_eq!(call(libc::SYS_read, [1, 0, 0, 0, 0, 0]).1, Fate::Ended);
    assert_eq!(call(libc::SYS_tgkill, [1, 1, 0, 0, 0, 0]).1, Fate::Ended);
    assert_eq!(call(libc::SYS_prctl, [i64::from(libc::PR_SET_NO_NEW_PRIVS), 1, 0, 0, 0, 0]).1, Fate::Ended);
    let trace = [i64::from(libc::PTRACE_TRACEME), 0, 0, 0, 0, 0];
    assert_eq!(call(libc::SYS_ptrace, trace), (Fate::Done, Fate::Ended));
}

fn memory_and_time_are_rationed() {
    let (fits, does_not) = ((MEMORY / 4).to_string(), (MEMORY * 2).to_string());
    assert_eq!(fate("none", &["allocate", &does_not]), Fate::Done);
    assert_eq!(fate("limits", &["allocate", &fits]), Fate::Done);
    let fate = fate("limits", &["allocate", &does_not]);
    assert!(matches!(fate, Fate::Refused(_)), "{fate:?}");
    assert_eq!(confined("limits", &["burn"]).status.signal(), Some(libc::SIGXCPU));
}

fn nothing_is_inherited_and_no_parent_is_outlived() {
    let secret = tempfile::tempfile().unwrap();
    // As a file that the host was given by whoever started it, and that is not closed by `exec`.
    rustix::io::fcntl_setfd(&secret, rustix::io::FdFlags::empty()).unwrap();
    assert!(matches!(fate("none", &["open-files"]), Fate::Refused(_)));
    assert_eq!(fate("detached", &["open-files"]), Fate::Done);
    drop(secret);
    // The parent of a prisoner is a shell that says who it is, and dies.
    let program = std::env::current_exe().unwrap();
    let script = format!("{} prisoner detached wait & echo $!; read line; kill -9 $$", program.display());
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &script]).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut shell = shell.spawn().unwrap();
    let mut lines = io::BufRead::lines(io::BufReader::new(shell.stdout.take().unwrap()));
    let mut heard = [lines.next().unwrap().unwrap(), lines.next().unwrap().unwrap()];
    heard.sort();
    let [pid, waiting] = heard;
    assert_eq!(waiting, "waiting");
    let is_there =
        || fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    assert!(is_there());
    shell.stdin.take().unwrap().write_all(b"\n").unwrap();
    shell.wait().unwrap();
    let started = std::time::Instant::now();
    while is_there() {
        assert!(started.elapsed().as_secs() < 30, "process {pid} outlives its parent");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
