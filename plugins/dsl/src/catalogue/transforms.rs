//! The transforms of pipelines. Those from grid to grid also take lists, item by item.

use super::entry::{Entry, Parameter, Run};
use crate::expression::Type::{self, Colour, Grid, Number, Truth, Word};

const GRID_ONLY: &[Parameter] = &[("grid", Grid)];
const COLOUR_GRID: &[Parameter] = &[("colour", Colour), ("grid", Grid)];
const ROLE_GRID: &[Parameter] = &[("role", Word), ("grid", Grid)];
const DIRECTION_GRID: &[Parameter] = &[("direction", Word), ("grid", Grid)];
const MOTION_GRID: &[Parameter] = &[("motion", Word), ("grid", Grid)];
const FACTOR_GRID: &[Parameter] = &[("factor", Number), ("grid", Grid)];
const COPIES_GRID: &[Parameter] = &[("across", Number), ("down", Number), ("grid", Grid)];
const DIAGONAL_GRID: &[Parameter] = &[("diagonal", Truth), ("grid", Grid)];
const CHOICE_GRIDS: &[Parameter] = &[("choice", Word), ("property", Word), ("list", Type::GRIDS)];

const fn step(name: &'static str, takes: &'static [Parameter], meaning: &'static str) -> Entry {
    Entry::new(name, takes, Grid, meaning, Run::Transform)
}

const fn list(name: &'static str, takes: &'static [Parameter], meaning: &'static str) -> Entry {
    Entry::new(name, takes, Type::GRIDS, meaning, Run::Transform)
}

pub(super) const GRID: &[Entry] = &[
    step("trim", GRID_ONLY, "crop to the box of what is not black").costs(5).shows(
        "(trim input)",
        "000/010/002",
        "10/02",
    ),
    step("trim-background", GRID_ONLY, "crop to the box of what differs from the most frequent colour")
        .shows("(trim-background input)", "555/575/555", "7"),
    step("to-origin", GRID_ONLY, "move it to the top left").costs(5).shows(
        "(to-origin (trim input))",
        "00/01",
        "1",
    ),
    step("peel", GRID_ONLY, "remove the outermost ring of cells").shows("(peel input)", "111/121/111", "2"),
    step("half", &[("side", Word), ("grid", Grid)], "crop to the {side} half").shows(
        "(half right input)",
        "123",
        "3",
    ),
    step("dedupe-lines", GRID_ONLY, "merge equal neighbouring rows and columns").shows(
        "(dedupe-lines input)",
        "1122/1122",
        "12",
    ),
    step("drop-plain-lines", GRID_ONLY, "remove rows and columns of one colour").shows(
        "(drop-plain-lines input)",
        "121/555/313",
        "121/313",
    ),
    step("drop-black-lines", GRID_ONLY, "remove black rows and columns").shows(
        "(drop-black-lines input)",
        "102/000/304",
        "12/34",
    ),
    step("scale-up", FACTOR_GRID, "draw each cell as a square block of side {factor}").shows(
        "(scale-up 2 input)",
        "12",
        "1122/1122",
    ),
    step("scale-down", FACTOR_GRID, "draw each square block of side {factor} as one cell").shows(
        "(scale-down 2 input)",
        "1122/1122",
        "12",
    ),
    step("tile", COPIES_GRID, "draw {across} copies across and {down} down").shows(
        "(tile 2 1 input)",
        "12",
        "1212",
    ),
    step("mirror-tile", COPIES_GRID, "draw {across} copies across and {down} down, every other one flipped")
        .costs(12)
        .shows("(mirror-tile 2 1 input)", "12", "1221"),
    step("fractal", GRID_ONLY, "draw the grid itself in place of each of its cells that is not black").shows(
        "(fractal input)",
        "10/11",
        "1000/1100/1010/1111",
    ),
    step("rigid", MOTION_GRID, "{motion}").shows("(rigid flip-x input)", "12/34", "21/43"),
    step("fill", GRID_ONLY, "fill holes with the main colour").shows(
        "(fill input)",
        "111/101/111",
        "111/111/111",
    ),
    step("interior", GRID_ONLY, "keep only the holes, in the main colour").shows(
        "(interior input)",
        "111/101/111",
        "000/010/000",
    ),
    step("flood-holes", GRID_ONLY, "fill each hole with the colour of its wall").shows(
        "(flood-holes input)",
        "2220/2020/2220",
        "2220/2220/2220",
    ),
    step("outline", GRID_ONLY, "keep only the cells next to black or the edge").shows(
        "(outline input)",
        "111/111/111",
        "111/101/111",
    ),
    step("core", GRID_ONLY, "drop the cells next to black or the edge").shows(
        "(core input)",
        "111/111/111",
        "000/010/000",
    ),
    step("halo", DIAGONAL_GRID, "mark the black cells beside the drawing in colour 1, {diagonal}").shows(
        "(halo false input)",
        "1",
        "010/101/010",
    ),
    step("frame", GRID_ONLY, "draw a frame of the main colour around it").shows(
        "(frame input)",
        "2",
        "222/222/222",
    ),
    step("spread", DIAGONAL_GRID, "grow the colours over black until they meet, {diagonal}").shows(
        "(spread false input)",
        "100",
        "111",
    ),
    step("smear", &[("rays", Word), ("grid", Grid)], "shoot rays from every drawn cell over black, {rays}")
        .shows("(smear one right input)", "0102", "0112"),
    step("gravity", DIRECTION_GRID, "let every drawn cell fall {direction}").shows(
        "(gravity left input)",
        "1020",
        "1200",
    ),
    step(
        "connect",
        &[("lines", Word), ("grid", Grid)],
        "join cells of one colour that face each other over black along {lines}",
    )
    .shows("(connect row input)", "1001", "1111"),
    step("shift", DIRECTION_GRID, "shift the cells by one {direction}; what leaves is lost").costs(11).shows(
        "(shift right input)",
        "123",
        "012",
    ),
    step("roll", DIRECTION_GRID, "shift the cells by one {direction}; what leaves comes back")
        .costs(12)
        .shows("(roll right input)", "123", "312"),
    step("sight", DIRECTION_GRID, "give each cell the first colour seen from it, looking {direction}")
        .costs(12)
        .shows("(sight left input)", "1002", "0111"),
    step("fill-mirrored", MOTION_GRID, "fill black cells from a copy: {motion}").costs(12).shows(
        "(fill-mirrored flip-x input)",
        "100/020",
        "101/020",
    ),
    step("symmetrize", &[("axis", Word), ("grid", Grid)], "fill black cells from the mirror image {axis}")
        .shows("(symmetrize x input)", "1221/3003/4004/5000", "1221/3003/4004/5005"),
    step(
        "continue",
        &[("lattice", Word), ("grid", Grid)],
        "fill black cells by the pattern that repeats {lattice}",
    )
    .shows("(continue rows input)", "120000", "121212"),
    step(
        "patches",
        GRID_ONLY,
        "fill black cells from patches of three by three that agree with what is around",
    )
    .shows("(patches input)", "1212/2121/1210/2121", "1212/2121/1212/2121"),
    step("fit", &[("way", Word), ("grid", Grid)], "bring it to the size of the answer: {way}")
        .costs(5)
        .shows("(fit repeat 0 input)", "12/34", "1212/3434/1212/3434"),
];

