//! What a version of a document says: read as JSON within bounds, and compared.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use similar::TextDiff;

use crate::StoreError;
use crate::documents::invalid;

/// The longest body.
pub const MAX_BODY_BYTES: usize = 1 << 20;
/// The longest difference that is kept; two bodies of short lines come near it.
const MAX_DIFF_BYTES: usize = 4 << 20;
/// How long a difference is made smaller; after that it is right but longer than need be.
const DIFF_TIME: Duration = Duration::from_secs(2);
/// Levels of nesting; `serde_json` reads no more than 128.
const MAX_DEPTH: usize = 64;

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DocumentFormat {
    Yaml,
    Json,
    Toml,
    Text,
}

impl DocumentFormat {
    pub const ALL: [Self; 4] = [Self::Yaml, Self::Json, Self::Toml, Self::Text];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Json => "json",
            Self::Toml => "toml",
            Self::Text => "text",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == text)
    }

    /// Reads a body; none for text, which has no structure.
    ///
    /// *Errors*: what the body is not, where, and never more of it than a line.
    pub(crate) fn read(self, body: &str) -> Result<Option<Value>, StoreError> {
        if body.len() > MAX_BODY_BYTES {
            let what = format!("a body of {} bytes: limit {MAX_BODY_BYTES}", body.len());
            return Err(invalid(what, "keep what is large in a file, and its path in the document"));
        }
        let value = match self {
            Self::Text => return Ok(None),
            Self::Json => serde_json::from_str(body).map_err(|error| error.to_string()),
            Self::Toml => toml::from_str(body).map(of_toml).map_err(|error: toml::de::Error| {
                let line = error.span().map_or(1, |span| body[..span.start].matches('\n').count() + 1);
                format!("line {line}: {}", error.message())
            }),
            Self::Yaml => of_yaml(body),
        };
        let value = value.map_err(|why| {
            let why = stratagem_domain::escape(&why, 300);
            invalid(format!("the body is no {}: {why}", self.as_str()), "mend it, or name its format")
        })?;
        if depth(&value) > MAX_DEPTH {
            return Err(invalid(format!("the body nests deeper than {MAX_DEPTH} levels"), "make it flatter"));
        }
        Ok(Some(value))
    }
}

/// Aliases are bounded, so that a small body cannot grow into a large one.
fn of_yaml(body: &str) -> Result<Value, String> {
    let budget = serde_saphyr::budget! { max_depth: MAX_DEPTH, max_nodes: 100_000, max_aliases: 1_000, max_documents: 1 };
    let options = serde_saphyr::options! { budget: budget, with_snippet: false };
    let value: Value =
        serde_saphyr::from_str_with_options(body, options).map_err(|error| error.to_string())?;
    if value.to_string().len() > 4 * MAX_BODY_BYTES {
        return Err("its aliases make it larger than four bodies".to_owned());
    }
    Ok(value)
}

