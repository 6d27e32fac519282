//! What every table and column means, and where the documents' things are: the text of docs/schema.md.
//!
//! What is there comes from the database, what it means from `migrations/meanings.toml`; a column without an entry and
//! an entry without a column are both refused, so that neither outlives the other.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use stratagem_store::{Catalogue, Column, Relation, RelationKind};

use crate::failure::Failure;

const MEANINGS: &str = include_str!("../../../migrations/meanings.toml");
const DOCUMENTS: &str = include_str!("../../../migrations/documents.toml");

/// The section of columns that mean the same wherever they stand.
const ANYWHERE: &str = "anywhere";
/// What a section says of its table, not of a column.
const ABOUT: &str = "about";

/// The unit of columns by the end of their names.
const UNITS: [(&str, &str); 11] = [
    ("_at", "ms since 1970"),
    ("_ms", "ms"),
    ("_bytes", "bytes"),
    ("_micros", "millionths of a dollar"),
    ("_usd", "dollars"),
    ("_mb", "MiB"),
    ("_seconds", "s"),
    ("_pct", "%"),
    ("_permille", "‰"),
    ("_hash", "64 hexadecimal digits"),
    ("_digest", "64 hexadecimal digits"),
];

/// Sections of a file of meanings: by table, then by column.
type Sections = BTreeMap<String, BTreeMap<String, String>>;

/// The catalogue with its meanings.
pub struct Meanings {
    version: u32,
    relations: Vec<Described>,
    documents: Vec<Document>,
}

/// A table or view and what it is for.
#[derive(Clone, Debug, Serialize)]
pub struct Described {
    pub name: String,
    pub kind: RelationKind,
    pub about: String,
    /// The documents that it serves.
    pub serves: Vec<String>,
    pub columns: Vec<Meant>,
    /// With what they are on.
    pub indexes: Vec<String>,
    pub triggers: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Meant {
    pub name: String,
    pub r#type: String,
    /// None where a view has it.
    pub is_nullable: Option<bool>,
    pub unit: String,
    pub meaning: String,
    pub serves: Vec<String>,
}

/// One of the documents that the store serves, and where its things are.
#[derive(Debug, Deserialize)]
struct Document {
    name: String,
    about: String,
    /// What it is there, its name, where it is here, the tests that show it.
    rows: Vec<(String, String, String, Vec<String>)>,
}

#[derive(Debug, Deserialize)]
struct Documents {
    document: Vec<Document>,
}

/// A meaning as it is written: `text [unit] {TYPE} @000 @003`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Entry {
    meaning: String,
    unit: Option<String>,
    r#type: Option<String>,
    serves: Vec<String>,
}

impl Meanings {
    pub fn of_this_program(catalogue: &Catalogue) -> Result<Self, Failure> {
        let broken = |error: toml::de::Error| Failure::new(format!("a data file of this program: {error}"));
        let sections: Sections = toml::from_str(MEANINGS).map_err(broken)?;
        let documents: Documents = toml::from_str(DOCUMENTS).map_err(broken)?;
        let version = catalogue.version;
        let relations = described(&catalogue.relations, &sections).map_err(|faults| {
            Failure::new(format!("migrations/meanings.toml does not fit the schema: {}", faults.join(", ")))
                .hint("write an entry for every column, and none for what is not there")
        })?;
        Ok(Self { version, relations, documents: documents.document })
    }

    /// All, or the one of this name.
    pub fn relations(&self, name: Option<&str>) -> Vec<&Described> {
        self.relations.iter().filter(|it| name.is_none_or(|name| it.name == name)).collect()
    }

    /// The text of docs/schema.md.
    pub fn markdown(&self) -> String {
        let mut text = HEAD.replace("VERSION", &self.version.to_string());
        for (kind, title) in [
            (RelationKind::Table, "Tables"),
            (RelationKind::View, "Views"),
            (RelationKind::Search, "Full-text search"),
        ] {
            text += &format!("\n## {title}\n");
            self.relations.iter().filter(|it| it.kind == kind).for_each(|it| text += &it.markdown());
        }
        text += "\n## The documents\n\n";
        text += DOCUMENTS_HEAD;
        for Document { name, about, rows } in &self.documents {
            text += &format!(
                "\n### {name}: {about}\n\n| what | there | here | shown by |\n| --- | --- | --- | --- |\n"
            );
            for (what, there, here, tests) in rows {
                let tests = tests.iter().map(|test| format!("`{test}`")).collect::<Vec<_>>().join(", ");
                text += &format!("| {what} | {there} | {here} | {tests} |\n");
            }
        }
        text
    }
}

const HEAD: &str = "# The schema

Version VERSION, made by `migrations/sqlite`; the same for PostgreSQL lies in `migrations/postgres`. This page is printed by
`stratagem db schema --markdown` from the database itself, with the meanings of `migrations/meanings.toml` and the
coverage of `migrations/documents.toml`; a test holds it to them.

