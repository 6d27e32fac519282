use std::sync::atomic::{AtomicBool, Ordering};

static CANCELLED: AtomicBool = AtomicBool::new(false);

/// The exit status of a process that an interrupt ended.
const INTERRUPTED: i32 = 130;

/// Set by the first Ctrl-C: running tasks are finished and stored. The second ends the process at once,
/// which loses the running tasks and nothing else.
pub fn flag() -> &'static AtomicBool {
    handled(true)
}

/// As [`flag`], without a word: for a command that mostly waits, and then ends at once.
pub fn quiet_flag() -> &'static AtomicBool {
    handled(false)
}

/// Who asks first settles whether the program says what it does.
fn handled(tells: bool) -> &'static AtomicBool {
    static HANDLER: std::sync::Once = std::sync::Once::new();
    HANDLER.call_once(|| {
        let handled = ctrlc::set_handler(move || {
            if CANCELLED.swap(true, Ordering::SeqCst) {
                std::process::exit(INTERRUPTED);
            }
            if tells {
                eprintln!("\nfinishing the running tasks; press Ctrl-C again to stop at once");
            }
        });
        if let Err(error) = handled {
            eprintln!("warning: Ctrl-C ends the program at once: {error}");
        }
    });
    &CANCELLED
}