/// Dates, which JSON does not have, become their text.
fn of_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(truth) => truth.into(),
        toml::Value::Datetime(at) => at.to_string().into(),
        toml::Value::Array(values) => values.into_iter().map(of_toml).collect(),
        toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, of_toml(value))).collect(),
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// The names in `{{name}}`, each once, in their order; what is no name is text.
pub fn variables(body: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for part in body.split("{{").skip(1) {
        let Some((name, _)) = part.split_once("}}") else { continue };
        let name = name.trim();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-' || c == '.';
        if !name.is_empty() && name.chars().all(is_plain) && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// How one version became another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Unified, as `diff -u` writes it; empty where the bodies are equal.
    pub text: String,
    /// RFC 6902 operations that make the second of the first; none where one of them is text.
    pub changes: Option<Value>,
}

impl Difference {
    pub(crate) fn of(
        (old_name, old, old_value): (&str, &str, Option<&Value>),
        (new_name, new, new_value): (&str, &str, Option<&Value>),
    ) -> Self {
        let lines = TextDiff::configure().timeout(DIFF_TIME).diff_lines(old, new);
        let mut text = lines.unified_diff().context_radius(3).header(old_name, new_name).to_string();
        if text.len() > MAX_DIFF_BYTES {
            text = format!(
                "--- {old_name}\n+++ {new_name}\nthe versions differ in more than {MAX_DIFF_BYTES} bytes\n"
            );
        }
        let changes =
            old_value.zip(new_value).map(|(old, new)| serde_json::json!(json_patch::diff(old, new)));
        Self { text, changes }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_same_content_is_the_same_json_in_every_format() {
        let expected = json!({"strategy": "probe", "limits": {"fuel": 7}, "settings": {"a": [1, true, "x"]}});
        for (format, body) in [
            (DocumentFormat::Yaml, "strategy: probe\nlimits: {fuel: 7}\nsettings:\n  a: [1, true, x]\n"),
            (
                DocumentFormat::Json,
                r#"{"strategy":"probe","limits":{"fuel":7},"settings":{"a":[1,true,"x"]}}"#,
            ),
            (DocumentFormat::Toml, "strategy = \"probe\"\nlimits.fuel = 7\nsettings.a = [1, true, \"x\"]\n"),
        ] {
            assert_eq!(format.read(body).unwrap().as_ref(), Some(&expected), "{format:?}");
        }
        assert_eq!(DocumentFormat::Text.read("{").unwrap(), None);
        let dated = DocumentFormat::Toml.read("at = 2026-01-02T03:04:05Z").unwrap();
        assert_eq!(dated, Some(json!({"at": "2026-01-02T03:04:05Z"})));
    }

    #[test]
    fn a_body_beyond_the_bounds_is_refused_in_words() {
        let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let before = format!("*a{}", level - 1);
            laughs += &format!("a{level}: &a{level} [{}]\n", vec![before; 10].join(", "));
        }
        let deep = |open: &str, close: &str| format!("{}{}", open.repeat(100), close.repeat(100));
        for (format, body, words) in [
            (DocumentFormat::Yaml, laughs, "no yaml"),
            (DocumentFormat::Yaml, deep("[", "]"), "no yaml"),
            (DocumentFormat::Yaml, "a: 1\na: 2\n".to_owned(), "no yaml"),
            (DocumentFormat::Yaml, "a: 1\n---\nb: 2\n".to_owned(), "no yaml"),
            (DocumentFormat::Json, deep("[", "]"), "nests deeper than 64"),
            (DocumentFormat::Json, deep("[[", "]]"), "no json"),
            (DocumentFormat::Json, "{\"a\":".to_owned(), "no json"),
            (DocumentFormat::Toml, "a = 1\nb = = 2".to_owned(), "no toml: line 2"),
            (DocumentFormat::Text, "x".repeat(MAX_BODY_BYTES + 1), "limit 1048576"),
        ] {
            let error = format.read(&body).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
            assert!(error.hint().is_some());
        }
        assert!(DocumentFormat::Text.read(&"x".repeat(MAX_BODY_BYTES)).is_ok());
    }

    #[test]
    fn variables_are_listed_once_and_what_is_none_is_text() {
        assert_eq!(variables("{{a}} and {{ b_1 }} and {{a}}, {{not this}}, {{}}, {{x"), ["a", "b_1"]);
        assert!(variables("{a} } }} {{").is_empty());
    }

    #[test]
    fn a_difference_is_text_and_operations_that_lead_from_one_to_the_other() {
        let (old, new) = ("a: 1\nb: 2\n", "a: 1\nb: 3\nc: [4]\n");
        let read = |body| DocumentFormat::Yaml.read(body).unwrap().unwrap();
        let (old_value, new_value) = (read(old), read(new));
        let found = Difference::of(("x@1", old, Some(&old_value)), ("x@2", new, Some(&new_value)));
        assert_eq!(found.text, "--- x@1\n+++ x@2\n@@ -1,2 +1,3 @@\n a: 1\n-b: 2\n+b: 3\n+c: [4]\n");
        let patch: json_patch::Patch = serde_json::from_value(found.changes.unwrap()).unwrap();
        let mut patched = old_value;
        json_patch::patch(&mut patched, &patch).unwrap();
        assert_eq!(patched, new_value);
        assert_eq!(
            Difference::of(("x@1", old, None), ("x@2", old, None)),
            Difference { text: String::new(), changes: None }
        );
    }

    #[test]
    fn the_worst_two_bodies_are_compared_in_bounded_time_and_room() {
        let body = |step: usize| {
            (0..MAX_BODY_BYTES / 8)
                .fold(String::new(), |body, at| body + &format!("{:06}\n", at * step % 999_983))
        };
        let (old, new) = (body(7), body(13));
        let started = std::time::Instant::now();
        let found = Difference::of(("x@1", &old, None), ("x@2", &new, None));
        assert!(started.elapsed() < DIFF_TIME * 5, "{:?}", started.elapsed());
        assert!(!found.text.is_empty() && found.text.len() <= MAX_DIFF_BYTES);
        let newlines = "\n".repeat(MAX_BODY_BYTES);
        let found = Difference::of(("x@1", &newlines, None), ("x@2", "x", None));
        assert!(found.text.len() <= MAX_DIFF_BYTES);
    }
}
