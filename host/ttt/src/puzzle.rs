//! A task as the compression model sees it: all its grids at once, of which the wanted ones are blank.

use stratagem_domain::{Grid, Pair};

use crate::model::multi::{DIRECTIONS, Extent};

/// Height and width.
pub type Sides = [usize; 2];

/// The grids of a task, laid into the corner of a common canvas.
#[derive(Clone, Debug)]
pub struct Puzzle {
    pub extent: Extent,
    /// Pairs that are shown; the examples after them are asked for.
    pub shown: usize,
    /// The colours in use, the first of which, black, has no place on the axis of colours.
    pub palette: Vec<u8>,
    /// For each example the sides of its input and its output: for outputs asked for, what they are taken to be.
    pub sides: Vec<[Sides; 2]>,
    /// For each example its input and its output, as places in the palette, row by row; none where it is asked for.
    pub cells: Vec<[Option<Vec<u8>>; 2]>,
    /// Whether the sides of inputs, and of outputs, need no guess.
    pub sides_known: [bool; 2],
    /// Where sides are alike enough for means to leave out what lies beyond them.
    pub is_masked: bool,
}

impl Puzzle {
    /// Pairs that are shown, and inputs whose outputs are asked for.
    pub fn new(shown: &[Pair], asked: &[Grid]) -> Self {
        let sides = |grid: &Grid| [grid.height(), grid.width()];
        let are_alike = |mut all: Box<dyn Iterator<Item = Sides> + '_>| {
            all.next().is_none_or(|first| all.all(|other| other == first))
        };
        let outputs = || shown.iter().map(|pair| sides(&pair.output));
        let inputs = || shown.iter().map(|pair| &pair.input).chain(asked).map(sides);
        let kept = shown.iter().all(|pair| sides(&pair.input) == sides(&pair.output));
        let one_input = are_alike(Box::new(inputs()));
        let one_output = are_alike(Box::new(outputs()));
        let largest = inputs().chain(outputs()).fold([1, 1], |a, b| [a[0].max(b[0]), a[1].max(b[1])]);
        let guess = |input: &Grid| match outputs().next() {
            _ if kept => sides(input),
            Some(first) if one_output => first,
            _ => largest,
        };
        let mut palette: Vec<u8> = shown
            .iter()
            .flat_map(|pair| [&pair.input, &pair.output])
            .chain(asked)
            .flat_map(|grid| grid.cells().iter().copied())
            .chain([0])
            .collect();
        palette.sort_unstable();
        palette.dedup();
        let place = |colour: &u8| palette.iter().position(|c| c == colour).unwrap_or(0) as u8;
        let cells = |grid: &Grid| Some(grid.cells().iter().map(place).collect());
        let examples = shown.len() + asked.len();
        Self {
            extent: Extent([examples, palette.len() - 1, largest[0], largest[1], DIRECTIONS]),
            shown: shown.len(),
            sides: shown
                .iter()
                .map(|pair| [sides(&pair.input), sides(&pair.output)])
                .chain(asked.iter().map(|input| [sides(input), guess(input)]))
                .collect(),
            cells: shown
                .iter()
                .map(|pair| [cells(&pair.input), cells(&pair.output)])
                .chain(asked.iter().map(|input| [cells(input), None]))
                .collect(),
            sides_known: [kept || one_input, kept || one_output],
            is_masked: kept || one_output,
            palette,
        }
    }

    /// Whether a place of the canvas lies in an example's input or output.
    pub fn is_inside(&self, example: usize, row: usize, column: usize) -> bool {
        self.sides[example].iter().any(|&[height, width]| row < height && column < width)
    }

    /// The longest side of an example's grids: beyond it no grid is looked for.
    pub fn reach(&self, example: usize, side: usize) -> usize {
        self.sides[example].iter().map(|sides| sides[side]).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(height: usize, width: usize, colour: u8) -> Grid {
        Grid::from_rows(&vec![vec![colour; width]; height]).unwrap()
    }

    #[test]
    fn sides_of_what_is_asked_for_follow_the_demonstrations() {
        let pair = |input: Sides, output: Sides| Pair {
            input: grid(input[0], input[1], 3),
            output: grid(output[0], output[1], 7),
        };
        let asked = |pairs: &[Pair]| {
            let puzzle = Puzzle::new(pairs, &[grid(2, 5, 4)]);
            (puzzle.sides[pairs.len()][1], puzzle.sides_known, puzzle.is_masked)
        };
        assert_eq!(asked(&[pair([3, 4], [3, 4])]), ([2, 5], [true, true], true), "kept");
        assert_eq!(
            asked(&[pair([3, 4], [1, 6]), pair([2, 2], [1, 6])]),
            ([1, 6], [false, true], true),
            "always the same"
        );
        assert_eq!(
            asked(&[pair([2, 5], [1, 6]), pair([2, 5], [2, 2])]),
            ([2, 6], [true, false], false),
            "neither"
        );
    }

    #[test]
    fn black_is_first_and_only_colours_in_use_have_a_place() {
        let pairs = [Pair { input: grid(1, 2, 5), output: grid(1, 2, 8) }];
        let puzzle = Puzzle::new(&pairs, &[grid(1, 1, 5)]);
        assert_eq!(puzzle.palette, [0, 5, 8]);
        assert_eq!(puzzle.extent, Extent([2, 2, 1, 2, 8]));
        assert_eq!(puzzle.cells[0], [Some(vec![1, 1]), Some(vec![2, 2])]);
        assert_eq!(puzzle.cells[1], [Some(vec![1]), None]);
        assert!(puzzle.is_inside(0, 0, 1) && !puzzle.is_inside(1, 0, 1));
    }
}
