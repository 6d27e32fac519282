//! Fits a model to one task, and asks it for answers.

pub mod automaton;
pub mod compression;
pub mod device;
mod opinions;

use crate::launch::Failed;

/// Why a model cannot be trained on a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// There are no demonstrations.
    Empty,
    /// An output is of another size than its input.
    Sizes,
    /// The loss is no number any more: the learning rate is too high.
    Diverged,
}

/// Why an update did not come off.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// The loss is no number any more: the learning rate is too high.
    #[error("the loss is no number any more")]
    Diverged,
    #[error(transparent)]
    Failed(#[from] Failed),
}
