//! Between the contract's types and the DSL's.

use stratagem_dsl::{Grid, Pair, Size, Task};
use stratagem_sdk as sdk;

use crate::Answer;

/// The task in the DSL's types.
///
/// *Errors*: a grid that is none; the host hands over no such grid.
pub fn task_of(task: &sdk::Task) -> Result<Task, String> {
    let pair = |p: &sdk::Pair| Ok(Pair { input: grid_of(&p.input)?, output: grid_of(&p.output)? });
    Ok(Task {
        train: task.train.iter().map(pair).collect::<Result<_, String>>()?,
        test: task.test.iter().map(grid_of).collect::<Result<_, _>>()?,
    })
}

/// A grid in the DSL's type.
pub fn grid_of(g: &sdk::Grid) -> Result<Grid, String> {
    let size = Size::new(g.width as usize, g.height as usize);
    let valid = Grid::from_cells(size, g.cells.clone()).filter(|_| size.fits_task());
    valid.ok_or_else(|| {
        format!("grid of {} x {} with {} cells is no task grid", g.width, g.height, g.cells.len())
    })
}

/// An answer in the contract's type.
pub fn answer_of(answer: &Answer) -> sdk::Answer {
    let g = &answer.grid;
    let output = sdk::Grid { width: g.width() as u32, height: g.height() as u32, cells: g.cells().to_vec() };
    sdk::Answer::new(answer.test_index, output, answer.confidence, answer.rationale.clone())
}
