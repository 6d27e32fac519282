//! How the outputs' sizes follow from the inputs'.

use serde::{Deserialize, Serialize};

use super::Demo;
use super::objects::{self, Touch};

/// The first that holds for all demonstrations, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SizeRelation {
    /// As large as the input.
    Same,
    /// Rows and columns changed places, of inputs that are not all square.
    Transposed,
    /// Whole multiples of the input's sides, always the same.
    Multiple,
    /// Whole parts of the input's sides, always the same, and more than a cell.
    Fraction,
    /// Always the same size.
    Constant,
    /// The size of a box around an object of the input.
    Object,
    /// Never less on either side.
    Grows,
    /// Never more on either side.
    Shrinks,
    Mixed,
}

/// What families tell apart of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SizeGroup {
    Same,
    Larger,
    Smaller,
    Mixed,
}

impl SizeRelation {
    pub const ALL: [Self; 9] = [
        Self::Same,
        Self::Transposed,
        Self::Multiple,
        Self::Fraction,
        Self::Constant,
        Self::Object,
        Self::Grows,
        Self::Shrinks,
        Self::Mixed,
    ];

    pub(super) fn of(demos: &[Demo]) -> Self {
        Self::ALL.into_iter().find(|relation| relation.holds(demos)).unwrap_or(Self::Mixed)
    }

    fn holds(self, demos: &[Demo]) -> bool {
        let all = |test: fn(&Demo) -> bool| demos.iter().all(test);
        match self {
            Self::Same => all(Demo::is_same_size),
            Self::Transposed => {
                all(|demo| (demo.input.width, demo.input.height) == (demo.output.height, demo.output.width))
            }
            Self::Multiple => ratio(demos, |demo| (sides_of(&demo.output), sides_of(&demo.input))),
            Self::Fraction => {
                ratio(demos, |demo| (sides_of(&demo.input), sides_of(&demo.output)))
                    && !all(|demo| demo.output.cells.len() == 1)
            }
            Self::Constant => demos.iter().all(|demo| demo.output.is_like(&demos[0].output)),
            Self::Object => all(is_object_sized),
            Self::Grows => {
                all(|demo| demo.output.width >= demo.input.width && demo.output.height >= demo.input.height)
            }
            Self::Shrinks => {
                all(|demo| demo.output.width <= demo.input.width && demo.output.height <= demo.input.height)
            }
            Self::Mixed => true,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Transposed => "transposed",
            Self::Multiple => "multiple",
            Self::Fraction => "fraction",
            Self::Constant => "constant",
            Self::Object => "object",
            Self::Grows => "grows",
            Self::Shrinks => "shrinks",
            Self::Mixed => "mixed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|relation| relation.as_str() == text)
    }

    /// An output of constant size is smaller as a rule: inputs of tasks with one vary, and hold it.
    pub fn group(self) -> SizeGroup {
        match self {
            Self::Same | Self::Transposed => SizeGroup::Same,
            Self::Multiple | Self::Grows => SizeGroup::Larger,
            Self::Fraction | Self::Constant | Self::Object | Self::Shrinks => SizeGroup::Smaller,
            Self::Mixed => SizeGroup::Mixed,
        }
    }
}

impl SizeGroup {
    pub const ALL: [Self; 4] = [Self::Same, Self::Larger, Self::Smaller, Self::Mixed];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Same => "same size",
            Self::Larger => "larger output",
            Self::Smaller => "smaller output",
            Self::Mixed => "mixed sizes",
        }
    }

    pub(super) fn description(self) -> &'static str {
        match self {
            Self::Same => "the output is as large as the input",
            Self::Larger => "the output is larger than the input",
            Self::Smaller => "the output is smaller than the input, or of one size",
            Self::Mixed => "the output's size follows no simple rule",
        }
    }
}

type Sides = (usize, usize);

fn sides_of(board: &super::Board) -> Sides {
    (board.height, board.width)
}

/// True where the large sides are the same whole multiples of the small ones everywhere.
fn ratio(demos: &[Demo], sides: fn(&Demo) -> (Sides, Sides)) -> bool {
    let (large, small) = sides(&demos[0]);
    let (rows, columns) = (large.0 / small.0, large.1 / small.1);
    rows * columns > 1
        && demos.iter().all(|demo| {
            let (large, small) = sides(demo);
            large == (small.0 * rows, small.1 * columns)
        })
}

/// Not where the whole picture is the object.
fn is_object_sized(demo: &Demo) -> bool {
    let (output, input) = (sides_of(&demo.output), sides_of(&demo.input));
    let kinds = [Touch::Eight, Touch::AnyColour, Touch::Four];
    output != input
        && kinds.into_iter().any(|touch| {
            let objects = objects::of(&demo.input, demo.ground, touch);
            objects.iter().any(|object| (object.height, object.width) == output)
        })
}
