//! The people of a database: who they are elsewhere, and what they may do here.
//!
//! A name is unique among those who are not erased, and never looks like an id, so that either finds one user. The
//! local user owns the file: always active, always an admin, never erased.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde_json::json;
use stratagem_domain::quote;

use crate::actor::Role;
use crate::audit::Entry;
use crate::error::Failure;
use crate::open::{LOCAL_USER, new_id, now};
use crate::writer::Change;
use crate::{Store, StoreError};

/// Characters of a name.
const LONGEST_NAME: usize = 100;
/// Characters of a handle: the longest address of e-mail.
const LONGEST_HANDLE: usize = 254;

/// A user as an operator sees one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    pub id: String,
    pub name: String,
    /// `active`, `disabled` or `erased`.
    pub status: String,
    pub role: Role,
    pub handles: Vec<Handle>,
    /// Milliseconds since 1970, UTC.
    pub created_at: u64,
    pub updated_at: u64,
}

/// What a user is called elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Handle {
    /// `email`, `discord`, `phone`, ...
    pub provider: String,
    pub handle: String,
}

impl Store {
    /// Every user, oldest first.
    pub fn users(&self) -> Result<Vec<User>, StoreError> {
        self.read(|connection| {
            let mut select = connection.prepare("SELECT id FROM user_identities ORDER BY created_at, id")?;
            let ids = select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
            ids.iter().map(|id| load(connection, id)).collect()
        })
    }

    /// The user of a name or an id.
    pub fn user(&self, who: &str) -> Result<User, StoreError> {
        self.read(|connection| load(connection, &self.known(connection, who)?))
    }

    /// Adds a user. Needs an admin.
    pub fn add_user(&self, name: &str, role: Role) -> Result<User, StoreError> {
        let name = valid_name(name)?;
        self.administer("adding a user", move |change| {
            refuse_taken(change, &name, "")?;
            let id = new_id();
            change.execute(
                "INSERT INTO user_identities (id, display_name, role, created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?4)",
                params![id, name, role.as_str(), now()],
            )?;
            change.note(Entry {
                action: "user.add",
                subject_kind: "user_identities",
                subject_id: id.clone(),
                before: None,
                after: Some(json!({ "role": role })),
            });
            load(change, &id)
        })
    }

    /// Calls a user something else. Needs an admin. The log says that it was done, not what the names are.
    pub fn rename_user(&self, who: &str, name: &str) -> Result<User, StoreError> {
        let name = valid_name(name)?;
        self.change_user(who, "renaming a user", move |change, user| {
            refuse_taken(change, &name, &user.id)?;
            change.execute(
                "UPDATE user_identities SET display_name = ?2, updated_at = ?3 WHERE id = ?1",
                params![user.id, name, now()],
            )?;
            change.note(entry("user.rename", &user.id, json!({}), json!({})));
            Ok(())
        })
    }

    /// Sets what a user may do. Needs an admin.
    pub fn set_role(&self, who: &str, role: Role) -> Result<User, StoreError> {
        self.change_user(who, "setting a user's role", move |change, user| {
            if role != Role::Admin {
                refuse_local(&user.id, "is always an admin")?;
            }
            change.execute(
                "UPDATE user_identities SET role = ?2, updated_at = ?3 WHERE id = ?1",
                params![user.id, role.as_str(), now()],
            )?;
            change.note(entry("user.role", &user.id, json!({ "role": user.role }), json!({ "role": role })));
            Ok(())
        })
    }

    /// Lets a user in, or no more: what they have open ends with its next write. Needs an admin.
    pub fn set_active(&self, who: &str, is_active: bool) -> Result<User, StoreError> {
        self.change_user(who, "disabling a user", move |change, user| {
            refuse_local(&user.id, "is always active")?;
            let status = if is_active { "active" } else { "disabled" };
            let erasing: bool = change.query_row(
                "SELECT EXISTS (SELECT 1 FROM erasure_requests WHERE user_id = ?1 AND status <> 'completed')",
                [&user.id],
                |row| row.get(0),
            )?;
            if erasing && is_active {
                return invalid("the erasure of this user has begun", "let it end: `stratagem user erase`");
            }
            change.execute(
                "UPDATE user_identities SET status = ?2, updated_at = ?3 WHERE id = ?1",
                params![user.id, status, now()],
            )?;
            let (before, after) = (json!({ "status": user.status }), json!({ "status": status }));
            change.note(entry("user.status", &user.id, before, after));
            Ok(())
        })
    }

    /// Keeps what a user is called elsewhere. Needs an admin.
    pub fn add_handle(&self, who: &str, provider: &str, handle: &str) -> Result<User, StoreError> {
        let (provider, handle) = valid_handle(provider, handle)?;
        self.change_user(who, "adding a handle", move |change, user| {
            let owner: Option<String> = change
                .query_row(
                    "SELECT user_id FROM user_handles WHERE provider = ?1 AND handle = ?2",
                    params![provider, handle],
                    |row| row.get(0),
                )
                .optional()?;
            match owner {
                Some(owner) if owner == user.id => return Ok(()),
                Some(_) => {
                    return invalid(
                        &format!("handle {} of {provider} is another user's", quote(&handle, 80)),
                        "remove it there first",
                    );
                }
                None => {}
            }
            change.execute(
                "INSERT INTO user_handles (provider, handle, user_id) VALUES (?1, ?2, ?3)",
                params![provider, handle, user.id],
            )?;
            let subject_kind = "user_handles";
            let (before, after) = (None, Some(json!({ "provider": provider })));
            let subject_id = user.id.clone();
            change.note(Entry { action: "user.handle.add", subject_kind, subject_id, before, after });
            Ok(())
        })
    }

