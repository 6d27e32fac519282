//! Where a text stops being a program, and what may have been meant.

use std::fmt;

/// A word that is no part of any program, where it stands, and the nearest that would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The word or words that make no sense there.
    pub word: String,
    /// How many bytes of the text come before it, where that is known.
    pub position: Option<usize>,
    /// What was found wrong.
    pub reason: String,
    /// The nearest known name.
    pub nearest: Option<String>,
}

impl ParseError {
    /// An error about a word whose place is not known yet.
    pub fn new(word: impl Into<String>) -> Self {
        let reason = "is not part of any program".into();
        Self { word: word.into(), position: None, reason, nearest: None }
    }

    /// Says what is wrong with the word.
    pub fn because(self, reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), ..self }
    }

    /// Suggests the nearest of some names, where one is near.
    pub fn suggesting<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Self {
        Self { nearest: nearest(&self.word, names), ..self }
    }

    /// Says how many bytes come before the word.
    pub fn at(self, position: usize) -> Self {
        Self { position: Some(position), ..self }
    }

    /// The same error seen from `whole`, of which `part` (a slice of it) was being read.
    pub fn inside(self, whole: &str, part: &str) -> Self {
        let before = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize);
        let before = before.filter(|&n| n <= whole.len());
        let position = match (before, self.position) {
            (Some(before), Some(at)) => Some(before + at),
            (Some(before), None) => part.find(&self.word).map(|at| before + at),
            (None, _) => whole.find(&self.word),
        };
        Self { position, ..self }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.word)?;
        if let Some(at) = self.position {
            write!(f, " at column {}", at + 1)?;
        }
        write!(f, " {}", self.reason)?;
        if let Some(nearest) = &self.nearest {
            write!(f, "; did you mean \"{nearest}\"?")?;
        }
        Ok(())
    }
}

impl std::error::Error for ParseError {}

/// The name that the fewest edits lead to, where fewer than half of the word need change.
pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    if word.is_empty() || word.len() > 40 {
        return None;
    }
    let limit = (word.chars().count() / 2).clamp(1, 4);
    let scored = names.into_iter().map(|name| (edit_distance(word, name), name));
    scored.filter(|(d, _)| *d <= limit).min().map(|(_, name)| name.to_string())
}

/// How many characters must be put in, taken out or replaced to make one word the other.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{edit_distance, nearest};

    #[test]
    fn words_are_as_far_apart_as_their_edits() {
        let cases = [("trim", "trim", 0), ("trmi", "trim", 2), ("", "ab", 2), ("overly", "overlay", 1)];
        for (a, b, expected) in cases {
            assert_eq!(edit_distance(a, b), expected, "{a} {b}");
        }
        assert_eq!(nearest("overly", ["trim", "overlay"]), Some("overlay".into()));
        assert_eq!(nearest("zzz", ["trim", "overlay"]), None);
    }
}
