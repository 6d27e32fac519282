//! The words for the parameters of transforms.

use super::Entry;
use crate::expression::Type;
use crate::transform::Transform;

/// The phrase for a parameter as it stands in a transform's text: transform, parameter, phrase.
/// A `*` stands for every transform.
const PHRASES: &[(&str, &str, &str)] = &[
    ("*", "most", "the most frequent colour"),
    ("*", "second", "the second most frequent colour"),
    ("*", "least", "the least frequent colour"),
    ("*", "corner", "the colour of the top left cell"),
    ("pick", "most", "the most"),
    ("pick", "least", "the least"),
    ("pick", "odd", "a different number of"),
    ("*", "true", "diagonally too"),
    ("*", "false", "side by side only"),
    ("*", "flip-x", "flip it left to right"),
    ("*", "flip-y", "flip it upside down"),
    ("*", "rotate180", "turn it by half"),
    ("*", "rotate90", "turn it by a quarter to the right"),
    ("*", "rotate270", "turn it by a quarter to the left"),
    ("*", "transpose", "exchange rows and columns"),
    ("*", "anti-transpose", "flip it about the other diagonal"),
    ("*", "up-left", "up and left"),
    ("*", "up-right", "up and right"),
    ("*", "down-left", "down and left"),
    ("*", "down-right", "down and right"),
    ("smear", "one left", "to the left"),
    ("smear", "one right", "to the right"),
    ("smear", "one up", "upwards"),
    ("smear", "one down", "downwards"),
    ("smear", "one up-left", "up and left"),
    ("smear", "one up-right", "up and right"),
    ("smear", "one down-left", "down and left"),
    ("smear", "one down-right", "down and right"),
    ("smear", "horizontal", "to the left and right"),
    ("smear", "vertical", "up and down"),
    ("smear", "cross", "to all four sides, horizontal ones on top"),
    ("smear", "cross-vertical", "to all four sides, vertical ones on top"),
    ("smear", "falling", "along diagonals that fall to the right"),
    ("smear", "rising", "along diagonals that rise to the right"),
    ("smear", "diagonal", "along all diagonals"),
    ("smear", "all", "in all eight directions"),
    ("connect", "row", "rows"),
    ("connect", "column", "columns"),
    ("connect", "both", "rows and columns"),
    ("connect", "diagonals", "diagonals"),
    ("symmetrize", "x", "left to right"),
    ("symmetrize", "y", "top to bottom"),
    ("symmetrize", "both", "left to right, then top to bottom"),
    ("continue", "rectangle", "across and down"),
    ("continue", "rows", "within each row"),
    ("continue", "columns", "within each column"),
    ("continue", "diagonal", "along diagonals"),
    ("split", "components around", "what hangs together, diagonally too"),
    ("split", "components around-alike", "what hangs together in one colour, diagonally too"),
    ("split", "components beside-alike", "what hangs together in one colour"),
    ("split", "components beside", "what hangs together"),
    ("split", "colours", "its colours, the most frequent first"),
    ("split", "panels", "the panels between full lines of one colour"),
    ("split", "rows", "its rows"),
    ("split", "columns", "its columns"),
    ("split", "tiles", "squares along the longer side, or quarters"),
    ("split", "holes", "its holes"),
    ("split", "boxes", "the boxes around what hangs together in one colour"),
    ("split", "figures", "what hangs together on the background"),
    ("*", "ink", "cells that are not black"),
    ("*", "area", "cells in its box"),
    ("*", "width", "columns"),
    ("*", "height", "rows"),
    ("*", "density", "of its box drawn"),
    ("*", "colours", "colours"),
    ("*", "minority", "cells that are not of its main colour"),
    ("*", "components", "components"),
    ("*", "holes", "holes"),
    ("*", "right", "distance from the left"),
    ("*", "down", "distance from the top"),
    ("*", "symmetry", "symmetries"),
    ("*", "copies", "equals among them"),
    ("*", "shape-copies", "others of its shape among them"),
    ("*", "colour-copies", "others of its colour among them"),
    ("*", "colour", "in its main colour's number"),
    ("shift", "right", "right"),
    ("shift", "down", "down"),
    ("roll", "right", "right"),
    ("roll", "down", "down"),
    ("sight", "right", "right"),
    ("sight", "down", "down"),
    ("gravity", "right", "right"),
    ("gravity", "down", "down"),
    ("half", "right", "right"),
    ("*", "squares", "squares of two by two cells of one colour"),
    ("count", "row", "cells in a row of the main colour"),
    ("count", "column", "cells in a column of the main colour"),
    ("count", "square", "cells on each side of a square of the main colour"),
    ("count", "scale", "cells on each side of a block for every cell"),
    ("count", "copies", "copies across and down"),
    ("join", "compose", "each at its own place, the smallest on top"),
    ("join", "overlay", "one on another, the first on top"),
    ("join", "overlay-by-ink", "one on another, the one with the fewest drawn cells on top"),
    ("join", "beside", "side by side"),
    ("join", "below", "one below the other"),
    ("join", "beside-by-ink", "side by side, the one with the most drawn cells first"),
    ("join", "below-by-ink", "one below the other, the one with the most drawn cells first"),
    ("join", "agreement", "only the cells where all agree"),
    ("join", "first", "take the first"),
    ("join", "last", "take the last"),
    ("feature", "sides", "how many drawn cells are beside it"),
    ("feature", "corners", "how many drawn cells touch its corners"),
    ("feature", "kin", "how many cells around it share its colour"),
    ("feature", "size", "the cells of its component"),
    ("feature", "rank", "the rank of its component, the largest first"),
    ("feature", "rank-up", "the rank of its component, the smallest first"),
    ("feature", "holes", "one more than the holes of its component"),
    ("feature", "width", "the width of its component"),
    ("feature", "height", "the height of its component"),
    ("feature", "edge", "2 where its component reaches the edge, otherwise 1"),
    ("feature", "solid", "2 where its component fills its box, otherwise 1"),
    ("feature", "from-left", "the place of its component from the left"),
    ("feature", "from-top", "the place of its component from the top"),
    ("feature", "rare", "the least frequent colour of what hangs together with it"),
    ("feature", "hole-size", "the cells of the hole that it lies in"),
    ("feature", "hole-square", "2 where it lies in a square hole, 1 in another"),
    ("feature", "row-ink", "the drawn cells of its row"),
    ("feature", "column-ink", "the drawn cells of its column"),
    ("feature", "row-colour", "the main colour of its row"),
    ("feature", "column-colour", "the main colour of its column"),
    ("feature", "parity", "whether its column and its row are odd"),
    ("feature", "third", "its column and its row, counted in threes"),
    ("feature", "depth", "its distance from the edge"),
    ("feature", "column", "its column"),
    ("feature", "row", "its row"),
    ("feature", "colours", "the colours of the whole grid"),
    ("feature", "components", "the components of the whole grid"),
    ("fit", "embed", "drawn at its own place"),
    ("fit", "wrap", "read cell by cell and written row by row"),
    ("fit", "stretch", "each cell stretched to a block"),
    ("fit", "repeat 0", "repeated"),
    ("fit", "repeat 1", "repeated, a black line between copies"),
    ("fit", "mirror 0", "repeated, every other copy flipped"),
    ("fit", "mirror 1", "repeated, every other copy flipped, a black line between copies"),
    ("fit", "repeat-in-place", "repeated around its own place"),
    ("fit", "centre", "drawn in the middle"),
];

