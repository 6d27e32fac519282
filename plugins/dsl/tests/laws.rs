//! What holds between operations on every grid: a law a line.
//!
//! `it` is the grid. A law must apply to some of the grids that are drawn, so that none holds
//! for want of cases.

use std::sync::OnceLock;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use stratagem_dsl::geometry::{Rigid, rigid};
use stratagem_dsl::{Expression, Grid, Size, Value};

/// What one undoes of the other.
const INVERSES: &[(&str, &str)] = &[
    ("(rigid rotate90 it)", "(rigid rotate270 it)"),
    ("(rigid rotate270 it)", "(rigid rotate90 it)"),
    ("(rigid rotate180 it)", "(rigid rotate180 it)"),
    ("(rigid flip-x it)", "(rigid flip-x it)"),
    ("(rigid flip-y it)", "(rigid flip-y it)"),
    ("(rigid transpose it)", "(rigid transpose it)"),
    ("(rigid anti-transpose it)", "(rigid anti-transpose it)"),
    ("(turn it 1)", "(turn it 3)"),
    ("(turn it -5)", "(turn it 5)"),
    ("(scale-up 2 it)", "(scale-down 2 it)"),
    ("(scale-up 3 it)", "(scale-down 3 it)"),
    ("(scale-up 4 it)", "(scale-down 4 it)"),
    ("(scale-by it 2 3)", "(resize it (size-of input))"),
    ("(copies it 2 2)", "(crop-box it (position 0 0) (size-of input))"),
    ("(roll left it)", "(roll right it)"),
    ("(roll up it)", "(roll down it)"),
    ("(roll-by it (position 2 -1))", "(roll-by it (position -2 1))"),
    ("(move-by it (position 3 4))", "(move-by it (position -3 -4))"),
    ("(swap-colours it #1 #2)", "(swap-colours it #2 #1)"),
    ("(pad it 1 #3)", "(peel it)"),
    ("(pad it 2 #3)", "(shrink-box it 2)"),
    ("(frame it)", "(peel it)"),
    ("(beside it it)", "(half left it)"),
    ("(below it it)", "(half top it)"),
    ("(exchange it)", "(exchange it)"),
    ("(join below (reverse (split rows it)))", "(rigid flip-y it)"),
    ("(join beside (rotate-list (split columns it) 1))", "(roll right it)"),
];

/// What does nothing more when done again.
const IDEMPOTENT: &[&str] = &[
    "(trim it)",
    "(to-origin it)",
    "(dedupe-lines it)",
    "(drop-black-lines it)",
    "(fill it)",
    "(fill-holes it #4)",
    "(fill-box it #4)",
    "(flood-holes it)",
    "(flood it)",
    "(outline it)",
    "(spread true it)",
    "(spread false it)",
    "(gravity left it)",
    "(gravity right it)",
    "(gravity up it)",
    "(gravity down it)",
    "(smear one right it)",
    "(smear one up-left it)",
    "(connect row it)",
    "(connect column it)",
    "(fill-mirrored flip-x it)",
    "(fill-mirrored rotate180 it)",
    "(keep 3 it)",
    "(erase 2 it)",
    "(paint 4 it)",
    "(main-cell it)",
    "(recolour it #1 #2)",
    "(keep-colour it (most-common-colour it))",
    "(without-colour it #2)",
    "(paint-drawn it #5)",
    "(paint-black it #5)",
    "(tile-to it (size 5 4))",
    "(resize it (size 5 4))",
    "(sort-rows it)",
    "(sort-columns it)",
    "(canonical it)",
    "(paint-box it (position 0 0) (size 2 2) #3)",
    "(paint-row it 0 #3)",
    "(line-between it (position 0 0) (position 2 1) #3)",
    "(flood-from it (position 0 0) #6)",
    "(join compose (split components around it))",
    "(join below (sort-by (split rows it) (ink it)))",
    "(until-stable it (shift right it))",
    "(map-colours it (if-then-else (is-black it) it #1))",
];

