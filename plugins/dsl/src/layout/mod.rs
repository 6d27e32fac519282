//! Layout rules: an input is taken apart, some parts are kept, and the answer is laid out from them.
//!
//! For answers of another size than the input: choosing a part, merging panels, one cell for each
//! block, series and counts, puzzles, tilings. `layout panels > all > summary main > rigid flip-x`

mod act;
mod assemble;
mod cut;
mod explain;
mod finish;
mod frames;
mod hidden;
mod keep;
mod line;
mod merge;
mod pair;
mod redraw;
mod series;
mod stamp;
mod text;
mod text_act;
mod tiling;

pub use act::{Act, Lookup, Reading};
pub use assemble::Puzzle;
pub use cut::{Cut, Parts};
pub use finish::Finish;
pub use keep::{Keep, Measure};
pub use line::{Align, Line};
pub use merge::{FIRST_INK, Merge};
pub use pair::PairOp;
pub use redraw::Redraw;
pub use series::{Draw, Path};
pub use stamp::Stamp;
pub use tiling::{Amount, CellTest, TileKind, Tiling};

use crate::grid::Grid;
use crate::transform::{Transform, Value};

/// The input of a rule after its first step, at the origin; none where that yields no single grid.
pub fn prepare(step: Transform, input: &Grid) -> Option<Grid> {
    match step.apply(&Value::One(input.clone()), None)? {
        Value::One(g) => Some(g.moved_to(0, 0)),
        _ => None,
    }
}

/// A program of four stages: cut, keep, act, finish; a transform may come first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LayoutRule {
    /// What the input is put through before all else.
    pub first: Option<Transform>,
    pub cut: Cut,
    pub keep: Keep,
    pub act: Act,
    pub finish: Vec<Finish>,
}

impl LayoutRule {
    /// The answer; none where a stage does not apply.
    pub fn run(&self, input: &Grid) -> Option<Grid> {
        let prepared = match self.first {
            Some(step) => Some(prepare(step, input)?),
            None => None,
        };
        let input = prepared.as_ref().unwrap_or(input);
        let parts = self.cut.apply(input)?;
        let kept = self.keep.apply(parts, input)?;
        let drawn = self.act.draw(&kept, input)?;
        self.finish.iter().try_fold(drawn, |g, step| step.apply(&g, input))
    }
}
