use std::sync::Once;

use crate::bindings::stratagem::strategy::run::{Level, log};

/// Sends a panic's text through the host's log before the trap, which carries no text itself.
pub fn report_panics() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| std::panic::set_hook(Box::new(|panic| log(Level::Error, &panic.to_string()))));
}