/// What changes alike when colours other than black trade their names.
const COLOUR_EQUIVARIANT: &[&str] = &[
    "(trim it)",
    "(peel it)",
    "(half left it)",
    "(dedupe-lines it)",
    "(drop-plain-lines it)",
    "(drop-black-lines it)",
    "(scale-up 2 it)",
    "(tile 2 2 it)",
    "(mirror-tile 2 1 it)",
    "(fractal it)",
    "(rigid rotate90 it)",
    "(flood-holes it)",
    "(outline it)",
    "(core it)",
    "(smear cross it)",
    "(smear all it)",
    "(gravity down it)",
    "(connect both it)",
    "(connect diagonals it)",
    "(shift up-left it)",
    "(roll left it)",
    "(sight down it)",
    "(fill-mirrored flip-y it)",
    "(symmetrize x it)",
    "(continue rows it)",
    "(continue rectangle it)",
    "(exchange it)",
    "(pick most ink (split components around it))",
    "(join compose (split components beside-alike it))",
    "(join overlay (split tiles it))",
    "(crop-around it (position 1 1) 1)",
    "(shift-by it (position 1 -1))",
    "(panel-and it (rigid flip-x it))",
    "(panel-or it (rigid flip-x it))",
    "(panel-minus it (rigid flip-x it))",
    "(panel-same it (rigid flip-x it))",
    "(product it it)",
    "(replace it (crop-box it (position 0 0) (size 1 1)) (crop-box it (position 1 1) (size 1 1)))",
    "(sort-rows it)",
    "(in-all-turns it (smear one right it))",
    "(map-rows it (rigid flip-x it))",
    "(region-at it (position 1 1))",
    "(slide (trim it) down it)",
];

/// What changes alike when the grid is turned or flipped.
const SYMMETRY_EQUIVARIANT: &[&str] = &[
    "(trim it)",
    "(trim-background it)",
    "(peel it)",
    "(dedupe-lines it)",
    "(drop-plain-lines it)",
    "(drop-black-lines it)",
    "(scale-up 2 it)",
    "(tile 2 2 it)",
    "(fractal it)",
    "(fill it)",
    "(interior it)",
    "(flood-holes it)",
    "(outline it)",
    "(core it)",
    "(halo true it)",
    "(halo false it)",
    "(frame it)",
    "(spread true it)",
    "(spread false it)",
    "(keep 3 it)",
    "(erase 2 it)",
    "(paint 4 it)",
    "(exchange it)",
    "(negative it)",
    "(flood it)",
    "(feature sides it)",
    "(feature corners it)",
    "(feature size it)",
    "(feature depth it)",
    "(feature rank it)",
    "(pad it 1 #4)",
    "(recolour it #1 #2)",
    "(surround it #4)",
    "(fill-holes it #4)",
    "(fill-box it #4)",
    "(connect diagonals it)",
    "(fill-mirrored rotate180 it)",
    "(panel-or it (rigid rotate180 it))",
    "(panel-xor it (rigid rotate180 it))",
    "(join compose (split components around it))",
    "(map-colours it (either-colour it #7))",
];

/// What stays the same when colours other than black trade their names.
const COLOUR_INVARIANT: &[&str] = &[
    "(width it)",
    "(ink it)",
    "(count-colours it)",
    "(count-components it)",
    "(count-holes it)",
    "(perimeter it)",
    "(symmetry-count it)",
    "(period-across it)",
    "(period-down it)",
    "(is-plain it)",
    "(is-symmetric-x it)",
    "(has-hole it)",
    "(drawn-positions it)",
    "(halo true it)",
    "(paint 4 it)",
    "(feature size it)",
    "(same-shape it (rigid flip-x it))",
    "(length (split components beside-alike it))",
];