fn phrase(name: &str, parameter: &str) -> String {
    let name = if name.ends_with("-all") { "pick" } else { name };
    let of = |wanted: &str| PHRASES.iter().find(|(t, p, _)| *t == wanted && *p == parameter);
    of(name).or_else(|| of("*")).map_or_else(|| parameter.to_string(), |(_, _, words)| (*words).to_string())
}

/// The parameters of a transform in words; `colour` names colours.
pub(crate) fn parameters_in_words(entry: &Entry, t: Transform, colour: &dyn Fn(u8) -> String) -> Vec<String> {
    let text = t.to_string();
    let rest = text.split_once(' ').map_or("", |(_, rest)| rest);
    let own = &entry.takes[..entry.takes.len().saturating_sub(1)];
    let raw: Vec<&str> = if own.len() == 1 { vec![rest] } else { rest.split(' ').collect() };
    let one = |(&(_, kind), raw): (&(&str, Type), &str)| match (kind, raw.parse()) {
        (Type::Colour, Ok(c)) => colour(c),
        (Type::Number, _) => raw.to_string(),
        _ => phrase(entry.name, raw),
    };
    own.iter().zip(raw).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::PHRASES;
    use crate::transform::Transform;

    #[test]
    fn every_phrase_is_of_a_parameter() {
        for (name, parameter, _) in PHRASES {
            let used = Transform::all().iter().map(ToString::to_string).any(|text| {
                let (head, rest) = text.split_once(' ').unwrap_or((&text, ""));
                (*name == "*" || head == *name)
                    && (rest == *parameter || rest.split(' ').any(|w| w == *parameter))
            });
            assert!(used, "{name} {parameter}");
        }
    }
}
