//! Motifs: what the grids of a task look like, whatever becomes of them.

use serde::{Deserialize, Serialize};

use super::{Demo, GridFeatures, PairFeatures, parts};

/// Objects from which on there are many.
const MANY_OBJECTS: usize = 8;
const MANY_COLOURS: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Motif {
    SymmetricInputs,
    SymmetricOutputs,
    PeriodicInputs,
    PeriodicOutputs,
    /// Lines of one colour divide every input into equal parts.
    DividedInputs,
    /// One object an input, whatever its colours.
    OneObject,
    ManyObjects,
    /// Objects of more than a cell fill their boxes.
    Rectangles,
    /// Most objects are of one cell.
    Scattered,
    /// Background and one colour.
    TwoColours,
    ManyColours,
    /// Every output has a colour that its input lacks.
    NewColours,
    /// Every input has a colour that its output lacks.
    LostColours,
}

impl Motif {
    pub const ALL: [Self; 13] = [
        Self::SymmetricInputs,
        Self::SymmetricOutputs,
        Self::PeriodicInputs,
        Self::PeriodicOutputs,
        Self::DividedInputs,
        Self::OneObject,
        Self::ManyObjects,
        Self::Rectangles,
        Self::Scattered,
        Self::TwoColours,
        Self::ManyColours,
        Self::NewColours,
        Self::LostColours,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::SymmetricInputs => "symmetric_inputs",
            Self::SymmetricOutputs => "symmetric_outputs",
            Self::PeriodicInputs => "periodic_inputs",
            Self::PeriodicOutputs => "periodic_outputs",
            Self::DividedInputs => "divided_inputs",
            Self::OneObject => "one_object",
            Self::ManyObjects => "many_objects",
            Self::Rectangles => "rectangles",
            Self::Scattered => "scattered",
            Self::TwoColours => "two_colours",
            Self::ManyColours => "many_colours",
            Self::NewColours => "new_colours",
            Self::LostColours => "lost_colours",
        }
    }

    fn holds(self, demos: &[Demo], pairs: &[PairFeatures]) -> bool {
        let inputs = |test: fn(&GridFeatures) -> bool| pairs.iter().all(|pair| test(&pair.input));
        let outputs = |test: fn(&GridFeatures) -> bool| pairs.iter().all(|pair| test(&pair.output));
        // A grid of one colour has every symmetry and period.
        let is_symmetric = |grid: &GridFeatures| grid.colours.len() > 1 && grid.symmetry.any();
        let is_periodic = |grid: &GridFeatures| grid.colours.len() > 1 && grid.period.any();
        match self {
            Self::SymmetricInputs => inputs(is_symmetric),
            Self::SymmetricOutputs => outputs(is_symmetric),
            Self::PeriodicInputs => inputs(is_periodic),
            Self::PeriodicOutputs => outputs(is_periodic),
            Self::DividedInputs => demos.iter().all(|demo| {
                (0..10).filter(|&colour| colour != demo.ground).any(|colour| {
                    parts::divided(&demo.input, colour).first().is_some_and(|part| part.cells.len() > 1)
                })
            }),
            Self::OneObject => inputs(|grid| grid.objects.any_colour == 1),
            Self::ManyObjects => inputs(|grid| grid.objects.eight >= MANY_OBJECTS),
            Self::Rectangles => inputs(|grid| {
                let of_more = grid.objects.eight - grid.objects.single_cells;
                of_more > 0 && grid.objects.rectangles == of_more
            }),
            Self::Scattered => {
                inputs(|grid| grid.objects.eight > 2 && grid.objects.single_cells * 2 > grid.objects.eight)
            }
            Self::TwoColours => inputs(|grid| grid.colours.len() == 2),
            Self::ManyColours => inputs(|grid| grid.colours.len() >= MANY_COLOURS),
            Self::NewColours => pairs.iter().all(|pair| !pair.colours_added.is_empty()),
            Self::LostColours => pairs.iter().all(|pair| !pair.colours_removed.is_empty()),
        }
    }
}

pub(super) fn of(demos: &[Demo], pairs: &[PairFeatures]) -> Vec<Motif> {
    Motif::ALL.into_iter().filter(|motif| motif.holds(demos, pairs)).collect()
}
