//! Who is at the store's door, and what they may do.

use std::fmt;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::error::Failure;
use crate::open::LOCAL_USER;

/// What a user may do: a runner all that a reader may, an admin everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads, and writes nothing.
    Reader,
    /// Imports tasks, runs strategies, keeps what they leave.
    Runner,
    /// Changes what others are held to: documents that are active, budgets, users, retention, the schema.
    Admin,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Reader, Self::Runner, Self::Admin];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Runner => "runner",
            Self::Admin => "admin",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A user at the door. Every change is written down under their id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Actor {
    /// Of `user_identities`.
    pub id: String,
    pub name: String,
    pub role: Role,
}

impl Actor {
    /// The user of an id or name, with their role, lowered to `at_most`; the local user where none is named.
    ///
    /// *Errors*: [`StoreError::UnknownUser`], also for one that is disabled or erased.
    pub(crate) fn find(
        connection: &Connection,
        path: &Path,
        user: Option<&str>,
        at_most: Option<Role>,
    ) -> Result<Self, Failure> {
        let user = user.unwrap_or(LOCAL_USER);
        let found: Option<(String, String, String)> = connection
            .query_row(
                "SELECT id, display_name, role FROM user_identities
                 WHERE (id = ?1 OR display_name = ?1) AND status = 'active' ORDER BY id = ?1 DESC, id LIMIT 1",
                [user],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .optional()?;
        let Some((id, name, role)) = found else {
            return Err(StoreError::UnknownUser { path: path.to_owned(), user: user.to_owned() }.into());
        };
        let role = Role::parse(&role).ok_or_else(|| Failure::Row(format!("role {role:?}")))?;
        Ok(Self { id, name, role: at_most.map_or(role, |most| role.min(most)) })
    }
}

#[cfg(test)]
mod tests {
    use crate::Store;

    /// Whatever a role lets through, what reads cannot write.
    #[test]
    fn the_connections_that_read_refuse_to_write() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("runs.db")).unwrap();
        for sql in [
            "INSERT INTO audit_anchor (one, seq, hash) VALUES (2, 0, '')",
            "UPDATE user_identities SET role = 'admin'",
            "DELETE FROM retention_policies",
            "DROP TABLE runs",
            "CREATE TABLE mine (x)",
        ] {
            let error = store.read(|connection| Ok(connection.execute(sql, [])?)).unwrap_err();
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            let told = format!("{error} {}", cause.unwrap_or_default());
            assert!(told.contains("read-only") || told.contains("readonly"), "{sql}: {told}");
        }
        assert_eq!(store.retention().unwrap().iter().filter(|line| line.action.is_some()).count(), 4);
    }
}
