//! Which renamings of colours a task is worth searching under.

use stratagem_dsl::{Task, View};

/// The views to search, the plain one first; views that change nothing are left out.
pub fn worthwhile(task: &Task) -> Vec<View> {
    let mut views = vec![View::Plain];
    let backgrounds: Vec<u8> = task.inputs().map(stratagem_dsl::Grid::background).collect();
    let wide = task.inputs().all(|g| g.histogram()[g.background() as usize] * 2 > g.area());
    if wide && backgrounds.iter().any(|&b| b != 0) {
        views.push(View::Background);
    }
    let kept = kept_colours(task);
    for view in [View::Ranked(kept), View::RankedUp(kept)] {
        let renamings: Vec<_> = task.inputs().map(|g| view.renaming(g)).collect();
        if renamings.iter().any(|r| *r != renamings[0]) {
            views.push(view);
        }
    }
    views
}

/// Colours that mean something in themselves: in every input, or new in an output.
fn kept_colours(task: &Task) -> u16 {
    let mut kept = 0;
    for c in 1..10usize {
        let everywhere = task.inputs().all(|g| g.histogram()[c] > 0);
        let new = task.train.iter().any(|p| p.output.histogram()[c] > 0 && p.input.histogram()[c] == 0);
        if everywhere || new {
            kept |= 1 << c;
        }
    }
    kept
}
