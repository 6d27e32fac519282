//! What a worker takes from itself before it touches a plugin's code.
//!
//! Three layers, each of which would do alone against most of what code that broke out could try: limits of
//! the process, Landlock (no file, no connection), and a list of system calls beside which everything ends
//! the process. None of it can be taken back.

use std::fs;

use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetStatus, Scope,
};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter_all_threads,
};

/// Standard input, output and error: the pipes of a worker, and all that it holds open.
const PIPES: std::ops::RangeInclusive<i32> = 0..=2;
const STDIN: u64 = 0;
const STDERR: u64 = 2;

/// How much of a system call's list is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Compiled code is made executable, its memories' first content becomes sealed files of no name, and the
    /// next phase is entered.
    Load,
    /// The plugin runs: no page becomes executable any more.
    Run,
}

/// What a process may take.
#[derive(Clone, Copy, Debug)]
pub struct Rations {
    /// Seconds of processor time; beyond them the process ends with SIGXCPU.
    pub cpu_seconds: u64,
    /// Bytes of private memory that can be written. Address space cannot be held: a WebAssembly memory
    /// reserves gigabytes of it, and touches what it grows to.
    pub data_bytes: u64,
    /// Bytes of a file: of the images that are made while code is loaded.
    pub image_bytes: u64,
}

/// Images that one component's memories may have.
const MAX_IMAGES: u64 = 1_000;

/// Ends this process with its parent, and closes what it was born with beside its pipes.
///
/// *Errors*: the host's; nothing may be run then.
pub fn detach(parent: u32) -> Result<(), String> {
    let fail = |what: &str, error: &dyn std::fmt::Display| format!("{what}: {error}");
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| fail("the end of the parent cannot be followed", &error))?;
    // A parent that was gone by then sends nothing.
    let is_there = rustix::process::getppid().is_some_and(|pid| pid.as_raw_nonzero().get() as u32 == parent);
    if !is_there {
        return Err("the parent is gone".to_owned());
    }
    let open = fs::read_dir("/proc/self/fd").map_err(|error| fail("/proc/self/fd", &error))?;
    let numbers: Vec<i32> = open.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    for number in numbers.into_iter().filter(|number| !PIPES.contains(number)) {
        // The folder that was listed is closed by now, which is the only failure there can be.
        let _ = nix::unistd::close(number);
    }
    Ok(())
}

/// Takes files, connections, and signals to others. The ABI of the kernel's Landlock; none where it has none.
pub fn landlock() -> Result<Option<u8>, String> {
    let newest = ABI::V9;
    let restrict = || {
        Ruleset::default()
            .handle_access(AccessFs::from_all(newest))?
            .handle_access(AccessNet::from_all(newest))?
            .scope(Scope::from_all(newest))?
            .create()?
            .no_new_privs(true)
            .restrict_self()
    };
    let status = restrict().map_err(|error| format!("Landlock: {error}"))?;
    match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, _) => Ok(None),
        (_, LandlockStatus::Available { effective_abi, .. }) => Ok(Some(effective_abi as u8)),
        _ => Ok(None),
    }
}

/// Caps what this process may take; it leaves no core.
pub fn limit(rations: Rations) -> Result<(), String> {
    [Resource::Core, Resource::Memlock, Resource::Msgqueue].into_iter().try_for_each(forbid)?;
    cap(Resource::Nofile, MAX_IMAGES, MAX_IMAGES)?;
    cap(Resource::Fsize, rations.image_bytes, rations.image_bytes)?;
    // The first limit says why it ended, the second is for one that does not listen.
    cap(Resource::Cpu, rations.cpu_seconds, rations.cpu_seconds + 1)?;
    cap(Resource::Data, rations.data_bytes, rations.data_bytes)
}

/// Forbids to open, write or begin anything more. The superuser's processes are not counted: for those there is
/// the filter.
pub fn forbid_more() -> Result<(), String> {
    [Resource::Nofile, Resource::Fsize, Resource::Nproc].into_iter().try_for_each(forbid)
}

fn forbid(resource: Resource) -> Result<(), String> {
    cap(resource, 0, 0)
}

