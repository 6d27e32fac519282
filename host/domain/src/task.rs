use serde::{Deserialize, Serialize};

use crate::{Digest, Grid, quote};

/// A demonstration: what goes in, what comes out.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    pub input: Grid,
    pub output: Grid,
}

/// A task as a strategy sees it: demonstrations and test inputs, never test outputs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Task {
    pub id: String,
    pub train: Vec<Pair>,
    pub test: Vec<Grid>,
}

/// A task with the test outputs where they are known. It stays in the host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LabelledTask {
    pub task: Task,
    /// One entry a test input, in order; none where the output is not known.
    pub truth: Vec<Option<Grid>>,
}

/// A solved task to learn from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lesson {
    pub task: LabelledTask,
    /// How it was solved, in the words of the strategy that solved it; empty where nobody has.
    pub rationale: String,
}

impl Lesson {
    /// Tasks of which nobody says how they are solved.
    pub fn untold(tasks: &[LabelledTask]) -> Vec<Self> {
        tasks.iter().map(|task| Self { task: task.clone(), rationale: String::new() }).collect()
    }
}

/// Which part of a dataset a task belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    Training,
    Evaluation,
    Test,
    Custom,
}

/// Tasks that were read together: a dataset before it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskSet {
    pub name: String,
    pub tasks: Vec<(Split, LabelledTask)>,
}

/// Why a set of grids is no task.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaskError {
    #[error("task id {} is not plain: 1 to {max} bytes of letters, digits, '.', '_' and '-'", quote(.0, 80), max = Task::MAX_ID_BYTES)]
    BadId(String),
    #[error("task has no training pair: 1 to {max}", max = Task::MAX_PAIRS)]
    NoTrain,
    #[error("task has no test input: 1 to {max}", max = Task::MAX_TESTS)]
    NoTest,
    #[error("task has {0} training pairs: limit {max}", max = Task::MAX_PAIRS)]
    TooManyPairs(usize),
    #[error("task has {0} test inputs: limit {max}", max = Task::MAX_TESTS)]
    TooManyTests(usize),
}

impl Task {
    /// The most demonstrations of a task; published ones have at most ten.
    pub const MAX_PAIRS: usize = 32;
    /// The most test inputs of a task; published ones have at most four.
    pub const MAX_TESTS: usize = 16;
    pub const MAX_ID_BYTES: usize = 128;
}

impl LabelledTask {
    /// Joins a task and its known outputs, one entry a test input.
    pub fn new(id: &str, train: Vec<Pair>, test: Vec<(Grid, Option<Grid>)>) -> Result<Self, TaskError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if id.is_empty() || id.len() > Task::MAX_ID_BYTES || !id.bytes().all(plain) {
            return Err(TaskError::BadId(id.to_owned()));
        }
        match (train.len(), test.len()) {
            (0, _) => Err(TaskError::NoTrain),
            (_, 0) => Err(TaskError::NoTest),
            (pairs, _) if pairs > Task::MAX_PAIRS => Err(TaskError::TooManyPairs(pairs)),
            (_, tests) if tests > Task::MAX_TESTS => Err(TaskError::TooManyTests(tests)),
            _ => {
                let (inputs, truth) = test.into_iter().unzip();
                Ok(Self { task: Task { id: id.to_owned(), train, test: inputs }, truth })
            }
        }
    }

    /// True where every test output is known, so that answers can be scored.
    pub fn is_scorable(&self) -> bool {
        self.truth.iter().all(Option::is_some)
    }

    /// The digest of all that the task says, its id and known outputs included.
    pub fn digest(&self) -> Digest {
        let json = serde_json::to_vec(&(&self.task.id, &self.task.train, &self.task.test, &self.truth))
            .unwrap_or_else(|error| unreachable!("grids are always JSON: {error}"));
        Digest::of(&json)
    }
}

impl Split {
    pub const ALL: [Self; 4] = [Self::Training, Self::Evaluation, Self::Test, Self::Custom];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Evaluation => "evaluation",
            Self::Test => "test",
            Self::Custom => "custom",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|split| split.as_str() == text)
    }
}

impl TaskSet {
    /// The digest of the content: the same tasks in the same splits, in any order.
    pub fn digest(&self) -> Digest {
        let mut parts: Vec<Vec<u8>> = self
            .tasks
            .iter()
            .map(|(split, task)| [split.as_str().as_bytes(), task.digest().as_bytes()].concat())
            .collect();
        parts.sort_unstable();
        Digest::of_parts(parts.iter().map(Vec::as_slice))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(colour: u8) -> Grid {
        Grid::new(1, 1, &[colour]).unwrap()
    }

    fn task(id: &str, colour: u8) -> LabelledTask {
        let pair = Pair { input: cell(1), output: cell(2) };
        LabelledTask::new(id, vec![pair], vec![(cell(colour), Some(cell(4)))]).unwrap()
    }

    #[test]
    fn a_dataset_is_known_by_its_content_in_any_order() {
        let set = |tasks: Vec<LabelledTask>| TaskSet {
            name: "any".into(),
            tasks: tasks.into_iter().map(|task| (Split::Training, task)).collect(),
        };
        let digest = set(vec![task("a", 3), task("b", 3)]).digest();
        assert_eq!(set(vec![task("b", 3), task("a", 3)]).digest(), digest);
        assert_ne!(set(vec![task("b", 3), task("a", 5)]).digest(), digest);
    }

    #[test]
    fn a_task_needs_a_pair_a_test_and_a_plain_id() {
        let pair = Pair { input: cell(1), output: cell(2) };
        assert_eq!(LabelledTask::new("a", vec![], vec![(cell(1), None)]), Err(TaskError::NoTrain));
        assert_eq!(LabelledTask::new("a", vec![pair.clone()], vec![]), Err(TaskError::NoTest));
        assert_eq!(
            LabelledTask::new("../a", vec![pair], vec![(cell(1), None)]),
            Err(TaskError::BadId("../a".into()))
        );
    }
}
