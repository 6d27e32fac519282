//! Things that print as words and are read back from words.

/// The words of a text, taken one after the other.
pub struct Words<'a>(std::iter::Peekable<std::str::SplitWhitespace<'a>>);

impl<'a> Words<'a> {
    pub fn of(text: &'a str) -> Self {
        Self(text.split_whitespace().peekable())
    }

    pub fn peek(&mut self) -> Option<&'a str> {
        self.0.peek().copied()
    }

    pub fn next(&mut self) -> Option<&'a str> {
        self.0.next()
    }

    /// Takes the next word where it is `word`.
    pub fn take(&mut self, word: &str) -> bool {
        self.0.next_if(|w| *w == word).is_some()
    }

    /// Takes the next word as a number.
    pub fn number<T: std::str::FromStr>(&mut self) -> Option<T> {
        self.next()?.parse().ok()
    }

    /// Takes the next word as a colour.
    pub fn colour(&mut self) -> Option<u8> {
        self.number().filter(|&c| c < 10)
    }
}

/// What prints as words and is read back.
pub trait Spoken: Sized {
    fn say(&self) -> String;
    fn hear(words: &mut Words<'_>) -> Option<Self>;
}

/// An enum each of whose variants is a word.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$note:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$note])* $variant),* }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
        }

        impl $crate::scene::words::Spoken for $name {
            fn say(&self) -> String {
                match self { $(Self::$variant => $word.to_string()),* }
            }

            fn hear(words: &mut $crate::scene::words::Words<'_>) -> Option<Self> {
                let found = match words.peek()? { $($word => Self::$variant,)* _ => return None };
                words.next();
                Some(found)
            }
        }
    };
}

pub(super) use words;
