//! The conformance suite: what every plugin is held to, and how it is told where one falls short.
//!
//! A case is a folder under `cases/`: `case.toml` says what it holds a plugin to, why that matters, how to mend a
//! breach, and with which limits and seeds it runs; the ARC task files beside it are what it runs on, and where
//! there are none, the ordinary ones of `tasks/`. A [`Check`] is the kind of a case, a function of `checks/`; most
//! cases share one and are data. All of it lies in the binary.
//!
//! A [`Suite`] holds a plugin to its cases and gives a [`Report`]. It knows a plugin only as a [`Subject`], so that
//! the suite is itself held to subjects with faults that no component can have in a sandbox.
//!
//! What must never be here: a score. Conformance says that a plugin behaves, not that it is any good.

mod blank;
mod case;
mod checks;
mod junit;
mod report;
mod subject;
mod suite;
mod trial;

pub use case::{Case, Catalogue};
pub use checks::{Check, Load};
pub use junit::junit;
pub use report::{Checked, Counts, Finding, Report, Seen, Verdict};
pub use subject::Subject;
pub use suite::{NoCase, Suite};