Every table is STRICT and foreign keys are on. Ids are UUIDv7, times milliseconds since 1970 in UTC, money whole millionths of
a dollar, digests BLAKE3, grids JSON arrays of rows. A column whose meaning begins with `=` is generated: another name or
another unit for what it is computed from, so that a query that was written for one of the documents runs; indexes are on
what it is computed from, unless they name it.
\"Documents\" names those of the five design documents (000 to 004) that ask for a table, or for a column by that name.
";

const DOCUMENTS_HEAD: &str = "Where everything is that the five documents ask for, and the test that shows it: tables, columns that are called
otherwise here, triggers' purposes, views, indexes, queries, operations and promises. A test checks that every test
and every table, view, index and trigger that is named here exists.
";

impl Described {
    fn markdown(&self) -> String {
        let mut text = format!("\n### `{}`\n\n{}", self.name, self.about);
        if !self.serves.is_empty() {
            text += &format!(" Documents: {}.", self.serves.join(", "));
        }
        text += "\n\n| column | type | null | unit | meaning | documents |\n| --- | --- | --- | --- | --- | --- |\n";
        for Meant { name, r#type, is_nullable, unit, meaning, serves } in &self.columns {
            let null = is_nullable.map_or("", |is_nullable| if is_nullable { "yes" } else { "no" });
            let (meaning, serves) = (meaning.replace('|', "\\|"), serves.join(", "));
            text += &format!("| `{name}` | {type} | {null} | {unit} | {meaning} | {serves} |\n");
        }
        for (title, list) in [("Indexes", &self.indexes), ("Triggers", &self.triggers)] {
            if !list.is_empty() {
                text += &format!("\n{title}: {}.\n", list.join("; "));
            }
        }
        text
    }
}

/// Puts the meanings to what is there; what does not fit, where it does not.
fn described(relations: &[Relation], sections: &Sections) -> Result<Vec<Described>, Vec<String>> {
    let anywhere = sections.get(ANYWHERE);
    let (mut faults, mut used) = (Vec::new(), BTreeSet::new());
    let mut all = Vec::new();
    for relation in relations {
        let section = sections.get(&relation.name);
        let entry = |name: &str| section.and_then(|section| section.get(name));
        let Some(about) = entry(ABOUT).map(|text| Entry::parse(text)) else {
            faults.push(format!("{} has no section with `{ABOUT}`", relation.name));
            continue;
        };
        let mut columns = Vec::new();
        for column in &relation.columns {
            let mut entry = entry(&column.name).map(|text| Entry::parse(text)).unwrap_or_default();
            if entry.meaning.is_empty()
                && let Some(common) = anywhere.and_then(|section| section.get(&column.name))
            {
                used.insert(column.name.as_str());
                entry = Entry { serves: entry.serves, ..Entry::parse(common) };
            }
            match Meant::of(relation, column, entry) {
                Some(meant) if !meant.r#type.is_empty() => columns.push(meant),
                Some(_) => faults.push(format!("{}.{} has no {{TYPE}}", relation.name, column.name)),
                None => faults.push(format!("{}.{} has no entry", relation.name, column.name)),
            }
        }
        let there: BTreeSet<&str> = relation.columns.iter().map(|column| column.name.as_str()).collect();
        let names = section.into_iter().flat_map(BTreeMap::keys).filter(|name| *name != ABOUT);
        faults.extend(
            names
                .filter(|name| !there.contains(name.as_str()))
                .map(|name| format!("{}.{name} is not there", relation.name)),
        );
        all.push(Described::of(relation, about, columns));
    }
    let known: BTreeSet<&str> = relations.iter().map(|relation| relation.name.as_str()).collect();
    let named = sections.keys().filter(|name| *name != ANYWHERE && !known.contains(name.as_str()));
    faults.extend(named.map(|name| format!("{name} is not there")));
    let common = anywhere.into_iter().flat_map(BTreeMap::keys).filter(|name| !used.contains(name.as_str()));
    faults.extend(common.map(|name| format!("{ANYWHERE}.{name} is not there")));
    if faults.is_empty() { Ok(all) } else { Err(faults) }
}

impl Described {
    fn of(relation: &Relation, about: Entry, columns: Vec<Meant>) -> Self {
        let unique = |is_unique: bool| if is_unique { ", unique" } else { "" };
        Self {
            name: relation.name.clone(),
            kind: relation.kind,
            about: about.meaning,
            serves: about.serves,
            columns,
            indexes: relation
                .indexes
                .iter()
                .map(|index| format!("`{}` {}{}", index.name, index.on, unique(index.is_unique)))
                .collect(),
            triggers: relation.triggers.iter().map(|name| format!("`{name}`")).collect(),
        }
    }
}

