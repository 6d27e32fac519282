use serde::{Deserialize, Serialize};

use crate::Score;

/// How a run of the sandbox ended, as the runtime saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// `solve` returned.
    Returned,
    /// `solve` returned an error: the plugin's own words.
    GaveUp(String),
    OutOfFuel,
    PastDeadline,
    /// The plugin stopped after memory or a table was denied to it.
    OutOfMemory,
    /// The plugin panicked, or broke a rule that ends a run.
    Trapped {
        reason: String,
        /// Function names, innermost first.
        backtrace: Vec<String>,
    },
    /// The plugin called too deep. The stack is native and its frames are the compiler's: another machine may
    /// reach another depth.
    StackExhausted {
        backtrace: Vec<String>,
    },
    /// The process that ran the plugin crashed, or said what none of ours says. What had been offered is lost.
    Crashed(String),
    /// The plugin was not started.
    Refused {
        cause: Refusal,
        reason: String,
    },
    /// The host failed; the plugin is not to blame.
    HostFault(String),
}

/// Why a plugin was not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Its `plugin.toml` cannot be read, or does not say what the component says.
    Manifest,
    /// It is not the component that its manifest, or the operator, names by digest.
    Hash,
    /// It is longer than any plugin may be.
    Size,
    /// Its signature does not fit, or one that the operator demands is not there.
    Signature,
    /// It is no WebAssembly component.
    Invalid,
    /// Compiling it takes more than the operator allows.
    Compile,
    /// It is built against another contract, or none.
    Interface,
    /// It imports what its manifest does not ask for.
    NotAsked,
    /// It asks for what the operator does not grant, or this host does not have.
    NotGranted,
    /// Its `describe` does not return, or not what it must.
    Describe,
}

/// What is recorded of a run: its ending, and for one that came to its end whether it solved the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Solved,
    Unsolved,
    /// The run came to its end; the outputs are not known.
    Unscored,
    OutOfFuel,
    PastDeadline,
    OutOfMemory,
    Trap,
    Refused,
    HostFault,
}

/// Whose fault an outcome is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    Nobody,
    Plugin,
    Operator,
    Host,
}

impl Outcome {
    pub const ALL: [Self; 9] = [
        Self::Solved,
        Self::Unsolved,
        Self::Unscored,
        Self::OutOfFuel,
        Self::PastDeadline,
        Self::OutOfMemory,
        Self::Trap,
        Self::Refused,
        Self::HostFault,
    ];

    /// Joins how the run ended with how its answers scored (two attempts); none where outputs are unknown.
    pub fn of(ending: &Ending, score: Option<&Score>) -> Self {
        match ending {
            Ending::Returned | Ending::GaveUp(_) => match score {
                Some(score) if score.solved_at(2) => Self::Solved,
                Some(_) => Self::Unsolved,
                None => Self::Unscored,
            },
            Ending::OutOfFuel => Self::OutOfFuel,
            Ending::PastDeadline => Self::PastDeadline,
            Ending::OutOfMemory => Self::OutOfMemory,
            Ending::Trapped { .. } | Ending::StackExhausted { .. } | Ending::Crashed(_) => Self::Trap,
            Ending::Refused { .. } => Self::Refused,
            Ending::HostFault(_) => Self::HostFault,
        }
    }

    /// The name in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Solved => "solved",
            Self::Unsolved => "unsolved",
            Self::Unscored => "unscored",
            Self::OutOfFuel => "out_of_fuel",
            Self::PastDeadline => "past_deadline",
            Self::OutOfMemory => "out_of_memory",
            Self::Trap => "trap",
            Self::Refused => "refused",
            Self::HostFault => "host_fault",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

impl Fault {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Plugin => "plugin",
            Self::Operator => "operator",
            Self::Host => "host",
        }
    }
}

impl Ending {
    /// What went wrong in one line, for people; none where nothing did.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Returned => None,
            Self::GaveUp(reason)
            | Self::Crashed(reason)
            | Self::Refused { reason, .. }
            | Self::HostFault(reason)
            | Self::Trapped { reason, .. } => Some(reason.clone()),
            Self::OutOfFuel => Some("out of fuel".to_owned()),
            Self::PastDeadline => Some("past the deadline".to_owned()),
            Self::OutOfMemory => Some("out of memory".to_owned()),
            Self::StackExhausted { .. } => Some("call stack exhausted".to_owned()),
        }
    }

    /// Whose fault it is that the run did not come to its end.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Returned | Self::GaveUp(_) => Fault::Nobody,
            Self::Refused { cause: Refusal::NotGranted, .. } => Fault::Operator,
            Self::HostFault(_) => Fault::Host,
            _ => Fault::Plugin,
        }
    }

    /// True where the same recipe ends the same way anywhere: neither the clock, the machine nor the operator's
    /// grants decide.
    pub fn is_replayable(&self) -> bool {
        !matches!(
            self,
            Self::PastDeadline
                | Self::StackExhausted { .. }
                | Self::Crashed(_)
                | Self::Refused { .. }
                | Self::HostFault(_)
        )
    }
}
