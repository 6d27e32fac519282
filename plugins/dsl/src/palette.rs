//! The names of colours, as a view shows them.

use crate::view::View;

const NAMES: [&str; 10] =
    ["black", "blue", "red", "green", "yellow", "grey", "pink", "orange", "sky blue", "maroon"];

/// Names colours in explanations: under a view, colour 1 may be whatever is most frequent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Palette(pub View);

impl Palette {
    /// The name of a colour.
    pub fn name(self, colour: u8) -> String {
        let plain =
            || NAMES.get(colour as usize).map_or_else(|| format!("colour {colour}"), ToString::to_string);
        match self.0 {
            View::Background if colour == 0 => "the background".into(),
            View::Ranked(kept) => rank(kept, colour).map_or_else(plain, |n| ordinal(n, "most")),
            View::RankedUp(kept) => rank(kept, colour).map_or_else(plain, |n| ordinal(n, "least")),
            View::Plain | View::Background => plain(),
        }
    }

    /// What the view does, where it does anything.
    pub fn sentence(self) -> Option<String> {
        let ranked = |kept: u16, order: &str| {
            let names: Vec<String> =
                (1..10).filter(|c| kept >> c & 1 == 1).map(|c| NAMES[c].into()).collect();
            let but = if names.is_empty() { String::new() } else { format!(" and {}", names.join(", ")) };
            format!(
                "Colours are told apart by how many cells they have, {order} first; black{but} as they are."
            )
        };
        match self.0 {
            View::Plain => None,
            View::Background => Some("Take the most frequent colour for black, and black for it.".into()),
            View::Ranked(kept) => Some(ranked(kept, "the most frequent")),
            View::RankedUp(kept) => Some(ranked(kept, "the least frequent")),
        }
    }
}

/// The rank that a renamed colour stands for, from 1; none where the colour keeps its name.
fn rank(kept: u16, colour: u8) -> Option<usize> {
    let free = |c: u8| c != 0 && kept >> c & 1 == 0;
    (free(colour) && colour < 10).then(|| (1..=colour).filter(|&c| free(c)).count())
}

fn ordinal(n: usize, which: &str) -> String {
    match n {
        1 => format!("the {which} frequent colour"),
        2 => format!("the second {which} frequent colour"),
        3 => format!("the third {which} frequent colour"),
        n => format!("the {n}th {which} frequent colour"),
    }
}
