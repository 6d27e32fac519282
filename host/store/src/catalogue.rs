//! What the schema consists of, read from a database that the migrations made.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;
use serde::Serialize;

use crate::error::Failure;
use crate::{StoreError, migrate};

/// Every table, view and search of the schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Catalogue {
    pub version: u32,
    pub relations: Vec<Relation>,
}

/// A table, a view, or a full-text index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Relation {
    pub name: String,
    pub kind: RelationKind,
    pub columns: Vec<Column>,
    /// Those that the migrations name; SQLite makes others for keys.
    pub indexes: Vec<Index>,
    pub triggers: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RelationKind {
    Table,
    View,
    Search,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    pub name: String,
    /// Empty where a view computes it.
    pub r#type: String,
    /// None where a view has it.
    pub is_nullable: Option<bool>,
    pub is_key: bool,
    /// What it is computed from.
    pub expression: Option<String>,
    /// `table.column` that it points at.
    pub references: Option<String>,
    pub is_json: bool,
    pub is_truth: bool,
    /// The only values that it may have.
    pub values: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Index {
    pub name: String,
    pub is_unique: bool,
    /// What is between the brackets and after them.
    pub on: String,
}

impl Catalogue {
    /// Reads the schema that this program's migrations make, in a database of its own in memory.
    pub fn read() -> Result<Self, StoreError> {
        let path = Path::new(":memory:");
        let read = || {
            let mut connection = Connection::open_in_memory()?;
            let version = migrate::migrate(&mut connection, path)?;
            Ok(Self { version, relations: relations(&connection)? })
        };
        read().map_err(|failure: Failure| failure.in_file(path))
    }

    pub fn relation(&self, name: &str) -> Option<&Relation> {
        self.relations.iter().find(|relation| relation.name == name)
    }
}

fn relations(connection: &Connection) -> Result<Vec<Relation>, Failure> {
    let mut select = connection.prepare(
        "SELECT l.name, l.type, s.sql FROM pragma_table_list l JOIN sqlite_schema s ON s.name = l.name
         WHERE l.schema = 'main' AND l.type IN ('table', 'view', 'virtual') AND l.name NOT LIKE 'sqlite_%'
           AND l.name <> 'schema_migrations' ORDER BY s.rowid",
    )?;
    let found = select
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<Vec<(String, String, String)>>>()?;
    let mut relations = Vec::new();
    for (name, kind, sql) in found {
        let kind = match kind.as_str() {
            "table" => RelationKind::Table,
            "view" => RelationKind::View,
            _ => RelationKind::Search,
        };
        let columns = columns(connection, &name, kind, &one_line(&sql))?;
        let (indexes, triggers) = (indexes(connection, &name)?, triggers(connection, &name)?);
        relations.push(Relation { name, kind, columns, indexes, triggers });
    }
    Ok(relations)
}

fn columns(
    connection: &Connection,
    table: &str,
    kind: RelationKind,
    sql: &str,
) -> Result<Vec<Column>, Failure> {
    let references = references(connection, table)?;
    // Of a virtual table, the hidden columns are how it is asked; of others, they are generated (2 and 3).
    let mut select = connection.prepare(
        "SELECT name, type, \"notnull\", pk, hidden FROM pragma_table_xinfo(?1) WHERE hidden <> 1 ORDER BY cid",
    )?;
    let rows = select.query_map([table], |row| {
        let (name, r#type, is_needed, key, hidden): (String, String, bool, i64, i64) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
        let expression = (hidden > 1).then(|| generated(sql, &name, &r#type)).flatten();
        Ok(Column {
            is_nullable: (kind == RelationKind::Table).then_some(!is_needed && key == 0),
            is_key: key > 0,
            references: references.get(&name).cloned(),
            is_json: sql.contains(&format!("json_valid({name})")),
            is_truth: sql.contains(&format!("({name} IN (0, 1)")),
            values: values(sql, &name),
            name,
            r#type,
            expression,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What each column points at.
fn references(connection: &Connection, table: &str) -> Result<BTreeMap<String, String>, Failure> {
    let mut select =
        connection.prepare("SELECT \"from\", \"table\", \"to\" FROM pragma_foreign_key_list(?1)")?;
    let rows = select.query_map([table], |row| {
        let (from, table, to): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok((from, format!("{table}.{to}")))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn indexes(connection: &Connection, table: &str) -> Result<Vec<Index>, Failure> {
    let mut select = connection.prepare(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?1 AND sql IS NOT NULL ORDER BY rowid",
    )?;
    let rows = select.query_map([table], |row| {
        let (name, sql): (String, String) = (row.get(0)?, row.get(1)?);
        let sql = one_line(&sql);
        let is_unique = sql.starts_with("CREATE UNIQUE");
        let on = sql.split_once(&format!(" ON {table} ")).map_or("", |(_, rest)| rest).to_owned();
        Ok(Index { name, is_unique, on })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn triggers(connection: &Connection, table: &str) -> Result<Vec<String>, Failure> {
    let mut select = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 ORDER BY rowid")?;
    Ok(select.query_map([table], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

/// The expression of a generated column, between its brackets.
fn generated(sql: &str, column: &str, r#type: &str) -> Option<String> {
    let (_, rest) = sql.split_once(&format!(" {column} {type} GENERATED ALWAYS AS ("))?;
    let mut open = 1;
    let end = rest.find(|character| {
        open += match character {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        open == 0
    })?;
    Some(rest[..end].trim().to_owned())
}

/// The texts that a column's check lists.
fn values(sql: &str, column: &str) -> Vec<String> {
    let listed =
        sql.split_once(&format!("CHECK ({column} IN ('")).and_then(|(_, rest)| rest.split_once("')"));
    listed.map_or_else(Vec::new, |(list, _)| list.split("', '").map(str::to_owned).collect())
}

/// The words of a statement, a blank between them; comments are left out.
fn one_line(sql: &str) -> String {
    let lines = sql.lines().map(|line| line.split_once("--").map_or(line, |(before, _)| before));
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_has_what_the_migrations_made() {
        let catalogue = Catalogue::read().unwrap();
        assert_eq!(catalogue.version, migrate::SCHEMA_VERSION);
        let patterns = catalogue.relation("patterns").unwrap();
        let column = |name: &str| patterns.columns.iter().find(|column| column.name == name).unwrap();
        let rate = column("success_rate").expression.as_deref().unwrap();
        assert_eq!(rate, "CASE trials WHEN 0 THEN 0.0 ELSE 1.0 * successes / trials END");
        assert_eq!(column("owner_id").references.as_deref(), Some("user_identities.id"));
        assert_eq!((column("id").is_key, column("id").is_nullable), (true, Some(false)));
        assert!(column("meta").is_json && column("meta").is_nullable == Some(true));
        let by_rate = patterns.indexes.iter().find(|index| index.name == "ix_patterns_rate").unwrap();
        assert_eq!((by_rate.is_unique, by_rate.on.as_str()), (false, "(pattern_type, success_rate DESC)"));
        let queue = catalogue.relation("queue").unwrap();
        let status = queue.columns.iter().find(|column| column.name == "status").unwrap();
        assert_eq!(status.values[..2], ["pending", "in_progress"]);
        let search = catalogue.relation("memories_fts").unwrap();
        assert_eq!((search.kind, search.columns.len()), (RelationKind::Search, 3));
        let generated = catalogue.relations.iter().flat_map(|relation| &relation.columns);
        assert!(generated.filter(|column| column.expression.is_some()).count() > 90);
    }
}
