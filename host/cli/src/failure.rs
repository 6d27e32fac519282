use std::fmt::Display;
use std::path::Path;

use stratagem_domain::LedgerError;
use stratagem_runtime::{LoadError, ManifestError};
use stratagem_store::StoreError;
use stratagem_tasks::ReadError;

/// What went wrong, why, and what to do: the only form in which the binary ends badly.
#[derive(Debug)]
pub struct Failure {
    error: anyhow::Error,
    hint: Option<String>,
    /// 1 where work failed, 2 for misuse.
    pub status: u8,
}

/// The work could not be done.
const FAILED: u8 = 1;
/// The command line or `stratagem.toml` asks for what there is not.
const MISUSE: u8 = 2;

impl Failure {
    pub fn new(message: impl Display) -> Self {
        Self { error: anyhow::anyhow!("{message}"), hint: None, status: FAILED }
    }

    pub fn misuse(message: impl Display) -> Self {
        Self { status: MISUSE, ..Self::new(message) }
    }

    /// A file of the operator's that could not be read or written.
    pub fn file(path: &Path, error: &std::io::Error) -> Self {
        // Of a draft that could not be made, its passing name is in the words too.
        let words = error.to_string();
        let cause = words.split(" at path ").next().unwrap_or_default();
        Self::new(format!("{}: {cause}", path.display()))
            .hint("check that the folder exists and may be written")
    }

    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    fn of(error: impl Into<anyhow::Error>, hint: Option<String>) -> Self {
        Self { error: error.into(), hint, status: FAILED }
    }

    /// What to do about it.
    pub fn remedy(&self) -> Option<String> {
        self.hint.clone()
    }

    pub fn print(&self) {
        eprintln!("error: {self}");
        if let Some(hint) = &self.hint {
            eprintln!("  hint: {hint}");
        }
    }
}

impl Display for Failure {
    /// The message and its causes in one line, without the hint.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let causes: Vec<String> = self.error.chain().map(ToString::to_string).collect();
        out.write_str(&causes.join(": "))
    }
}

macro_rules! with_hint {
    ($($error:ty),*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                let hint = error.hint();
                Self::of(error, hint)
            }
        })*
    };
}

with_hint!(LoadError, ManifestError, StoreError);

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        let usual = || "mend the file at that place; nothing was imported".to_owned();
        let hint = error.hint().unwrap_or_else(usual);
        Self::of(error, Some(hint))
    }
}

impl From<stratagem_solve::BenchError> for Failure {
    fn from(error: stratagem_solve::BenchError) -> Self {
        let hint = match &error {
            stratagem_solve::BenchError::Ledger { source: LedgerError { hint, .. }, .. } => hint.clone(),
            stratagem_solve::BenchError::Thread(_) => Some("use fewer --jobs".to_owned()),
        };
        Self::of(error, hint)
    }
}
