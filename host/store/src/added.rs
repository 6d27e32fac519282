//! Plugins that were added: found by name without a folder, as they were when they were added.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde_json::json;
use stratagem_domain::{Digest, PluginIdentity, Trust};

use crate::audit::Entry;
use crate::bounds;
use crate::error::Failure;
use crate::open::now;
use crate::plugins::{check, keep};
use crate::rows::parse_digest;
use crate::{Store, StoreError};

/// What lies beside a component, as it is written there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Papers {
    pub manifest: Option<String>,
    pub signature: Option<String>,
}

/// A plugin that was added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedPlugin {
    pub identity: PluginIdentity,
    pub papers: Papers,
    /// As it was decided when the plugin was added.
    pub trust: Trust,
    pub signer: Option<String>,
    /// Milliseconds since 1970, UTC.
    pub added_at: u64,
}

/// What adding a plugin changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Addition {
    Added,
    /// The component was there with another manifest, signature, signer or trust.
    Changed,
    Unchanged,
}

impl Store {
    /// Adds a plugin, whole or not at all. The same again changes nothing.
    ///
    /// *Errors*: [`StoreError::WrongComponent`] where `bytes` do not have the announced digest.
    pub fn add_plugin(
        &self,
        plugin: &AddedPlugin,
        world: &str,
        limits_json: &str,
        bytes: &[u8],
    ) -> Result<Addition, StoreError> {
        check(&plugin.identity, world, limits_json, bytes, &plugin.papers)?;
        bounds::names(&[("signer of a plugin", plugin.signer.as_deref().unwrap_or_default())])?;
        let (plugin, world, limits_json, bytes) =
            (plugin.clone(), world.to_owned(), limits_json.to_owned(), bytes.to_vec());
        self.write("adding a plugin", move |connection| {
            let AddedPlugin { identity, papers, trust, signer, .. } = &plugin;
            let there = find(connection, identity)?;
            let is_same = |there: &AddedPlugin| AddedPlugin { added_at: there.added_at, ..plugin.clone() } == *there;
            if there.as_ref().is_some_and(is_same) {
                return Ok(Addition::Unchanged);
            }
            let version = keep(connection, identity, &world, &limits_json, &bytes)?;
            connection.execute(
                "UPDATE plugin_versions SET manifest = ?2, signature = ?3, signer = ?4, added_at = ?5 WHERE id = ?1",
                params![version, papers.manifest, papers.signature, signer, now()],
            )?;
            let digest = json!({ "component": identity.digest, "trust": trust.as_str() });
            connection.note(Entry {
                action: "plugin.add",
                subject_kind: "plugin_versions",
                subject_id: version,
                before: there.as_ref().map(|there| json!({ "trust": there.trust.as_str() })),
                after: Some(digest),
            });
            connection.execute(
                "UPDATE plugins SET trust = ?2 WHERE name = ?1",
                params![identity.name, trust.as_str()],
            )?;
            Ok(if there.is_some() { Addition::Changed } else { Addition::Added })
        })
    }

    /// Every plugin that was added, by name, the latest of a name first.
    pub fn added_plugins(&self) -> Result<Vec<AddedPlugin>, StoreError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(&format!(
                "{SELECT} WHERE v.added_at IS NOT NULL ORDER BY p.name, v.added_at DESC, v.id DESC"
            ))?;
            let mut rows = select.query([])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(plugin(row)?);
            }
            Ok(found)
        })
    }

    /// What lay beside a component when it was last added or run.
    pub fn papers(&self, plugin: &PluginIdentity) -> Result<Papers, StoreError> {
        self.read(|connection| {
            let papers = connection
                .prepare_cached(
                    "SELECT v.manifest, v.signature FROM plugin_versions v JOIN plugins p ON p.id = v.plugin_id
                     WHERE p.name = ?1 AND v.wasm_digest = ?2 AND v.semver = ?3",
                )?
                .query_row(params![plugin.name, plugin.digest.to_string(), plugin.version], |row| {
                    Ok(Papers { manifest: row.get(0)?, signature: row.get(1)? })
                })
                .optional()?;
            Ok(papers.unwrap_or_default())
        })
    }
}

const SELECT: &str = "
    SELECT p.name, v.semver, p.family, v.wasm_digest, v.manifest, v.signature, p.trust, v.signer, v.added_at
    FROM plugins p JOIN plugin_versions v ON v.plugin_id = p.id";

fn find(connection: &Connection, identity: &PluginIdentity) -> Result<Option<AddedPlugin>, Failure> {
    let mut select = connection.prepare_cached(&format!(
        "{SELECT} WHERE v.added_at IS NOT NULL AND p.name = ?1 AND v.wasm_digest = ?2 AND v.semver = ?3"
    ))?;
    let mut rows = select.query(params![identity.name, identity.digest.to_string(), identity.version])?;
    rows.next()?.map(plugin).transpose()
}

fn plugin(row: &Row<'_>) -> Result<AddedPlugin, Failure> {
    let digest: Digest = parse_digest(&row.get::<_, String>(3)?)?;
    let trust: String = row.get(6)?;
    Ok(AddedPlugin {
        identity: PluginIdentity { name: row.get(0)?, version: row.get(1)?, kind: row.get(2)?, digest },
        papers: Papers { manifest: row.get(4)?, signature: row.get(5)? },
        trust: Trust::parse(&trust).ok_or_else(|| Failure::Row(format!("trust {trust:?}")))?,
        signer: row.get(7)?,
        added_at: row.get::<_, i64>(8)? as u64,
    })
}
