//! Transforms as text: `keep 3`, `rigid flip-x`, `split components around`.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use crate::parse_error::ParseError;
use crate::transform::Transform;

/// Writes an enum's variant as lower-case words: `DedupeLines` as `dedupe-lines`.
pub(crate) fn kebab(value: impl fmt::Debug) -> String {
    let mut out = String::new();
    let mut fresh = true;
    for c in format!("{value:?}").chars() {
        match c {
            'A'..='Z' => {
                if !fresh {
                    out.push('-');
                }
                out.push(c.to_ascii_lowercase());
                fresh = false;
            }
            '(' | ')' | ' ' | ',' | '{' | '}' | ':' => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
                fresh = true;
            }
            '_' => out.push('-'),
            _ => {
                out.push(c);
                fresh = false;
            }
        }
    }
    out.trim_end().to_string()
}

impl fmt::Display for Transform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&kebab(self))
    }
}

/// The text of every transform, in the order of `Transform::all`.
fn names() -> &'static [String] {
    static NAMES: OnceLock<Vec<String>> = OnceLock::new();
    NAMES.get_or_init(|| Transform::all().iter().map(ToString::to_string).collect())
}

/// The first word of a transform's text, which names it; its parameters follow.
fn head(name: &str) -> &str {
    name.split(' ').next().unwrap_or(name)
}

impl Transform {
    /// All texts that begin with this name, one for each choice of parameters.
    pub fn forms(name: &str) -> impl Iterator<Item = &'static str> {
        names().iter().map(String::as_str).filter(move |text| head(text) == name)
    }
}

impl FromStr for Transform {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let trimmed = text.trim();
        match names().iter().position(|name| name == trimmed) {
            Some(i) => Ok(Self::all()[i]),
            None => Err(misread(trimmed).inside(text, trimmed)),
        }
    }
}

/// What is wrong with a text that is no transform: its name, or the first parameter that no
/// transform of this name takes there.
fn misread(text: &str) -> ParseError {
    let name = head(text);
    let forms: Vec<&str> = Transform::forms(name).collect();
    if forms.is_empty() {
        let heads = names().iter().map(|n| head(n));
        return ParseError::new(name).because("is no transform").suggesting(heads);
    }
    let agree = |form: &&str| form.split(' ').zip(text.split(' ')).take_while(|(a, b)| a == b).count();
    let matched = forms.iter().map(&agree).max().unwrap_or(0);
    let Some(word) = text.split(' ').nth(matched) else {
        return ParseError::new(text).because("lacks a parameter").suggesting(forms).at(0);
    };
    let fitting =
        forms.iter().filter(|form| agree(form) == matched).filter_map(|f| f.split(' ').nth(matched));
    let reason = format!("is no parameter of \"{name}\" there");
    let before = text.split(' ').take(matched).map(|w| w.len() + 1).sum();
    ParseError::new(word).because(reason).suggesting(fitting).at(before)
}