    /// Forgets what a user is called elsewhere. Needs an admin.
    pub fn remove_handle(&self, who: &str, provider: &str, handle: &str) -> Result<User, StoreError> {
        let (provider, handle) = valid_handle(provider, handle)?;
        self.change_user(who, "removing a handle", move |change, user| {
            let gone = change.execute(
                "DELETE FROM user_handles WHERE provider = ?1 AND handle = ?2 AND user_id = ?3",
                params![provider, handle, user.id],
            )?;
            if gone == 0 {
                let what = format!("user {} has no such handle of {provider}", quote(&user.name, 80));
                return invalid(&what, "look at them with `stratagem user show`");
            }
            let subject_kind = "user_handles";
            let (before, after) = (Some(json!({ "provider": provider })), None);
            let subject_id = user.id.clone();
            change.note(Entry { action: "user.handle.remove", subject_kind, subject_id, before, after });
            Ok(())
        })
    }

    /// Changes a user who is not erased, and returns them as they are then.
    fn change_user(
        &self,
        who: &str,
        what: &'static str,
        work: impl FnOnce(&Change<'_>, &User) -> Result<(), Failure> + Send + 'static,
    ) -> Result<User, StoreError> {
        let id = self.read(|connection| self.known(connection, who))?;
        self.administer(what, move |change| {
            let user = load(change, &id)?;
            if user.status == "erased" {
                return invalid("an erased user cannot be changed", "add a new one");
            }
            work(change, &user)?;
            load(change, &id)
        })
    }

    /// The id of a user by id, or by name where they are not erased.
    pub(crate) fn known(&self, connection: &Connection, who: &str) -> Result<String, Failure> {
        let found = connection
            .query_row(
                "SELECT id FROM user_identities WHERE id = ?1 OR (display_name = ?1 AND status <> 'erased')
                 ORDER BY id = ?1 DESC LIMIT 1",
                [who],
                |row| row.get(0),
            )
            .optional()?;
        found.ok_or_else(|| {
            let what = format!("no user {} in database {}", quote(who, 80), self.path().display());
            let hint = Some("list the users with `stratagem user list`".to_owned());
            StoreError::Invalid { what, hint }.into()
        })
    }
}

pub(crate) fn load(connection: &Connection, id: &str) -> Result<User, Failure> {
    let mut user = connection.query_row(
        "SELECT id, display_name, status, role, created_at, updated_at FROM user_identities WHERE id = ?1",
        [id],
        |row| {
            let role: String = row.get(3)?;
            Ok(User {
                id: row.get(0)?,
                name: row.get(1)?,
                status: row.get(2)?,
                // The table refuses every other.
                role: Role::parse(&role).unwrap_or(Role::Reader),
                handles: Vec::new(),
                created_at: row.get::<_, i64>(4)?.unsigned_abs(),
                updated_at: row.get::<_, i64>(5)?.unsigned_abs(),
            })
        },
    )?;
    user.handles = connection
        .prepare("SELECT provider, handle FROM user_handles WHERE user_id = ?1 ORDER BY provider, handle")?
        .query_map([id], |row| Ok(Handle { provider: row.get(0)?, handle: row.get(1)? }))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(user)
}

fn entry(action: &'static str, id: &str, before: serde_json::Value, after: serde_json::Value) -> Entry {
    let (before, after) = (Some(before), Some(after));
    Entry { action, subject_kind: "user_identities", subject_id: id.to_owned(), before, after }
}

pub(crate) fn invalid<T>(what: &str, hint: &str) -> Result<T, Failure> {
    Err(StoreError::Invalid { what: what.to_owned(), hint: Some(hint.to_owned()) }.into())
}

fn refuse_local(id: &str, what: &str) -> Result<(), Failure> {
    if id == LOCAL_USER {
        return invalid(&format!("the local user {what}"), "it owns the file; add a user of another role");
    }
    Ok(())
}

fn refuse_taken(connection: &Connection, name: &str, by: &str) -> Result<(), Failure> {
    let is_taken: bool = connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM user_identities WHERE display_name = ?1 AND status <> 'erased' AND id <> ?2)",
        [name, by],
        |row| row.get(0),
    )?;
    if is_taken {
        return invalid(&format!("there is a user {} already", quote(name, 80)), "choose another name");
    }
    Ok(())
}

fn valid_name(name: &str) -> Result<String, StoreError> {
    let fault = if name.is_empty() || name.trim() != name {
        "is empty, or begins or ends with a space"
    } else if name.chars().count() > LONGEST_NAME {
        "is longer than 100 characters"
    } else if name.chars().any(char::is_control) {
        "has a control character"
    } else if uuid::Uuid::parse_str(name).is_ok() {
        "looks like an id"
    } else {
        return Ok(name.to_owned());
    };
    let hint = Some("use 1 to 100 characters of a name".to_owned());
    Err(StoreError::Invalid { what: format!("name {} {fault}", quote(name, 80)), hint })
}

fn valid_handle(provider: &str, handle: &str) -> Result<(String, String), StoreError> {
    let is_word =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-_".contains(letter);
    if provider.is_empty() || provider.len() > 32 || !provider.chars().all(is_word) {
        let what = format!("provider {} of a handle", quote(provider, 80));
        let hint = Some("use lower-case letters, digits, '-' and '_', such as `email`".to_owned());
        return Err(StoreError::Invalid { what, hint });
    }
    let is_fit = (1..=LONGEST_HANDLE).contains(&handle.chars().count());
    if !is_fit || handle.trim() != handle || handle.chars().any(char::is_control) {
        let what = format!("handle {} of {provider}", quote(handle, 80));
        let hint = Some("use 1 to 254 characters without control characters".to_owned());
        return Err(StoreError::Invalid { what, hint });
    }
    Ok((provider.to_owned(), handle.to_owned()))
}
