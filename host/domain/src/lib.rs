//! The domain: tasks and grids, what a run is granted, what it used, how it ended.
//!
//! Everything here is plain data and rules over it. No file, no clock, no network and no
//! WebAssembly: the crates that have those ([`Strategy`] in `runtime`, [`Ledger`] in `store`)
//! implement the ports of this one, and `solve` sees only the ports.
//!
//! Test outputs live in [`LabelledTask::truth`] alone; [`Task`], the only form that a strategy
//! is ever handed, has no place for them.

mod digest;
pub mod features;
mod grid;
mod lent;
mod likeness;
mod limits;
mod models;
mod outcome;
mod plugin;
mod run;
mod score;
mod task;
mod text;
pub mod training;

pub use digest::Digest;
pub use features::{Features, Hint, SizeRelation};
pub use grid::{Grid, GridError, MAX_COLOUR, MAX_SIDE};
pub use lent::{
    Backing, Call, ChatMessage, ChatRole, Declined, Episode, Exchange, Lender, ModelReply, ModelRequest,
    NoBacking, Pattern, Reply, pattern_id,
};
pub use likeness::Likeness;
pub use limits::{LimitKey, Limits, LimitsOverlay, OverBound};
pub use models::{
    Held, Hold, Keeping, KeptReply, ModelLedger, ModelUsage, OverBudget, Purpose, Question, RateLimits, usd,
};
pub use outcome::{Ending, Fault, Outcome, Refusal};
pub use plugin::{Capability, PluginIdentity, Trust};
pub use run::{
    Answer, Calls, HostCall, Ledger, LedgerError, Level, LogLine, Place, Recipe, RunReport, Settings, Step,
    StoredAnswer, StoredRun, Strategy, Usage,
};
pub use score::{MAX_ATTEMPTS, Ranking, Score, rank, score};
pub use task::{LabelledTask, Lesson, Pair, Split, Task, TaskError, TaskSet};
pub use text::{escape, grouped, quote};
