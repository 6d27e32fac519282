//! Hints: transforms that every demonstration allows, each found by one cheap test.
//!
//! A hint is no proof. It says that the demonstrations do not contradict the transform and that it would explain
//! something: a test that any pair of grids passes tells nothing, so each asks for a visible effect.

use serde::{Deserialize, Serialize};

use super::board::{Board, Turn};
use super::grid::{Period, Symmetry};
use super::objects::{self, Touch};
use super::{Demo, colour_map, lines, parts};

macro_rules! hints {
    ($($name:ident $text:literal $title:literal $test:path, $says:literal;)*) => {
        /// In the order of how much they tell: the first of a task names its family.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Hint {
            $(#[doc = $says] $name,)*
        }

        impl Hint {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            pub fn description(self) -> &'static str {
                match self { $(Self::$name => $says,)* }
            }

            fn holds(self, demos: &[Demo]) -> bool {
                match self { $(Self::$name => $test(demos),)* }
            }
        }
    };
}

hints! {
    Mirror "mirror" "mirror" mirror, "the output is the input mirrored";
    Rotate "rotate" "rotate" rotate, "the output is the input turned";
    Scale "scale" "scale" scale, "every cell becomes a block of cells, or every block a cell";
    Tile "tile" "tile" tile, "the output is made of copies of the input";
    MirrorTile "mirror_tile" "tile with mirrored copies" mirror_tile, "the output is made of turned copies of the input";
    SelfSimilar "self_similar" "self-similar" self_similar, "the input stands in some of its own cells, enlarged";
    CombineParts "combine_parts" "combine parts" parts::combine, "the input has equal parts, laid over one another";
    SelectPart "select_part" "select a part" parts::select, "the input has equal parts, and the output is one of them";
    Uncover "uncover" "uncover a hidden patch" uncover, "the output is what a rectangle of one colour hides";
    ExtractObject "extract_object" "extract an object" extract_object, "the output is an object of the input";
    Crop "crop" "crop" crop, "the output is a rectangle of the input";
    OneColour "one_colour" "answer with one colour" one_colour, "the output is of one colour";
    Count "count" "count" count, "something of the input is counted, and the output says how many";
    ExtendPattern "extend_pattern" "extend a pattern" extend_pattern, "the output goes on where the input ends";
    Pad "pad" "add a margin" pad, "the output has the input within it";
    Recolour "recolour" "recolour" recolour, "every colour becomes one colour, always the same";
    Gravity "gravity" "gravity" lines::gravity, "what is off the background slides along rows or columns";
    Move "move" "move" move_cells, "cells change places, and as many of each colour stay";
    RecolourObjects "recolour_objects" "recolour objects" recolour_objects, "objects change colour and keep their shape";
    RepairSymmetry "repair_symmetry" "repair a symmetry" repair_symmetry, "the output has a symmetry that the input lacks";
    RepairPattern "repair_pattern" "repair a pattern" repair_pattern, "the output repeats itself, and the input is marred";
    Fill "fill" "fill" fill, "background that is enclosed is filled";
    Connect "connect" "connect" lines::connect, "cells of one colour are joined by lines";
    DrawLines "draw_lines" "draw lines" lines::draw, "straight lines are drawn";
    Outline "outline" "outline" outline, "objects get an outline";
    Draw "draw" "draw" draw, "only background changes";
    Remove "remove" "remove" remove, "cells become background";
}

/// Every hint that all demonstrations allow.
pub(super) fn of(demos: &[Demo]) -> Vec<Hint> {
    Hint::ALL.iter().copied().filter(|hint| hint.holds(demos)).collect()
}

/// True where grids keep their size and some cell of every demonstration changes.
pub(super) fn is_edit(demos: &[Demo]) -> bool {
    demos.iter().all(|demo| demo.is_same_size() && demo.input != demo.output)
}

/// True where every change is from background to a colour.
pub(super) fn is_drawing(demos: &[Demo]) -> bool {
    is_edit(demos)
        && demos
            .iter()
            .all(|demo| demo.changes().all(|(_, before, after)| before == demo.ground && after != before))
}

fn is_changed(demos: &[Demo]) -> bool {
    demos.iter().any(|demo| demo.input != demo.output)
}

fn is_turned(demos: &[Demo], turns: &[Turn]) -> bool {
    is_changed(demos)
        && turns.iter().any(|&turn| demos.iter().all(|demo| demo.input.turned(turn) == demo.output))
}

fn mirror(demos: &[Demo]) -> bool {
    is_turned(demos, &Turn::MIRRORS)
}

fn rotate(demos: &[Demo]) -> bool {
    is_turned(demos, &Turn::ROTATIONS)
}