/// What stays the same when the grid is turned or flipped.
const SYMMETRY_INVARIANT: &[&str] = &[
    "(area it)",
    "(ink it)",
    "(count-colours it)",
    "(count-components it)",
    "(count-holes it)",
    "(perimeter it)",
    "(symmetry-count it)",
    "(most-common-colour it)",
    "(least-common-colour it)",
    "(colours-of it)",
    "(background it)",
    "(edge-colour it)",
    "(canonical it)",
    "(is-square it)",
    "(is-plain it)",
    "(is-solid it)",
    "(has-hole it)",
    "(main-cell it)",
    "(length (split components around it))",
];

/// What comes to the same.
const EQUAL: &[(&str, &str)] = &[
    ("(turn it 1)", "(rigid rotate90 it)"),
    ("(turn it 2)", "(rigid rotate180 it)"),
    ("(rigid rotate180 it)", "(rigid flip-x (rigid flip-y it))"),
    ("(rigid rotate90 it)", "(rigid flip-x (rigid transpose it))"),
    ("(gravity right it)", "(rigid flip-x (gravity left (rigid flip-x it)))"),
    ("(gravity up it)", "(rigid transpose (gravity left (rigid transpose it)))"),
    ("(sort-columns it)", "(rigid transpose (sort-rows (rigid transpose it)))"),
    ("(shift right it)", "(shift-by it right)"),
    ("(roll up it)", "(roll-by it up)"),
    ("(keep 3 it)", "(let (keep-colour it #3) (if-then-else (is-blank it) (keep 3 it) it))"),
    ("(panel-and it it)", "it"),
    ("(panel-or it it)", "it"),
    ("(panel-same it it)", "it"),
    ("(panel-xor it it)", "(blank (size-of it) #0)"),
    ("(panel-minus it it)", "(blank (size-of it) #0)"),
    ("(overlay it it)", "it"),
    ("(product it it)", "(fractal it)"),
    ("(copies it 2 1)", "(tile 2 1 it)"),
    ("(scale-by it 2 2)", "(scale-up 2 it)"),
    ("(paint-drawn it #4)", "(paint 4 it)"),
    ("(outline it)", "(or-else (without it (core it)) it)"),
    ("(map-cells it it)", "it"),
    ("(build (size-of it) (colour-at other it))", "it"),
    ("(map-colours it it)", "it"),
    ("(map-rows it it)", "it"),
    ("(map-columns it (rigid flip-y it))", "(rigid flip-y it)"),
    ("(on-box it (position 0 0) (size-of it) (rigid flip-x it))", "(rigid flip-x it)"),
    ("(paint-cells it (positions-of it #2) #3)", "(recolour it #2 #3)"),
    ("(stamp it (blank (size 1 1) #3) (positions-of it #2))", "(recolour it #2 #3)"),
    ("(replace it (blank (size 1 1) #2) (blank (size 1 1) #3))", "(recolour it #2 #3)"),
    ("(recolour-by-table it (pair #1 #2) (pair #2 #1))", "(swap-colours it #1 #2)"),
    ("(draw-all (blank (size-of it) #0) (split components around it))", "it"),
    ("(join below (map (split rows it) (rigid flip-x it)))", "(rigid flip-x it)"),
    ("(until-stable it (gravity left it))", "(gravity left it)"),
    ("(repeat 2 it (rigid rotate90 it))", "(rigid rotate180 it)"),
    ("(compose it (trim it) (rigid flip-x it))", "(rigid flip-x (trim it))"),
    ("(length (split rows it))", "(height it)"),
    ("(length (split columns it))", "(width it)"),
    ("(multiply (width it) (height it))", "(area it)"),
    ("(sum-by (colours-of it) (count-colour other it))", "(ink it)"),
    ("(length (drawn-positions it))", "(ink it)"),
    ("(length (occurrences it (blank (size 1 1) #0)))", "(count-colour it #0)"),
    ("(length (colours-of it))", "(count-colours it)"),
    ("(sum-by (split rows it) (ink it))", "(sum (map (split columns it) (ink it)))"),
    ("(argmin (split rows it) (ink it))", "(nth (sort-by (split rows it) (ink it)) 0)"),
    ("(greatest (map (split rows it) (ink it)))", "(ink (argmax (split rows it) (ink it)))"),
    ("(first-where (split rows it) (is-plain it))", "(nth (filter-by (split rows it) (is-plain it)) 0)"),
    ("(count-where (split rows it) (is-plain it))", "(length (filter-by (split rows it) (is-plain it)))"),
    ("(all-of (split rows it) (is-solid it))", "(not (any-of (split rows it) (not (is-solid it))))"),
    ("(concat (take (split rows it) 2) (drop (split rows it) 2))", "(split rows it)"),
    ("(reverse (reverse (split rows it)))", "(split rows it)"),
    ("(rotate-list (split rows it) (height it))", "(split rows it)"),
    ("(every-nth (split rows it) 1)", "(split rows it)"),
    ("(fold (map (split rows it) (ink it)) (add it other))", "(ink it)"),
    ("(sort (sort (map (split rows it) (ink it))))", "(sort (map (split rows it) (ink it)))"),
    ("(nth (iterate 3 it (rigid rotate90 it)) -1)", "(rigid rotate180 it)"),
    ("(zip (split rows it) (split rows it) (panel-or it other))", "(split rows it)"),
    ("(cut-by (pad it 1 #9) #9)", "(cut-by (pad it 2 #9) #9)"),
    ("(is-symmetric-x it)", "(equals it (rigid flip-x it))"),
    ("(nth (symmetries it) 0)", "it"),
    ("(middle it)", "(midpoint (place it) (far-corner it))"),
    ("(line (position 0 0) (position 0 0))", "(single (position 0 0))"),
    ("(occurs-in (row it 0) it)", "true"),
];

