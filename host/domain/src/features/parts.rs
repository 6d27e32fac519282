//! Inputs that are made of equal parts, with lines between them or without.

use super::Demo;
use super::board::Board;

/// Parts that [`combine`] lays over one another: more would say too little about each other.
const MOST_COMBINED: usize = 4;

/// The rows, or columns, that one colour fills from side to side.
fn full_lines(board: &Board, colour: u8) -> (Vec<usize>, Vec<usize>) {
    let rows =
        (0..board.height).filter(|&row| (0..board.width).all(|column| board.at(row, column) == colour));
    let columns =
        (0..board.width).filter(|&column| (0..board.height).all(|row| board.at(row, column) == colour));
    (rows.collect(), columns.collect())
}

/// Where stretches between lines begin and how long they are.
fn stretches(lines: &[usize], side: usize) -> Vec<(usize, usize)> {
    let ends = lines.iter().copied().chain([side]);
    let mut start = 0;
    let mut found = Vec::new();
    for end in ends {
        if end > start {
            found.push((start, end - start));
        }
        start = end + 1;
    }
    found
}

/// The parts between lines of one colour, where they are equally large; no parts where there is no such line.
pub(super) fn divided(board: &Board, colour: u8) -> Vec<Board> {
    let (rows, columns) = full_lines(board, colour);
    let (rows, columns) = (stretches(&rows, board.height), stretches(&columns, board.width));
    let equal = |stretches: &[(usize, usize)]| stretches.iter().all(|&(_, length)| length == stretches[0].1);
    if rows.len() * columns.len() < 2 || !equal(&rows) || !equal(&columns) {
        return Vec::new();
    }
    let places = rows.iter().flat_map(|&row| columns.iter().map(move |&column| (row, column)));
    places.map(|((top, height), (left, width))| board.part((top, left), (height, width))).collect()
}

/// The parts of the output's size: between lines, else side by side.
fn parts(demo: &Demo) -> Vec<Board> {
    let (input, output) = (&demo.input, &demo.output);
    let mut divided = (0..10).map(|colour| divided(input, colour));
    if let Some(parts) = divided.find(|parts| parts.first().is_some_and(|part| part.is_like(output))) {
        return parts;
    }
    let (rows, columns) = (input.height / output.height, input.width / output.width);
    let is_whole = (output.height * rows, output.width * columns) == (input.height, input.width);
    if !is_whole || rows.min(columns) != 1 || rows.max(columns) < 2 || output.cells.len() < 2 {
        return Vec::new();
    }
    let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    let sides = (output.height, output.width);
    places.map(|(row, column)| input.part((row * sides.0, column * sides.1), sides)).collect()
}

/// True where each output is one of the parts of its input.
pub(super) fn select(demos: &[Demo]) -> bool {
    demos.iter().all(|demo| {
        let parts = parts(demo);
        parts.len() > 1 && parts.contains(&demo.output) && parts.iter().any(|part| *part != demo.output)
    })
}

/// True where the cells of the parts at one place decide the output's cell there, alike in all demonstrations.
pub(super) fn combine(demos: &[Demo]) -> bool {
    let mut becomes = vec![None; 10_usize.pow(MOST_COMBINED as u32)];
    let (mut repeats, mut places) = (0, 0);
    for demo in demos {
        let parts = parts(demo);
        if !(2..=MOST_COMBINED).contains(&parts.len()) {
            return false;
        }
        for (at, &after) in demo.output.cells.iter().enumerate() {
            let key = parts.iter().fold(0, |key, part| key * 10 + usize::from(part.cells[at]));
            places += 1;
            repeats += usize::from(becomes[key].is_some());
            if *becomes[key].get_or_insert(after) != after {
                return false;
            }
        }
    }
    // Where no combination is seen again, anything would fit.
    repeats * 2 > places
}