fn scale(demos: &[Demo]) -> bool {
    let is_scaled = |small: &Board, large: &Board| {
        let (rows, columns) = (large.height / small.height, large.width / small.width);
        rows * columns > 1
            && (large.height, large.width) == (small.height * rows, small.width * columns)
            && small.scaled(rows, columns) == *large
    };
    let telling = |board: &Board| !board.is_one_colour();
    demos.iter().all(|demo| telling(&demo.input) && is_scaled(&demo.input, &demo.output))
        || demos.iter().all(|demo| telling(&demo.output) && is_scaled(&demo.output, &demo.input))
}

/// Holds every block of an output of the input's size to a test.
fn is_tiled(demo: &Demo, test: impl Fn(&Board) -> bool) -> bool {
    let (input, output) = (&demo.input, &demo.output);
    let (rows, columns) = (output.height / input.height, output.width / input.width);
    rows * columns > 1
        && (output.height, output.width) == (input.height * rows, input.width * columns)
        && !input.is_one_colour()
        && (0..rows * columns).all(|at| {
            let place = (at / columns * input.height, at % columns * input.width);
            test(&output.part(place, (input.height, input.width)))
        })
}

fn tile(demos: &[Demo]) -> bool {
    demos.iter().all(|demo| is_tiled(demo, |block| *block == demo.input))
}

fn mirror_tile(demos: &[Demo]) -> bool {
    let turned = |demo: &Demo| {
        let turns = Turn::ALL.map(|turn| demo.input.turned(turn));
        is_tiled(demo, |block| turns.contains(block))
    };
    demos.iter().all(turned) && !tile(demos)
}

fn self_similar(demos: &[Demo]) -> bool {
    demos.iter().all(|demo| {
        let (input, output) = (&demo.input, &demo.output);
        (output.height, output.width) == (input.height * input.height, input.width * input.width)
            && is_tiled(demo, |block| *block == *input || block.is_one_colour())
    }) && !tile(demos)
}

/// The box of a colour that fills it: what may hide a patch.
fn solid_box(board: &Board, colour: u8) -> Option<(usize, usize)> {
    let places = || board.cells.iter().enumerate().filter(|&(_, &cell)| cell == colour).map(|(at, _)| at);
    let rows = || places().map(|at| at / board.width);
    let columns = || places().map(|at| at % board.width);
    let (height, width) = (rows().max()? - rows().min()? + 1, columns().max()? - columns().min()? + 1);
    (places().count() == height * width).then_some((height, width))
}

fn uncover(demos: &[Demo]) -> bool {
    demos.iter().all(|demo| {
        let sides = (demo.output.height, demo.output.width);
        demo.output.cells.len() > 3
            && demo.output.cells.len() * 2 < demo.input.cells.len()
            && demo.input.counts().iter().filter(|&&count| count > 0).count() > 3
            && (0..10).any(|colour| {
                solid_box(&demo.input, colour) == Some(sides) && !demo.output.cells.contains(&colour)
            })
    })
}

fn extract_object(demos: &[Demo]) -> bool {
    let is_object = |demo: &Demo, touch| {
        let objects = objects::of(&demo.input, demo.ground, touch);
        objects.len() > 1
            && objects.iter().any(|object| {
                let sides = (object.height, object.width);
                sides == (demo.output.height, demo.output.width)
                    && is_object_of(&demo.input.part((object.top, object.left), sides), object.colour, demo)
            })
    };
    let kinds = [Touch::AnyColour, Touch::Eight];
    demos.iter().any(|demo| demo.output.cells.len() > 3)
        && kinds.into_iter().any(|touch| demos.iter().all(|demo| is_object(demo, touch)))
}

/// True where the output is the object's box, or the object alone where others reach into its box.
fn is_object_of(part: &Board, colour: u8, demo: &Demo) -> bool {
    let alone = |(&cell, &shown): (&u8, &u8)| shown == if cell == colour { colour } else { demo.ground };
    *part == demo.output || part.cells.iter().zip(&demo.output.cells).all(alone)
}

fn is_smaller(demo: &Demo) -> bool {
    demo.output.cells.len() < demo.input.cells.len()
}

fn crop(demos: &[Demo]) -> bool {
    demos
        .iter()
        .all(|demo| is_smaller(demo) && !demo.output.is_one_colour() && demo.input.contains(&demo.output))
}

fn one_colour(demos: &[Demo]) -> bool {
    demos.iter().all(|demo| demo.output.is_one_colour() && !demo.input.is_one_colour())
}

