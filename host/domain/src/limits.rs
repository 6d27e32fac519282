use serde::{Deserialize, Serialize};

use crate::{HostCall, grouped};

/// One limit: its key, its default, the bound that only the operator raises, and what it means.
#[derive(Clone, Copy, Debug)]
pub struct LimitKey {
    pub name: &'static str,
    pub default: u64,
    pub bound: u64,
    pub meaning: &'static str,
}

/// A limit that was asked for beyond what the operator allows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("limit `{name}` is {}: the operator's bound is {}", grouped(*asked), grouped(*bound))]
pub struct OverBound {
    pub name: &'static str,
    pub asked: u64,
    pub bound: u64,
}

/// Declares every limit once; the struct, its overlay and its documentation follow from the list.
macro_rules! limits {
    ($($name:ident: $default:expr, $bound:expr, $meaning:expr;)*) => {
        /// What a run is granted. Every field counts for one run.
        ///
        /// Stored with every run: a limit that came later is read at its default, one that went is passed over.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Limits {
            $(#[doc = $meaning] pub $name: u64,)*
        }

        /// Limits named by one source (a plugin, a file, the command line); the rest stays as it was.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct LimitsOverlay {
            $(#[doc = $meaning] #[serde(default, skip_serializing_if = "Option::is_none")] pub $name: Option<u64>,)*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        impl Limits {
            /// Every limit, in the order of the documentation.
            pub const KEYS: &'static [LimitKey] = &[
                $(LimitKey { name: stringify!($name), default: $default, bound: $bound, meaning: $meaning },)*
            ];

            /// The bounds that hold where the operator sets none.
            pub fn bounds() -> Self {
                Self { $($name: $bound,)* }
            }

            /// Lays the values that `overlay` names over these.
            #[must_use]
            pub fn with(&self, overlay: &LimitsOverlay) -> Self {
                Self { $($name: overlay.$name.unwrap_or(self.$name),)* }
            }

            /// Lowers every value to its bound.
            #[must_use]
            pub fn clamped(&self, bounds: &Self) -> Self {
                Self { $($name: self.$name.min(bounds.$name),)* }
            }

            /// The first limit without which no run begins that is 0.
            pub fn zero(&self) -> Option<&'static str> {
                [
                    ("fuel", self.fuel),
                    ("wall_ms", self.wall_ms),
                    ("memory_mb", self.memory_mb),
                    ("memories", self.memories),
                    ("stack_kb", self.stack_kb),
                    ("instances", self.instances),
                ]
                    .into_iter()
                    .find_map(|(name, value)| (value == 0).then_some(name))
            }

            /// Refuses the first value beyond its bound.
            pub fn check(&self, bounds: &Self) -> Result<(), OverBound> {
                $(if self.$name > bounds.$name {
                    return Err(OverBound { name: stringify!($name), asked: self.$name, bound: bounds.$name });
                })*
                Ok(())
            }
        }
    };
}

