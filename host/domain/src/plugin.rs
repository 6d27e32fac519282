use serde::{Deserialize, Serialize};

use crate::Digest;

/// A capability beyond `run`, which every plugin has: it must be asked for and granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Capability {
    Memory,
    Artifacts,
    Ttt,
    Llm,
    /// What WASI calls stdin (empty), stdout and stderr: lines go into the run's log.
    Stdio,
    /// Clocks that count calls: no real time.
    Clock,
    /// Randomness that the run's seed decides.
    Random,
    /// The folders that the policy names, read-only.
    Files,
    /// An empty environment, no arguments, and `exit`, which ends the run.
    Process,
}

/// How far the operator trusts a plugin: what it may be granted follows from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trust {
    #[default]
    Untrusted,
    Reviewed,
    /// It came with the program.
    Builtin,
}

/// Which plugin a run used, to the byte.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PluginIdentity {
    pub name: String,
    pub version: String,
    /// `ttt`, `program_synthesis`, `evolution`, `imitation` or a new kind.
    pub kind: String,
    /// Of the component's bytes.
    pub digest: Digest,
}

impl Capability {
    pub const ALL: [Self; 9] = [
        Self::Memory,
        Self::Artifacts,
        Self::Ttt,
        Self::Llm,
        Self::Stdio,
        Self::Clock,
        Self::Random,
        Self::Files,
        Self::Process,
    ];

    /// The name in `plugin.toml` and in the policy; of the contract's own, the interface's name too.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Artifacts => "artifacts",
            Self::Ttt => "ttt",
            Self::Llm => "llm",
            Self::Stdio => "stdio",
            Self::Clock => "clock",
            Self::Random => "random",
            Self::Files => "files",
            Self::Process => "process",
        }
    }

    /// True for what WASI defines, false for an interface of the contract.
    pub fn is_wasi(self) -> bool {
        matches!(self, Self::Stdio | Self::Clock | Self::Random | Self::Files | Self::Process)
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|capability| capability.as_str() == text)
    }
}

impl Trust {
    pub const ALL: [Self; 3] = [Self::Untrusted, Self::Reviewed, Self::Builtin];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Untrusted => "untrusted",
            Self::Reviewed => "reviewed",
            Self::Builtin => "builtin",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|trust| trust.as_str() == text)
    }
}
