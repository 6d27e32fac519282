//! The policy's words: transforms, with those that differ in a colour alone taken as one word and its colour.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use stratagem_dsl::Transform;

/// A transform as the policy knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// The number of the transform's class.
    pub class: usize,
    /// The colour that tells it from others of the class, and which of the coloured classes that is.
    pub colour: Option<(usize, u8)>,
}

/// How many classes differ in a colour: keep, erase, paint.
pub const COLOURED: usize = 3;

/// All transforms, and the classes that they fall into.
pub struct Vocabulary {
    words: Vec<Word>,
    names: Vec<String>,
    by_name: BTreeMap<String, usize>,
}

impl Vocabulary {
    /// The vocabulary of this build's DSL.
    pub fn get() -> &'static Self {
        static VOCABULARY: OnceLock<Vocabulary> = OnceLock::new();
        VOCABULARY.get_or_init(Self::build)
    }

    fn build() -> Self {
        let mut names: Vec<String> = Vec::new();
        let words = Transform::all()
            .iter()
            .map(|&t| {
                let (name, colour) = match t {
                    Transform::Keep(c @ 1..) => ("keep *".to_string(), Some((0, c))),
                    Transform::Erase(c) => ("erase *".to_string(), Some((1, c))),
                    Transform::Paint(c) => ("paint *".to_string(), Some((2, c))),
                    _ => (t.to_string(), None),
                };
                let class = names.iter().position(|n| *n == name).unwrap_or_else(|| {
                    names.push(name);
                    names.len() - 1
                });
                Word { class, colour }
            })
            .collect();
        let by_name = Transform::all().iter().enumerate().map(|(i, t)| (t.to_string(), i)).collect();
        Self { words, names, by_name }
    }

    /// The word of the transform with this number in `Transform::all()`.
    pub fn word(&self, transform: usize) -> Word {
        self.words[transform]
    }

    pub fn words(&self) -> &[Word] {
        &self.words
    }

    /// The classes by name.
    pub fn classes(&self) -> &[String] {
        &self.names
    }

    /// The number of a transform in `Transform::all()`.
    pub fn number(&self, t: Transform) -> Option<usize> {
        self.by_name.get(&t.to_string()).copied()
    }
}

/// The same transform in another colour, where it has one.
pub fn recoloured(t: Transform, to: impl Fn(u8) -> u8) -> Transform {
    match t {
        Transform::Keep(c @ 1..) => Transform::Keep(to(c).clamp(1, 9)),
        Transform::Erase(c) => Transform::Erase(to(c).clamp(1, 9)),
        Transform::Paint(c) => Transform::Paint(to(c).clamp(1, 9)),
        _ => t,
    }
}