limits! {
    fuel: 20_000_000_000, 1_000_000_000_000,
        "Units of work: about one a WebAssembly instruction, and host work in proportion. It decides when a run ends.";
    wall_ms: 120_000, 3_600_000,
        "Milliseconds of real time. A safety net: a run that it ended cannot be replayed.";
    memory_mb: 256, 1_024,
        "MiB of linear memory, summed over all memories of a run.";
    memories: 8, 8,
        "Linear memories of a run.";
    stack_kb: 1_024, Limits::MAX_STACK_KB,
        "KiB of native stack that the plugin's calls may take.";
    instances: 32, 64,
        "Core module instances of a run.";
    tables: 16, 32,
        "Tables of a run.";
    table_elements: 100_000, 1_000_000,
        "Elements of tables, summed over all tables of a run.";
    handles: 1_000, 100_000,
        "Component handles that live at once, the plugin's own resources among them.";
    host_calls: 1_000_000, 100_000_000,
        "Calls of host functions, of all kinds; the next one ends the run.";
    offer_calls: 10_000, 1_000_000,
        "Calls of `offer`, those that are refused among them; the next one ends the run.";
    note_calls: 1_000_000, 100_000_000,
        "Calls of `step` and `log`; the next one ends the run.";
    query_calls: 1_000_000, 100_000_000,
        "Calls of `budget`, `seed` and `setting`; the next one ends the run.";
    wasi_calls: 1_000_000, 100_000_000,
        "Calls of WASI functions, where it is granted; the next one ends the run.";
    memory_calls: 10_000, 1_000_000,
        "Calls of the interface `memory`; the next one ends the run.";
    artifact_calls: 1_000, 100_000,
        "Calls of the interface `artifacts`; the next one ends the run.";
    ttt_calls: 10_000, 1_000_000,
        "Calls of the interface `ttt`; the next one ends the run.";
    llm_calls: 100, 10_000,
        "Calls of the interface `llm`; the next one ends the run.";
    lifted_bytes_call: 262_144, 16_777_216,
        "Bytes that one call may hand to the host; more ends the run.";
    lifted_bytes: 67_108_864, 1_073_741_824,
        "Bytes that all calls of a run may hand to the host; more ends the run.";
    answers: 256, 4_096,
        "Answers that a run may offer; the next one is refused.";
    answer_bytes: 2_097_152, 67_108_864,
        "Bytes of all answers that are kept, cells and rationales; an answer that does not fit is refused.";
    rationale_bytes: 4_096, 65_536,
        "Bytes of one answer's rationale; the rest is cut.";
    steps: 1_000, 100_000,
        "Steps of the trajectory that are kept; later ones are counted and dropped.";
    log_lines: 10_000, 1_000_000,
        "Log lines that are kept; later ones are counted and dropped.";
    log_bytes: 65_536, 16_777_216,
        "Bytes of log and step text that are kept; the rest is counted and dropped.";
    artifact_bytes: 16_777_216, 268_435_456,
        "Bytes that a run may save through the interface `artifacts`; what does not fit is refused.";
    lent_bytes: 33_554_432, 1_073_741_824,
        "Bytes that a run asks with and gets through `memory`, `artifacts`, `ttt` and `llm`; what does not fit is refused.";
    device_memory_mb: 2_048, 65_536,
        "MiB of the device's memory that a run's adaptations hold at once; more is refused.";
    device_ms: 60_000, 3_600_000,
        "Milliseconds of the device's time: a training stops there, and the next is refused.";
    tokens: 100_000, 10_000_000,
        "Tokens of prompts and completions; a request beyond it is refused.";
    cost_micros: 1_000_000, 1_000_000_000,
        "Millionths of a dollar that a run may spend on language models; a request beyond it is refused.";
}

impl Limits {
    /// The native stack of a thread that runs plugins: the largest `stack_kb`, and as much for the host.
    pub const THREAD_STACK_BYTES: usize = 16 << 20;
    /// The largest `stack_kb` that an operator may allow.
    pub const MAX_STACK_KB: u64 = 8_192;

    pub fn memory_bytes(&self) -> u64 {
        self.memory_mb.saturating_mul(1 << 20)
    }

    pub fn device_bytes(&self) -> u64 {
        self.device_memory_mb.saturating_mul(1 << 20)
    }

    /// How often a run may call host functions of a kind.
    pub fn calls(&self, kind: HostCall) -> u64 {
        match kind {
            HostCall::Offer => self.offer_calls,
            HostCall::Note => self.note_calls,
            HostCall::Query => self.query_calls,
            HostCall::Wasi => self.wasi_calls,
            HostCall::Memory => self.memory_calls,
            HostCall::Artifacts => self.artifact_calls,
            HostCall::Ttt => self.ttt_calls,
            HostCall::Llm => self.llm_calls,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_source_wins_and_the_rest_stays() {
        let overlay = LimitsOverlay { fuel: Some(7), ..LimitsOverlay::default() };
        let limits = Limits::default().with(&overlay);
        assert_eq!(limits.fuel, 7);
        assert_eq!(limits.wall_ms, Limits::default().wall_ms);
    }

    #[test]
    fn beyond_the_bound_is_refused_by_name_or_lowered() {
        let asked = Limits { memory_mb: 5_000, ..Limits::default() };
        let error = asked.check(&Limits::bounds()).unwrap_err();
        assert_eq!(error.to_string(), "limit `memory_mb` is 5,000: the operator's bound is 1,024");
        assert_eq!(asked.clamped(&Limits::bounds()).memory_mb, 1_024);
    }

    #[test]
    fn defaults_are_within_bounds_and_exact_in_a_double() {
        Limits::default().check(&Limits::bounds()).unwrap();
        assert!(Limits::MAX_STACK_KB << 10 <= Limits::THREAD_STACK_BYTES as u64 / 2);
        assert!(Limits::KEYS.iter().all(|key| key.bound < 1 << 53 && key.default > 0));
    }
}