impl Meant {
    /// A generated column needs no entry: it means what it is computed from.
    fn of(relation: &Relation, column: &Column, entry: Entry) -> Option<Self> {
        let Entry { mut meaning, unit, r#type, serves } = entry;
        if meaning.is_empty() && column.expression.is_none() {
            return None;
        }
        if let Some(expression) = &column.expression {
            let words = if meaning.is_empty() { String::new() } else { format!(": {meaning}") };
            meaning = format!("= `{expression}`{words}");
        }
        if !column.values.is_empty() {
            meaning += &format!("; one of {}", column.values.join(", "));
        }
        if let Some(references) = &column.references {
            meaning += &format!(" → `{references}`");
        }
        let r#type = match relation.kind {
            RelationKind::Search => "TEXT".to_owned(),
            _ => r#type.unwrap_or_else(|| column.r#type.clone()),
        };
        let unit = unit.unwrap_or_else(|| unit_of(column));
        Some(Self {
            name: column.name.clone(),
            r#type,
            is_nullable: column.is_nullable,
            unit,
            meaning,
            serves,
        })
    }
}

/// The unit that a column's name or check tells.
fn unit_of(column: &Column) -> String {
    if column.is_json {
        return "JSON".to_owned();
    }
    if column.is_truth {
        return "0 or 1".to_owned();
    }
    let name = format!("_{}", column.name);
    let found = UNITS.iter().find(|(end, _)| name.ends_with(end));
    found.map_or_else(String::new, |(_, unit)| (*unit).to_owned())
}

impl Entry {
    fn parse(text: &str) -> Self {
        let mut entry = Self::default();
        let mut rest = text.trim();
        // From the end: a bracket within the text is the text's.
        loop {
            let (before, last) = rest.rsplit_once(' ').unwrap_or(("", rest));
            if let Some(document) = last.strip_prefix('@') {
                entry.serves.insert(0, document.to_owned());
                rest = before.trim_end();
            } else if let Some((before, r#type)) = rest.strip_suffix('}').and_then(|it| it.rsplit_once('{')) {
                entry.r#type = Some(r#type.to_owned());
                rest = before.trim_end();
            } else if let Some((before, unit)) = rest.strip_suffix(']').and_then(|it| it.rsplit_once('[')) {
                entry.unit = Some(unit.to_owned());
                rest = before.trim_end();
            } else {
                break;
            }
        }
        rest.clone_into(&mut entry.meaning);
        entry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, expression: Option<&str>) -> Column {
        Column {
            name: name.to_owned(),
            r#type: "INTEGER".to_owned(),
            is_nullable: Some(true),
            is_key: false,
            expression: expression.map(str::to_owned),
            references: None,
            is_json: false,
            is_truth: false,
            values: Vec::new(),
        }
    }

    fn relation(columns: Vec<Column>) -> Relation {
        let (indexes, triggers) = (Vec::new(), Vec::new());
        Relation { name: "runs".to_owned(), kind: RelationKind::Table, columns, indexes, triggers }
    }

    fn sections(text: &str) -> Sections {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn an_entry_is_text_unit_type_and_documents() {
        let entry = Entry::parse("how long it took (not [queued]) [ms] {INTEGER} @000 @003");
        assert_eq!(entry.meaning, "how long it took (not [queued])");
        assert_eq!((entry.unit.as_deref(), entry.r#type.as_deref()), (Some("ms"), Some("INTEGER")));
        assert_eq!(entry.serves, ["000", "003"]);
        assert_eq!(Entry::parse("").meaning, "");
    }

    #[test]
    fn what_lacks_an_entry_and_what_is_not_there_are_both_refused() {
        let there = [relation(vec![column("seed", None), column("at", None), column("when", Some("at"))])];
        let fits = "[anywhere]\nat = 'when'\n[runs]\nabout = 'a run'\nseed = 'chance'\nat = '@000'";
        let columns = &described(&there, &sections(fits)).unwrap()[0].columns;
        assert_eq!((columns[1].meaning.as_str(), columns[1].unit.as_str()), ("when", "ms since 1970"));
        assert_eq!(columns[1].serves, ["000"]);
        assert_eq!(columns[2].meaning, "= `at`");
        for (text, fault) in [
            ("[anywhere]\nat = 'when'\n[runs]\nabout = 'a run'", "runs.seed has no entry"),
            ("[anywhere]\nat = 'when'\n[runs]\nseed = 'chance'", "runs has no section with `about`"),
            ("[anywhere]\nat = 'when'\nx = ''\n[runs]\nabout = ''\nseed = ''", "anywhere.x is not there"),
            ("[runs]\nabout = ''\nseed = 's'\nat = 'a'\nx = ''", "runs.x is not there"),
            ("[runs]\nabout = ''\nseed = ''\nat = ''\n[walks]\nabout = ''", "walks is not there"),
        ] {
            assert!(described(&there, &sections(text)).unwrap_err().contains(&fault.to_owned()), "{fault}");
        }
    }
}