/// An operator's own limit may be tighter.
fn cap(resource: Resource, soft: u64, hard: u64) -> Result<(), String> {
    let hard = getrlimit(resource).maximum.map_or(hard, |most| most.min(hard));
    let limit = Rlimit { current: Some(soft.min(hard)), maximum: Some(hard) };
    setrlimit(resource, limit).map_err(|error| format!("limits cannot be set: {error}"))
}

/// Leaves this process, all its threads, the system calls of a phase. Any other ends it with SIGSYS.
pub fn filter(phase: Phase) -> Result<(), String> {
    let fail = |error: &dyn std::fmt::Display| format!("seccomp: {error}");
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|error| fail(&error))?;
    let rules = allowed(phase).map_err(|error| fail(&error))?.into_iter().collect();
    let filter = SeccompFilter::new(rules, SeccompAction::KillProcess, SeccompAction::Allow, arch)
        .map_err(|error| fail(&error))?;
    let program = BpfProgram::try_from(filter).map_err(|error| fail(&error))?;
    apply_filter_all_threads(&program).map_err(|error| fail(&error))
}

type Allowed = Vec<(i64, Vec<SeccompRule>)>;

/// The list: what memory, threads that are there, clocks, and three pipes take.
fn allowed(phase: Phase) -> Result<Allowed, seccompiler::BackendError> {
    let only = |argument, length, operator, value| {
        let condition = SeccompCondition::new(argument, length, operator, value)?;
        SeccompRule::new(vec![condition]).map(|rule| vec![rule])
    };
    let word = SeccompCmpArgLen::Dword;
    let not_executable = || only(2, word.clone(), SeccompCmpOp::MaskedEq(libc::PROT_EXEC as u64), 0);
    let own = u64::from(std::process::id());
    let mut allowed: Allowed = vec![
        // Pipes: what is asked is read, what came of it is written.
        (libc::SYS_read, only(0, word.clone(), SeccompCmpOp::Eq, STDIN)?),
        (libc::SYS_write, only(0, word.clone(), SeccompCmpOp::Le, STDERR)?),
        // Memory.
        (libc::SYS_mmap, not_executable()?),
        (libc::SYS_mprotect, not_executable()?),
        (libc::SYS_munmap, vec![]),
        (libc::SYS_mremap, vec![]),
        (libc::SYS_madvise, vec![]),
        (libc::SYS_brk, vec![]),
        // Threads: waiting, traps and their stack, going on after a stop.
        (libc::SYS_futex, vec![]),
        (libc::SYS_sched_yield, vec![]),
        (libc::SYS_sched_getaffinity, vec![]),
        (libc::SYS_sigaltstack, vec![]),
        (libc::SYS_rt_sigaction, vec![]),
        (libc::SYS_rt_sigprocmask, vec![]),
        (libc::SYS_rt_sigreturn, vec![]),
        (libc::SYS_restart_syscall, vec![]),
        // Clocks, and the seeds of hash tables.
        (libc::SYS_clock_gettime, vec![]),
        (libc::SYS_getrandom, vec![]),
        // The end, by abort too.
        (libc::SYS_getpid, vec![]),
        (libc::SYS_gettid, vec![]),
        (libc::SYS_tgkill, only(0, word.clone(), SeccompCmpOp::Eq, own)?),
        (libc::SYS_exit, vec![]),
        (libc::SYS_exit_group, vec![]),
    ];
    if phase == Phase::Load {
        let loading = [libc::SYS_mmap, libc::SYS_mprotect, libc::SYS_write];
        allowed.retain(|(call, _)| !loading.contains(call));
        allowed.extend(loading.map(|call| (call, vec![])));
        let more = [libc::SYS_membarrier, libc::SYS_memfd_create, libc::SYS_seccomp];
        allowed.extend(more.map(|call| (call, vec![])));
        allowed.push((libc::SYS_prlimit64, only(0, word.clone(), SeccompCmpOp::Eq, 0)?));
        let seals = only(1, word.clone(), SeccompCmpOp::Eq, libc::F_ADD_SEALS as u64)?;
        allowed.push((libc::SYS_fcntl, seals));
        let no_new_privs = libc::PR_SET_NO_NEW_PRIVS as u64;
        allowed.push((libc::SYS_prctl, only(0, word, SeccompCmpOp::Eq, no_new_privs)?));
    }
    Ok(allowed)
}
