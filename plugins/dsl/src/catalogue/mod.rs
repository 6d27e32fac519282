//! The catalogue: every transform and operation by name, with its type, its meaning, what it
//! costs and an example.

mod colour;
mod combinator;
mod entry;
mod grid;
mod index;
mod number;
mod object;
mod painting;
mod predicate;
mod redrawing;
mod transforms;
mod words;

use std::sync::OnceLock;

pub(crate) use entry::{Arguments, Run};
pub use entry::{Category, Entry, Example};
pub(crate) use words::parameters_in_words;

use crate::transform::Transform;

/// Every entry, category by category.
pub fn all() -> &'static [Entry] {
    static ALL: OnceLock<Vec<Entry>> = OnceLock::new();
    ALL.get_or_init(|| {
        let parts = [
            (Category::Grid, transforms::GRID),
            (Category::Grid, grid::ENTRIES),
            (Category::Grid, painting::ENTRIES),
            (Category::Object, transforms::OBJECT),
            (Category::Object, object::ENTRIES),
            (Category::Index, index::ENTRIES),
            (Category::Colour, transforms::COLOUR),
            (Category::Colour, colour::ENTRIES),
            (Category::Number, transforms::NUMBER),
            (Category::Number, number::ENTRIES),
            (Category::Predicate, predicate::ENTRIES),
            (Category::Combinator, combinator::ENTRIES),
            (Category::Combinator, redrawing::ENTRIES),
        ];
        let placed = |(category, entries): (Category, &'static [Entry])| {
            entries.iter().map(move |entry| Entry { category, ..*entry })
        };
        parts.into_iter().flat_map(placed).collect()
    })
}

/// The entry of this name.
pub fn find(name: &str) -> Option<&'static Entry> {
    static SORTED: OnceLock<Vec<&'static Entry>> = OnceLock::new();
    let sorted = SORTED.get_or_init(|| {
        let mut sorted: Vec<&Entry> = all().iter().collect();
        sorted.sort_by_key(|entry| entry.name);
        sorted
    });
    sorted.binary_search_by_key(&name, |entry| entry.name).ok().map(|i| sorted[i])
}

/// The name nearest to a word that is none.
pub fn suggest(word: &str) -> Option<String> {
    crate::parse_error::nearest(word, all().iter().map(|entry| entry.name))
}

/// The entry of a transform.
pub fn of_transform(t: Transform) -> Option<&'static Entry> {
    let text = t.to_string();
    find(text.split(' ').next().unwrap_or(&text))
}
