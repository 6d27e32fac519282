//! Bytes that no compiler would write: what is said of them, and that the next plugin is none the worse.

use std::path::Path;

use stratagem_runtime::{LoadError, Package, Sandbox, SandboxConfig};

fn refusal(component: &str) -> LoadError {
    let sandbox = Sandbox::new(&SandboxConfig::default()).unwrap();
    let bytes = wat::parse_str(component).unwrap();
    let package = Package::from_bytes(None, bytes, Path::new("hostile.wasm")).unwrap();
    sandbox.load(&package).err().expect("refused")
}

/// The engine repeats a name that it does not like: on a terminal this one would clear the screen.
#[test]
fn a_components_names_cannot_steer_the_terminal() {
    let error = refusal(r#"(component (import "run\1b[2J\0a\u{202e}" (instance)))"#).to_string();
    assert!(error.contains(r"`run\u{1b}[2J, \u{202e}` is not a valid extern name"), "{error}");
    assert!(!error.chars().any(char::is_control), "{error}");
}

#[test]
fn a_components_names_are_cut() {
    let error = refusal(&format!(r#"(component (import "{}" (instance)))"#, "?".repeat(50_000)));
    assert!(matches!(error, LoadError::Invalid { .. }), "{error}");
    assert!(error.to_string().len() < 2_000, "{} bytes", error.to_string().len());
}