/// Grids of scattered cells, and grids with hollow boxes on them.
fn small_grids() -> &'static [Grid] {
    static GRIDS: OnceLock<Vec<Grid>> = OnceLock::new();
    GRIDS.get_or_init(|| {
        let scattered =
            (1usize..=7, 1usize..=7, 2u8..=6, 0u8..=3).prop_flat_map(|(w, h, colours, sparse)| {
                let cell = (0..colours, 0..=sparse).prop_map(|(c, s)| if s == 0 { c } else { 0 });
                prop::collection::vec(cell, w * h)
                    .prop_map(move |cells| Grid::from_cells(Size::new(w, h), cells).expect("a valid grid"))
            });
        let boxed = (0usize..3, 0usize..3, 3usize..=4, 1u8..=5, 1u8..=5).prop_map(|(x, y, side, c, d)| {
            let text = format!("(frame-box (blank (size 7 6) #0) (position {x} {y}) (size {side} 3) #{c})");
            let text = format!("(frame-box {text} (position {} {y}) (size 3 {side}) #{d})", x + 2);
            let drawn: Expression = text.parse().expect("an expression");
            let blank = Grid::filled(Size::new(1, 1), 0).expect("a grid");
            drawn.run(&blank, None).and_then(|v| v.grid().cloned()).expect("a grid")
        });
        let mut runner = TestRunner::deterministic();
        let mut draw = |strategy: BoxedStrategy<Grid>, n: usize| -> Vec<Grid> {
            (0..n).map(|_| strategy.new_tree(&mut runner).expect("a grid").current()).collect()
        };
        let mut grids = draw(scattered.boxed(), 120);
        grids.extend(draw(boxed.boxed(), 30));
        grids
    })
}

/// What an expression over `it` yields for a grid.
fn run(text: &str, g: &Grid) -> Option<Value> {
    let whole = format!("(let input {text})");
    let parsed: Expression = whole.parse().unwrap_or_else(|e| panic!("{whole}: {e}"));
    parsed.run(g, None)
}

/// The value with its grids changed and put at the origin.
fn changed(value: Value, change: &dyn Fn(&Grid) -> Grid) -> Value {
    let at_origin = |g: &Grid| change(g).moved_to(0, 0);
    match value {
        Value::One(g) => Value::One(at_origin(&g)),
        Value::Many(list) => Value::Many(list.iter().map(at_origin).collect()),
        other => other,
    }
}

