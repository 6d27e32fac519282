//! What people still want to do.

use rusqlite::params;
use serde::Serialize;
use serde_json::json;
use stratagem_domain::quote;

use crate::audit::Entry;
use crate::open::{new_id, now};
use crate::users::{self, invalid};
use crate::{Store, StoreError};

/// Characters of a title.
const LONGEST_TITLE: usize = 500;
/// Characters that name a todo.
const LEAST_PREFIX: usize = 4;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Todo {
    pub id: String,
    pub title: String,
    pub description: Option<String>,
    /// `open`, `done` or `dropped`.
    pub status: String,
    /// The name of who is to do it.
    pub assignee: Option<String>,
    /// Milliseconds since 1970, UTC.
    pub created_at: u64,
    pub updated_at: u64,
}

impl Store {
    /// Keeps something to do, for the user of a name or an id where one is given.
    pub fn add_todo(
        &self,
        title: &str,
        description: Option<&str>,
        assignee: Option<&str>,
    ) -> Result<String, StoreError> {
        if !(1..=LONGEST_TITLE).contains(&title.chars().count()) {
            let what = format!("title of {} characters: 1 to {LONGEST_TITLE}", title.chars().count());
            let hint = Some("put the rest into the description".to_owned());
            return Err(StoreError::Invalid { what, hint });
        }
        let assignee = assignee.map(|who| self.read(|connection| self.known(connection, who))).transpose()?;
        let (title, description) = (title.to_owned(), description.map(str::to_owned));
        self.write("adding a todo", move |change| {
            if let Some(id) = &assignee
                && users::load(change, id)?.status != "active"
            {
                return invalid("a todo is for an active user", "name another, or nobody");
            }
            let id = new_id();
            change.execute(
                "INSERT INTO todos (id, title, description, assignee_id, created_by, created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
                params![id, title, description, assignee, change.actor.id, now()],
            )?;
            change.made("todo.add", "todos", &id);
            Ok(id)
        })
    }

    /// What is to do, oldest first; with what was, where asked for.
    pub fn todos(&self, with_ended: bool) -> Result<Vec<Todo>, StoreError> {
        self.read(|connection| {
            let todos = connection
                .prepare_cached(
                    "SELECT t.id, t.title, t.description, t.status, u.display_name, t.created_at, t.updated_at
                     FROM todos t LEFT JOIN user_identities u ON u.id = t.assignee_id
                     WHERE t.status = 'open' OR ?1 ORDER BY t.created_at, t.id",
                )?
                .query_map([with_ended], |row| {
                    Ok(Todo {
                        id: row.get(0)?,
                        title: row.get(1)?,
                        description: row.get(2)?,
                        status: row.get(3)?,
                        assignee: row.get(4)?,
                        created_at: row.get::<_, i64>(5)?.unsigned_abs(),
                        updated_at: row.get::<_, i64>(6)?.unsigned_abs(),
                    })
                })?
                .collect::<rusqlite::Result<_>>()?;
            Ok(todos)
        })
    }

    /// Ends a todo by its id or the beginning of it: done, or dropped. Returns its id.
    pub fn end_todo(&self, id: &str, is_done: bool) -> Result<String, StoreError> {
        let given = id.to_ascii_lowercase();
        if given.len() < LEAST_PREFIX {
            let what = format!("todo id {} is {} characters long", quote(&given, 80), given.len());
            let hint = Some(format!("give at least {LEAST_PREFIX}; list them with `stratagem todo list`"));
            return Err(StoreError::Invalid { what, hint });
        }
        self.write("ending a todo", move |change| {
            let found = change
                .prepare(
                    "SELECT id FROM todos WHERE substr(id, 1, length(?1)) = ?1 AND status = 'open' LIMIT 2",
                )?
                .query_map([&given], |row| row.get(0))?
                .collect::<rusqlite::Result<Vec<String>>>()?;
            let [id] = found.as_slice() else {
                let what =
                    if found.is_empty() { "no open todo has this id" } else { "several todos begin so" };
                return invalid(what, "list them with `stratagem todo list`");
            };
            let status = if is_done { "done" } else { "dropped" };
            change.execute(
                "UPDATE todos SET status = ?2, updated_at = ?3 WHERE id = ?1",
                params![id, status, now()],
            )?;
            change.note(Entry {
                action: "todo.end",
                subject_kind: "todos",
                subject_id: id.clone(),
                before: Some(json!({ "status": "open" })),
                after: Some(json!({ "status": status })),
            });
            Ok(id.clone())
        })
    }
}