pub(super) const OBJECT: &[Entry] = &[
    list("split", &[("parts", Word), ("grid", Grid)], "take it apart into {parts}").costs(7).shows(
        "(split components beside-alike input)",
        "101/001",
        "1 1/1",
    ),
    step("pick", CHOICE_GRIDS, "pick the one with {choice} {property}").costs(8).shows(
        "(pick most ink (split colours input))",
        "1120",
        "11",
    ),
    list("pick-all", CHOICE_GRIDS, "pick all with {choice} {property}").shows(
        "(pick-all most ink (split rows input))",
        "110/011/001",
        "110 011",
    ),
    list("drop-all", CHOICE_GRIDS, "drop all with {choice} {property}").costs(12).shows(
        "(drop-all most ink (split rows input))",
        "110/011/001",
        "001",
    ),
    step("join", &[("way", Word), ("list", Type::GRIDS)], "put them together: {way}").costs(8).shows(
        "(join beside (split rows input))",
        "12/34",
        "1234",
    ),
];

pub(super) const COLOUR: &[Entry] = &[
    step("keep", COLOUR_GRID, "keep only the cells of {colour}").costs(8).shows(
        "(keep 3 input)",
        "1302",
        "0300",
    ),
    step("keep-role", ROLE_GRID, "keep only the cells of {role}").shows(
        "(keep-role least input)",
        "1123/1123/1133",
        "0020/0020/0000",
    ),
    step("erase", COLOUR_GRID, "blacken the cells of {colour}").shows("(erase 3 input)", "1302", "1002"),
    step("erase-role", ROLE_GRID, "blacken the cells of {role}").shows(
        "(erase-role most input)",
        "1123",
        "0023",
    ),
    step("paint", COLOUR_GRID, "paint all that is not black {colour}").shows(
        "(paint 4 input)",
        "1302",
        "4404",
    ),
    step("paint-role", ROLE_GRID, "paint all that is not black in {role}").shows(
        "(paint-role most input)",
        "1120",
        "1110",
    ),
    step("flood", GRID_ONLY, "fill the whole box with the main colour").shows(
        "(flood input)",
        "0200",
        "2222",
    ),
    step("exchange", GRID_ONLY, "exchange the only two colours").shows("(exchange input)", "1202", "2101"),
    step("negative", GRID_ONLY, "exchange black and the main colour").shows(
        "(negative input)",
        "1102",
        "0012",
    ),
    step("main-cell", GRID_ONLY, "draw one cell of the main colour").shows(
        "(main-cell input)",
        "1221/0022",
        "2",
    ),
];

pub(super) const NUMBER: &[Entry] = &[
    step(
        "count",
        &[("quantity", Word), ("form", Word), ("grid", Grid)],
        "count {quantity}, and draw as many as {form}",
    )
    .costs(11)
    .shows("(count components row input)", "101", "11"),
    step("feature", &[("feature", Word), ("grid", Grid)], "give each cell a number: {feature}")
        .costs(14)
        .shows("(feature size input)", "110/001", "330/003"),
];
