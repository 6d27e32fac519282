//! Layout rules as sentences.

use super::LayoutRule;
use super::act::Act;
use super::cut::Cut;
use super::keep::Keep;
use super::redraw::Redraw;
use super::tiling::Tiling;

impl LayoutRule {
    /// The rule as a sentence.
    pub fn explain(&self) -> String {
        let first = self.first.map_or(String::new(), |step| format!("After \"{step}\", take"));
        let take = if first.is_empty() { "Take" } else { &first };
        let finish = self.finish.iter().fold(String::new(), |text, f| text + &format!(", then \"{f}\""));
        let keep = match self.keep {
            Keep::All => String::new(),
            keep => format!(", of these {}", kept(keep)),
        };
        format!("{take} {}{keep}, and {}{finish}.", parts(self.cut), action(&self.act))
    }
}

fn parts(cut: Cut) -> String {
    let words = match cut {
        Cut::Whole => "the whole grid",
        Cut::Components(_) => "the connected objects",
        Cut::Boxes(_) => "the boxes around the connected objects",
        Cut::Colours => "the cells of each colour",
        Cut::ColourBoxes => "the boxes around the cells of each colour",
        Cut::Panels => "the panels between separating lines",
        Cut::Equal(a, d) => return format!("the {a} by {d} equal parts"),
        Cut::Blocks(w, h) => return format!("the blocks of {w} by {h} cells"),
        Cut::Corners(w, h) => return format!("the four corners of {w} by {h} cells"),
        Cut::Squares => "the squares along the longer side",
        Cut::Frames => "the outlined rectangles",
        Cut::Insides => "the insides of outlined rectangles",
        Cut::Brackets => "the rectangles between two drawn sides",
        Cut::Rows => "the rows",
        Cut::Columns => "the columns",
        Cut::Cells => "the coloured cells",
    };
    words.to_string()
}

fn kept(keep: Keep) -> String {
    match keep {
        Keep::All => "all".to_string(),
        Keep::Most(m) => format!("those with the most \"{m}\""),
        Keep::Least(m) => format!("those with the least \"{m}\""),
        Keep::Odd(m) => format!("the one that differs in \"{m}\""),
        Keep::NotMost(m) => format!("all but those with the most \"{m}\""),
        Keep::NotLeast(m) => format!("all but those with the least \"{m}\""),
        Keep::Is(m, v) => format!("those whose \"{m}\" is {v}"),
        Keep::IsNot(m, v) => format!("those whose \"{m}\" is not {v}"),
    }
}

fn action(act: &Act) -> String {
    let words = match act {
        Act::Take => "answer with what is left",
        Act::Merge(_) => "lay them over each other",
        Act::Summary(_) => "draw one cell for each, as they are arranged",
        Act::Series(m, falling, _) => return format!("draw them as cells or bars {}", order(*m, *falling)),
        Act::Line(m, falling, _) => return format!("put them in a line {}", order(*m, *falling)),
        Act::Table(..) => "look the answer up among those seen",
        Act::Puzzle(_) => "fit them together",
        Act::Pair(..) => "let one part shape the other",
        Act::Hidden(c) => return format!("show what the patch of colour {c} hides"),
        Act::Tiling(Tiling::Period) => "answer with the piece that repeats",
        Act::Tiling(_) => "lay out copies",
        Act::Redraw(Redraw::Flood(keep)) => return format!("fill {} and clear the others", kept(*keep)),
        Act::Redraw(Redraw::Only(keep)) => return format!("clear all but {}", kept(*keep)),
        Act::Redraw(Redraw::Meta(keep)) => {
            return format!("fill each as the small map says: {}", kept(*keep));
        }
        Act::Redraw(_) => "draw each anew in its place",
        Act::Stamp(_) => "draw each template wherever its marks are",
    };
    words.to_string()
}

fn order(measure: super::Measure, falling: bool) -> String {
    let way = if falling { "most" } else { "least" };
    format!("in the order of \"{measure}\", the {way} first")
}
