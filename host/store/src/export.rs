//! Everything that is held on a user, as one JSON document, row by row and table by table.

use std::collections::BTreeMap;
use std::io::Write;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::actor::Role;
use crate::audit::Entry;
use crate::erasure::mentions;
use crate::error::Failure;
use crate::open::now;
use crate::personal::HOLDINGS;
use crate::{Store, StoreError, users};

/// How the document is laid out; raised where a reader would have to know.
const FORMAT: u32 = 1;

/// What went into an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExportReport {
    pub user_id: String,
    /// Rows by table, or by part of one; the same as `counts` of the document.
    pub counts: BTreeMap<String, u64>,
}

impl Store {
    /// Writes all that is held on a user: oneself, or anybody where an admin asks. Columns that repeat others are left
    /// out, bytes are hexadecimal, and a run's journal is the JSON that it was before it was compressed.
    pub fn export_user(&self, who: &str, out: &mut dyn Write) -> Result<ExportReport, StoreError> {
        let id = self.read(|connection| self.known(connection, who))?;
        if id != self.actor().id {
            self.permit(Role::Admin, "exporting what is held on another user")?;
        }
        let counts = self.read(|connection| document(connection, &id, out))?;
        if self.actor().role > Role::Reader {
            let (subject_id, rows) = (id.clone(), counts.values().sum::<u64>());
            self.write("noting an export", move |change| {
                let (before, after) = (Some(json!({})), Some(json!({ "rows": rows })));
                change.note(Entry {
                    action: "user.export",
                    subject_kind: "user_identities",
                    subject_id,
                    before,
                    after,
                });
                Ok(())
            })?;
        }
        Ok(ExportReport { user_id: id, counts })
    }
}

fn document(
    connection: &Connection,
    id: &str,
    out: &mut dyn Write,
) -> Result<BTreeMap<String, u64>, Failure> {
    let mut counts = BTreeMap::new();
    let head = json!({ "format": FORMAT, "user_id": id, "exported_at": now() }).to_string();
    put(out, head.trim_end_matches('}'))?;
    put(out, ",\"tables\":{")?;
    let parts = HOLDINGS.iter().map(|holding| (holding.name(), holding.table, holding.condition()));
    // Ids of bytes that the user's plugins learned, and of the plugins themselves.
    let bytes = "digest IN (SELECT digest FROM learned_artifacts WHERE owner_id = ?1)
        OR digest IN (SELECT v.wasm_digest FROM plugin_versions v JOIN plugins p ON p.id = v.plugin_id
                      WHERE p.owner_id = ?1)";
    let events = mentions(connection, &users::load(connection, id)?)?;
    let events = events.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let named = format!("?1 IS NOT NULL AND seq IN ({events})");
    let parts = parts.chain([
        ("artifacts".to_owned(), "artifacts", bytes.to_owned()),
        ("system_events.mentions".to_owned(), "system_events", named),
    ]);
    for (at, (name, table, condition)) in parts.enumerate() {
        let comma = if at == 0 { "" } else { "," };
        put(out, &format!("{comma}\n{}:[", Value::from(name.as_str())))?;
        let rows = table_rows(connection, table, &condition, id, out)?;
        put(out, "]")?;
        counts.insert(name, rows);
    }
    put(out, &format!("}},\n\"counts\":{}}}\n", json!(counts)))?;
    out.flush().map_err(|error| unwritten(&error))?;
    Ok(counts)
}

fn table_rows(
    connection: &Connection,
    table: &str,
    condition: &str,
    id: &str,
    out: &mut dyn Write,
) -> Result<u64, Failure> {
    let columns = connection
        .prepare("SELECT name FROM pragma_table_xinfo(?1) WHERE hidden = 0 ORDER BY cid")?
        .query_map([table], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<String>>>()?;
    let mut select = connection.prepare(&format!("SELECT * FROM {table} WHERE {condition}"))?;
    let mut rows = select.query([id])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        put(out, if count == 0 { "\n" } else { ",\n" })?;
        put(out, &object(table, &columns, row)?.to_string())?;
        count += 1;
    }
    Ok(count)
}

fn object(table: &str, columns: &[String], row: &Row<'_>) -> Result<Value, Failure> {
    let mut fields = Map::new();
    for column in columns {
        let value = match row.get_ref(column.as_str())? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => number.into(),
            ValueRef::Real(number) => number.into(),
            ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned().into(),
            ValueRef::Blob(bytes) if table == "run_journals" => journal(bytes),
            ValueRef::Blob(bytes) => json!({ "hex": hex(bytes) }),
        };
        fields.insert(column.clone(), value);
    }
    Ok(Value::Object(fields))
}

/// The journal itself, or its bytes where they are not what was written.
fn journal(bytes: &[u8]) -> Value {
    let text = lz4_flex::decompress_size_prepended(bytes).ok();
    let exchanges = text.and_then(|text| serde_json::from_slice(&text).ok());
    exchanges.unwrap_or_else(|| json!({ "hex": hex(bytes) }))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
    bytes.iter().flat_map(|&byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn put(out: &mut dyn Write, text: &str) -> Result<(), Failure> {
    out.write_all(text.as_bytes()).map_err(|error| unwritten(&error))
}

fn unwritten(error: &std::io::Error) -> Failure {
    let hint = Some("choose a file that can be written, on a disk with room".to_owned());
    StoreError::Invalid { what: format!("the export cannot be written: {error}"), hint }.into()
}
