use serde::{Deserialize, Serialize};

use crate::Digest;

/// A capability beyond `run`, which every plugin has: an interface of the contract that must be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Capability {
    Memory,
    Artifacts,
    Ttt,
    Llm,
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
    pub const ALL: [Self; 4] = [Self::Memory, Self::Artifacts, Self::Ttt, Self::Llm];

    /// The name in `plugin.toml` and of the interface in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Artifacts => "artifacts",
            Self::Ttt => "ttt",
            Self::Llm => "llm",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|capability| capability.as_str() == text)
    }
}