fn count(demos: &[Demo]) -> bool {
    let objects = |demo: &Demo, touch| objects::of(&demo.input, demo.ground, touch).len();
    let colours = |demo: &Demo| demo.input.counts().iter().filter(|&&count| count > 0).count() - 1;
    let counted: [&dyn Fn(&Demo) -> usize; 4] = [
        &|demo| objects(demo, Touch::Four),
        &|demo| objects(demo, Touch::Eight),
        &|demo| objects(demo, Touch::AnyColour),
        &colours,
    ];
    let off_ground = |demo: &Demo| demo.output.cells.iter().filter(|&&cell| cell != demo.ground).count();
    let on_ground = |demo: &Demo| demo.output.cells.len() - off_ground(demo);
    let told: [&dyn Fn(&Demo) -> usize; 4] =
        [&off_ground, &on_ground, &|demo| demo.output.width, &|demo| demo.output.height];
    demos.iter().all(is_smaller)
        && counted.iter().any(|counted| {
            let counts: Vec<usize> = demos.iter().map(counted).collect();
            // One number everywhere is no count.
            counts.iter().any(|&count| count != counts[0])
                && told.iter().any(|told| demos.iter().map(told).eq(counts.iter().copied()))
        })
}

fn is_larger(demo: &Demo) -> bool {
    demo.output.cells.len() > demo.input.cells.len()
}

fn extend_pattern(demos: &[Demo]) -> bool {
    demos.iter().all(|demo| {
        let (input, output) = (&demo.input, &demo.output);
        let free = (output.height.checked_sub(input.height), output.width.checked_sub(input.width));
        let (Some(down), Some(across)) = free else { return false };
        is_larger(demo)
            && !input.is_one_colour()
            && [(0, 0), (down, 0), (0, across), (down, across)].iter().any(|&at| output.has_at(input, at))
            && Period::of(output).any()
    })
}

fn pad(demos: &[Demo]) -> bool {
    demos
        .iter()
        .all(|demo| is_larger(demo) && !demo.input.is_one_colour() && demo.output.contains(&demo.input))
}

fn recolour(demos: &[Demo]) -> bool {
    is_edit(demos) && colour_map(demos.iter()).is_some()
}

fn move_cells(demos: &[Demo]) -> bool {
    is_edit(demos) && demos.iter().all(|demo| demo.input.counts() == demo.output.counts())
}

fn recolour_objects(demos: &[Demo]) -> bool {
    let keeps_ground =
        |demo: &Demo| demo.changes().all(|(_, before, after)| before != demo.ground && after != demo.ground);
    is_edit(demos) && demos.iter().all(keeps_ground)
}

/// True where what changes was of one colour: a mask, or the background.
fn is_of_one_colour(demo: &Demo) -> bool {
    let mut before = demo.changes().map(|(_, before, _)| before);
    let first = before.next();
    before.all(|colour| Some(colour) == first)
}

fn repair_symmetry(demos: &[Demo]) -> bool {
    is_edit(demos)
        && demos.iter().all(is_of_one_colour)
        && (0..6).any(|kind| {
            demos.iter().all(|demo| {
                Symmetry::of(&demo.output).each()[kind]
                    && !Symmetry::of(&demo.input).each()[kind]
                    && !demo.output.is_one_colour()
            })
        })
}

fn repair_pattern(demos: &[Demo]) -> bool {
    is_edit(demos)
        && demos.iter().all(|demo| {
            let (before, after) = (Period::of(&demo.input), Period::of(&demo.output));
            let is_repaired = (after.rows.is_some() && before.rows.is_none())
                || (after.columns.is_some() && before.columns.is_none());
            is_of_one_colour(demo) && is_repaired && !demo.output.is_one_colour()
        })
}

fn fill(demos: &[Demo]) -> bool {
    is_drawing(demos)
        && demos.iter().all(|demo| {
            let is_enclosed = objects::enclosed(&demo.input, demo.ground);
            demo.changes().all(|(at, ..)| is_enclosed[at])
        })
}

fn outline(demos: &[Demo]) -> bool {
    let touches = |demo: &Demo, at: usize| {
        let (row, column) = ((at / demo.input.width) as isize, (at % demo.input.width) as isize);
        let near = (-1..=1).flat_map(|down| (-1..=1).map(move |across| (row + down, column + across)));
        near.into_iter()
            .any(|(row, column)| demo.input.get(row, column).is_some_and(|cell| cell != demo.ground))
    };
    is_drawing(demos) && demos.iter().all(|demo| demo.changes().all(|(at, ..)| touches(demo, at)))
}

fn draw(demos: &[Demo]) -> bool {
    is_drawing(demos)
}

fn remove(demos: &[Demo]) -> bool {
    is_edit(demos) && demos.iter().all(|demo| demo.changes().all(|(.., after)| after == demo.ground))
}
