//! Which tasks: by dataset, id, family, feature and difficulty, cut to a number or a sample.

use std::collections::HashSet;

use rusqlite::{ToSql, params_from_iter};
use serde::{Deserialize, Serialize};
use stratagem_domain::{Digest, Split, quote};

use crate::documents::invalid;
use crate::error::Failure;
use crate::rows::parse_digest;
use crate::{Store, StoreError};

/// What is asked of a task; kinds of criteria must all hold, of one kind any one does. Nothing asked is nothing chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Selection {
    /// NAME, NAME@VERSION or NAME/SPLIT of datasets, and ids of tasks, alone or as DATASET/ID.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub families: Vec<String>,
    /// NAME=VALUE, NAME<=VALUE or NAME>=VALUE; unlike others, all of them must hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub difficulties: Vec<String>,
    /// So many of them by chance, which `seed` decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<usize>,
    pub seed: u64,
    /// The first so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// A task that was chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Chosen {
    /// Of `arc_tasks`.
    pub id: String,
    pub code: String,
    pub digest: Digest,
}

/// Features with a column of their own.
const NUMBERS: [&str; 5] = ["width", "height", "color_count", "object_count", "symmetry"];
const WORDS: [&str; 2] = ["size_relation", "extractor"];
/// Features with several values, and their columns.
const LISTS: [(&str, &str); 2] = [("pattern", "patterns"), ("hint", "hints")];
/// A feature of the extractor that has no column: `detail.NAME`.
const DETAIL: &str = "detail.";
const DIFFICULTIES: [&str; 4] = ["easy", "medium", "hard", "unknown"];

type Values = Vec<Box<dyn ToSql>>;
/// SQL, a constant of this file, and what stands for its question marks.
type Part = (&'static str, Values);

/// The parts of a query that must all hold.
#[derive(Default)]
struct Condition {
    sql: String,
    values: Values,
}

impl Condition {
    fn and(&mut self, sql: &str, values: Values) {
        self.sql += &format!(" AND ({sql})");
        self.values.extend(values);
    }

    /// Any of these; nothing where there is none.
    fn any(&mut self, parts: Vec<Part>) {
        if !parts.is_empty() {
            let sql: Vec<&str> = parts.iter().map(|(sql, _)| *sql).collect();
            self.and(&sql.join(" OR "), parts.into_iter().flat_map(|(_, values)| values).collect());
        }
    }
}

impl Store {
    /// The tasks that a selection lets through, by dataset, split and id. A task that several datasets have is taken
    /// once.
    ///
    /// *Errors*: [`StoreError::Invalid`] for a criterion that is none, and where nothing is left.
    pub fn choose(&self, selection: &Selection) -> Result<Vec<Chosen>, StoreError> {
        let mut condition = Condition::default();
        let terms = selection.tasks.iter().map(|term| self.term(term)).collect::<Result<_, _>>()?;
        condition.any(terms);
        self.of_families(&selection.families, &mut condition)?;
        condition.any(
            selection.difficulties.iter().map(|level| difficulty(level)).collect::<Result<Vec<_>, _>>()?,
        );
        for text in &selection.features {
            feature(text, &mut condition)?;
        }
        if condition.sql.is_empty() {
            return Err(invalid(
                "no criterion chooses tasks",
                "name tasks, a family, a feature or a difficulty",
            ));
        }
        let mut chosen = self.read(|connection| {
            let mut select = connection.prepare(&format!(
                "SELECT t.id, t.code, t.digest FROM arc_tasks t
                 LEFT JOIN task_features f ON f.task_id = t.id LEFT JOIN task_families m ON m.id = t.family_id
                 WHERE t.is_active {} ORDER BY t.dataset_id, t.split, t.code, t.id",
                condition.sql
            ))?;
            let mut rows = select.query(params_from_iter(&condition.values))?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let digest = parse_digest(&row.get::<_, String>(2)?)?;
                found.push(Chosen { id: row.get(0)?, code: row.get(1)?, digest });
            }
            Ok::<_, Failure>(found)
        })?;
        let mut seen = HashSet::new();
        chosen.retain(|task| seen.insert(task.digest));
        if let Some(sample) = selection.sample.filter(|&sample| sample < chosen.len()) {
            let mut places: Vec<usize> = (0..chosen.len()).collect();
            fastrand::Rng::with_seed(selection.seed).shuffle(&mut places);
            let kept: HashSet<usize> = places.into_iter().take(sample).collect();
            let mut at = 0..;
            chosen.retain(|_| at.next().is_some_and(|at| kept.contains(&at)));
        }
        chosen.truncate(selection.limit.unwrap_or(usize::MAX));
        if chosen.is_empty() {
            let hint = "see `stratagem tasks list`; features and families come with an import";
            return Err(invalid("the selection is empty: no task fits all criteria", hint));
        }
        Ok(chosen)
    }

    /// A dataset with or without version and split, else a task's id.
    fn term(&self, term: &str) -> Result<Part, StoreError> {
        let (place, rest) = term.split_once('/').map_or((term, None), |(place, rest)| (place, Some(rest)));
        let (name, version) =
            place.split_once('@').map_or((place, None), |(name, version)| (name, Some(version)));
        if let Some(dataset) = self.dataset(name, version)? {
            return Ok(match rest.map(|rest| (rest, Split::parse(rest))) {
                None => ("t.dataset_id = ?", vec![Box::new(dataset.id)]),
                Some((_, Some(split))) => {
                    ("t.dataset_id = ? AND t.split = ?", vec![Box::new(dataset.id), Box::new(split.as_str())])
                }
                Some((code, None)) => {
                    let values: Values = vec![Box::new(dataset.id), Box::new(code.to_owned())];
                    self.known_tasks("t.dataset_id = ? AND t.code = ?", values, term)?
                }
            });
        }
        self.known_tasks("t.code = ?", vec![Box::new(term.to_owned())], term)
    }

    /// Refuses what no task fits.
    fn known_tasks(&self, sql: &'static str, values: Values, term: &str) -> Result<Part, StoreError> {
        let found: i64 = self.read(|connection| {
            let count = format!("SELECT count(*) FROM arc_tasks t WHERE {sql}");
            Ok(connection.query_row(&count, params_from_iter(&values), |row| row.get(0))?)
        })?;
        if found > 0 {
            return Ok((sql, values));
        }
        let what = format!("no dataset, split or task {} is stored", quote(term, 100));
        Err(invalid(what, "see `stratagem tasks list`, or import it first"))
    }

    fn of_families(&self, names: &[String], condition: &mut Condition) -> Result<(), StoreError> {
        let mut parts: Vec<Part> = Vec::new();
        for name in names {
            let known: i64 = self.read(|connection| {
                let count = "SELECT count(*) FROM task_families WHERE name = ?1";
                Ok(connection.query_row(count, [name], |row| row.get(0))?)
            })?;
            if known == 0 {
                let what = format!("no family {}", quote(name, 100));
                return Err(invalid(what, "families come with an import of tasks"));
            }
            parts.push(("m.name = ?", vec![Box::new(name.clone())]));
        }
        condition.any(parts);
        Ok(())
    }
}