/// Checks a law on all grids: both sides come to the same, and do for some. What is wrong, if so.
fn broken(law: &str, sides: impl Fn(&Grid) -> (Option<Value>, Option<Value>)) -> Option<String> {
    let mut applied = 0;
    for g in small_grids() {
        let (left, right) = sides(g);
        applied += usize::from(left.is_some());
        if left != right {
            return Some(format!("{law} on {g:?}: {left:?}{right:?}"));
        }
    }
    (applied < 4).then(|| format!("{law} applies to {applied} grids only"))
}

#[track_caller]
fn all_hold(broken: impl Iterator<Item = String>) {
    let broken: Vec<String> = broken.collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn inverses_undo_each_other() {
    all_hold(INVERSES.iter().filter_map(|(there, back)| {
        broken(&format!("{back} undoes {there}"), |g| {
            let done = run(there, g);
            let undone = done.as_ref().and_then(|_| run(&format!("(compose it {there} {back})"), g));
            (undone, done.map(|_| Value::One(g.clone())))
        })
    }));
}

#[test]
fn idempotent_operations_do_nothing_twice() {
    all_hold(IDEMPOTENT.iter().filter_map(|text| {
        broken(&format!("{text} twice"), |g| {
            let once = run(text, g);
            let twice = once.as_ref().and_then(|v| run(text, v.grid().expect("a grid")).or(once.clone()));
            (twice, once)
        })
    }));
}

#[test]
fn colours_trade_their_names() {
    let renamed = |g: &Grid| g.map(|c| [0, 4, 1, 5, 3, 2, 9, 8, 7, 6][c as usize]);
    all_hold(COLOUR_EQUIVARIANT.iter().filter_map(|text| {
        broken(&format!("{text} with other colours"), |g| {
            let expected = run(text, g).map(|v| changed(v, &renamed));
            (run(text, &renamed(g)).map(|v| changed(v, &Grid::clone)), expected)
        })
    }));
    all_hold(COLOUR_INVARIANT.iter().filter_map(|text| {
        broken(&format!("{text} with other colours"), |g| (run(text, &renamed(g)), run(text, g)))
    }));
}

#[test]
fn grids_turn_and_flip() {
    for motion in Rigid::ALL {
        let moved = |g: &Grid| rigid(g, motion);
        all_hold(SYMMETRY_EQUIVARIANT.iter().filter_map(|text| {
            broken(&format!("{text} under {motion:?}"), |g| {
                let expected = run(text, g).map(|v| changed(v, &moved));
                (run(text, &moved(g)).map(|v| changed(v, &Grid::clone)), expected)
            })
        }));
        all_hold(SYMMETRY_INVARIANT.iter().filter_map(|text| {
            broken(&format!("{text} under {motion:?}"), |g| (run(text, &moved(g)), run(text, g)))
        }));
    }
}

#[test]
fn equal_expressions_come_to_the_same() {
    all_hold(EQUAL.iter().filter_map(|(left, right)| {
        broken(&format!("{left} = {right}"), |g| {
            let found = run(left, g);
            // Where the left side comes to nothing the right may not.
            let expected = found.as_ref().and_then(|_| run(right, g));
            (found, expected)
        })
    }));
}

#[test]
fn the_tables_hold_as_many_laws_as_they_seem_to() {
    let sides = [INVERSES.len(), EQUAL.len()];
    let single = [IDEMPOTENT, COLOUR_EQUIVARIANT, COLOUR_INVARIANT, SYMMETRY_EQUIVARIANT, SYMMETRY_INVARIANT];
    let mut counts: Vec<usize> = sides.into_iter().chain(single.map(<[&str]>::len)).collect();
    println!(
        "inverses, equal, idempotent, colour equivariant and invariant, symmetry equivariant and invariant:"
    );
    println!("{counts:?}, {} laws", counts.iter().sum::<usize>());
    for table in single {
        counts.push(table.len());
        let mut seen = table.to_vec();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), table.len(), "a law stands twice");
    }
}
