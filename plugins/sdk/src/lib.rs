//! Write a Stratagem strategy in Rust.
//!
//! ```no_run
//! use stratagem_sdk::{Answer, Description, Run, Strategy, Task, export};
//!
//! struct Identity;
//!
//! impl Strategy for Identity {
//!     fn describe() -> Description {
//!         Description::new("identity", "0.1.0", "program_synthesis", "answers with the input")
//!     }
//!
//!     fn solve(task: &Task, run: &Run) -> Result<(), String> {
//!         for (test_index, input) in task.test.iter().enumerate() {
//!             run.offer(&Answer::new(test_index, input.clone(), 0.1, "the input itself"))?;
//!         }
//!         Ok(())
//!     }
//! }
//!
//! export!(Identity);
//! # fn main() {}
//! ```
//!
//! Offer answers as soon as they are found: they are kept however the run ends. Whatever happens
//! must follow from the task, the settings and the seed alone; there is no clock and no other chance.

mod panic;
mod run;

/// The bindings that `wit-bindgen` makes of `wit/`.
#[doc(hidden)]
#[allow(unsafe_code, clippy::all, clippy::pedantic)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/next",
        world: "plugin",
        pub_export_macro: true,
        default_bindings_module: "stratagem_sdk::bindings",
        generate_all,
        additional_derives: [PartialEq, Clone],
    });
}

pub use bindings::exports::stratagem::strategy::strategy::{Description, Lesson};
pub use bindings::stratagem::strategy::run::{Allowance, Level};
pub use bindings::stratagem::strategy::types::{Answer, Grid, Pair, Refusal, Task};
/// Interfaces that a plugin must ask for in `capabilities` and that the operator must grant.
pub use bindings::stratagem::strategy::{artifacts, llm, memory, ttt};
pub use run::Run;

#[doc(hidden)]
pub use panic::report_panics;

/// What a strategy does. One value a process: a run starts afresh every time.
pub trait Strategy {
    /// Says what this is; the same as in `plugin.toml`, whatever the task.
    fn describe() -> Description;

    /// Works on a task and offers answers as it finds them.
    ///
    /// *Errors*: why the strategy gave up, for people; answers that were offered count all the same.
    fn solve(task: &Task, run: &Run) -> Result<(), String>;

    /// Learns from solved tasks; a strategy that does not learn needs no more than this.
    ///
    /// *Errors*: why nothing could be learned.
    fn learn(lessons: &[Lesson], run: &Run) -> Result<(), String> {
        let _ = (lessons, run);
        Ok(())
    }
}

impl Description {
    pub fn new(name: &str, version: &str, kind: &str, summary: &str) -> Self {
        Self { name: name.into(), version: version.into(), kind: kind.into(), summary: summary.into() }
    }
}

impl Answer {
    /// *Units*: confidence is 0 to 1, the strategy's own estimate that the answer is right.
    pub fn new(test_index: usize, output: Grid, confidence: f64, rationale: impl Into<String>) -> Self {
        Self { test_index: test_index as u32, output, confidence, rationale: rationale.into() }
    }
}

impl From<Refusal> for String {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(reason) => format!("invalid: {reason}"),
            Refusal::Exhausted(reason) => format!("exhausted: {reason}"),
            Refusal::Unavailable(reason) => format!("unavailable: {reason}"),
        }
    }
}

/// Exports a [`Strategy`] as the plugin of this crate. Once a crate; the crate is a `cdylib`.
#[macro_export]
macro_rules! export {
    ($strategy:ty) => {
        struct ExportedStrategy;

        impl $crate::bindings::exports::stratagem::strategy::strategy::Guest for ExportedStrategy {
            fn describe() -> $crate::Description {
                $crate::report_panics();
                <$strategy as $crate::Strategy>::describe()
            }

            fn solve(task: $crate::Task) -> ::core::result::Result<(), ::std::string::String> {
                $crate::report_panics();
                <$strategy as $crate::Strategy>::solve(&task, &$crate::Run::new())
            }

            fn learn(lessons: ::std::vec::Vec<$crate::Lesson>) -> ::core::result::Result<(), ::std::string::String> {
                $crate::report_panics();
                <$strategy as $crate::Strategy>::learn(&lessons, &$crate::Run::new())
            }
        }

        // The contract's names are none that a native linker takes; what is built natively is tested, not loaded.
        #[cfg(not(target_arch = "wasm32"))]
        const _: fn() -> $crate::Description =
            <ExportedStrategy as $crate::bindings::exports::stratagem::strategy::strategy::Guest>::describe;

        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, clippy::all, clippy::pedantic)]
        mod exported_strategy {
            use super::ExportedStrategy;
            $crate::bindings::export!(ExportedStrategy with_types_in $crate::bindings);
        }
    };
}