fn difficulty(level: &str) -> Result<Part, StoreError> {
    let known = DIFFICULTIES.into_iter().find(|known| *known == level);
    let known = known
        .ok_or_else(|| invalid(format!("no difficulty {}", quote(level, 40)), DIFFICULTIES.join(", ")))?;
    Ok(("t.difficulty = ?", vec![Box::new(known)]))
}

fn feature(text: &str, condition: &mut Condition) -> Result<(), StoreError> {
    let refused = |why: &str| {
        let lists = LISTS.map(|(name, _)| name);
        let known: Vec<&str> = NUMBERS.into_iter().chain(WORDS).chain(lists).collect();
        let hint = format!("NAME=VALUE, NAME<=VALUE or NAME>=VALUE of {}, {DETAIL}NAME", known.join(", "));
        invalid(format!("feature {}: {why}", quote(text, 100)), hint)
    };
    let at = text.find(['=', '<', '>']).ok_or_else(|| refused("there is no value"))?;
    let (name, rest) = text.split_at(at);
    let order = [">=", "<=", "="].into_iter().find(|order| rest.starts_with(order));
    let order = order.ok_or_else(|| refused("it is compared by none of =, <= and >="))?;
    let value = rest[order.len()..].to_owned();
    if let Some(name) = NUMBERS.into_iter().find(|known| *known == name) {
        let number: i64 = value.parse().map_err(|_| refused("the value is no whole number"))?;
        condition.and(&format!("f.{name} {order} ?"), vec![Box::new(number)]);
        return Ok(());
    }
    if let Some(name) = name.strip_prefix(DETAIL) {
        let is_plain =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_plain {
            return Err(refused("the name is not plain"));
        }
        let value: Box<dyn ToSql> = match value.parse::<f64>() {
            Ok(number) if number.is_finite() => Box::new(number),
            _ if order != "=" => return Err(refused("the value is no number")),
            _ => Box::new(value),
        };
        let sql = format!("json_extract(f.detail, ?) {order} ?");
        condition.and(&sql, vec![Box::new(format!("$.{name}")), value]);
        return Ok(());
    }
    if order != "=" {
        return Err(refused("it has no order, or there is none of that name"));
    }
    if let Some(name) = WORDS.into_iter().find(|known| *known == name) {
        condition.and(&format!("f.{name} = ?"), vec![Box::new(value)]);
        return Ok(());
    }
    let Some((_, column)) = LISTS.into_iter().find(|(known, _)| *known == name) else {
        return Err(refused("there is none of that name"));
    };
    let sql = format!("EXISTS (SELECT 1 FROM json_each(f.{column}) j WHERE j.value = ? OR j.key = ?)");
    condition.and(&sql, vec![Box::new(value.clone()), Box::new(value)]);
    Ok(())
}
