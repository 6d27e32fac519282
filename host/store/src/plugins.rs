use rusqlite::{Connection, OptionalExtension, params};
use stratagem_domain::{Digest, PluginIdentity};

use crate::added::Papers;
use crate::bounds;
use crate::error::Failure;
use crate::open::{new_id, now};
use crate::writer::Change;
use crate::{Store, StoreError};

/// The rows of a plugin that its runs point at.
pub(crate) struct PluginRows {
    pub(crate) plugin_id: String,
    pub(crate) version_id: String,
}

impl Store {
    /// Keeps a plugin and the bytes of its component. The same again changes nothing, except that the
    /// kind, the world and the limits become those of the latest call: runs keep their own.
    ///
    /// *Errors*: [`StoreError::WrongComponent`] where `bytes` do not have the announced digest.
    pub fn keep_component(
        &self,
        plugin: &PluginIdentity,
        world: &str,
        limits_json: &str,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        self.keep_plugin(plugin, world, limits_json, bytes, &Papers::default())
    }

    /// As [`Self::keep_component`], with what lay beside the component: a run with capabilities cannot be replayed
    /// without its manifest. The papers of a plugin that was added stay as they were added.
    pub fn keep_plugin(
        &self,
        plugin: &PluginIdentity,
        world: &str,
        limits_json: &str,
        bytes: &[u8],
        papers: &Papers,
    ) -> Result<(), StoreError> {
        check(plugin, world, limits_json, bytes, papers)?;
        let (plugin, papers, bytes) = (plugin.clone(), papers.clone(), bytes.to_vec());
        let (world, limits_json) = (world.to_owned(), limits_json.to_owned());
        self.write("keeping a plugin", move |connection| {
            let version = keep(connection, &plugin, &world, &limits_json, &bytes)?;
            connection.made("plugin.keep", "plugin_versions", &version);
            connection.execute(
                "UPDATE plugin_versions SET manifest = ?2, signature = ?3
                 WHERE id = ?1 AND added_at IS NULL AND ?2 IS NOT NULL",
                params![version, papers.manifest, papers.signature],
            )?;
            Ok(())
        })
    }

    /// Keeps the name of a plugin that was refused, so that its refusal has a place; its bytes are not kept.
    pub fn keep_refused(&self, plugin: &PluginIdentity) -> Result<(), StoreError> {
        check(plugin, "", "{}", &[], &Papers::default())?;
        let plugin = plugin.clone();
        self.write("keeping a refused plugin", move |connection| {
            connection.execute(
                "INSERT INTO artifacts (digest, bytes, media_type, store, ref, created_at)
                 VALUES (?1, 0, 'application/wasm', 'file', 'refused, so not kept', ?2) ON CONFLICT DO NOTHING",
                params![plugin.digest.to_string(), now()],
            )?;
            let version = version_row(connection, &plugin, "unknown", "{}", "rejected")?;
            connection.made("plugin.refuse", "plugin_versions", &version);
            Ok(())
        })
    }

    /// The bytes of a kept component, held to their digest; none where it was never kept.
    pub fn component(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|connection| {
            let body: Option<Option<Vec<u8>>> = connection
                .query_row("SELECT body FROM artifacts WHERE digest = ?1", [digest.to_string()], |row| {
                    row.get(0)
                })
                .optional()?;
            match body.flatten() {
                Some(bytes) if Digest::of(&bytes) != *digest => {
                    Err(Failure::Row(format!("artifact {} does not have its digest", digest.short())))
                }
                body => Ok(body),
            }
        })
    }
}

/// Refuses what of a plugin is too long, or no JSON.
pub(crate) fn check(
    plugin: &PluginIdentity,
    world: &str,
    limits_json: &str,
    bytes: &[u8],
    papers: &Papers,
) -> Result<(), StoreError> {
    bounds::names(&[
        ("name of a plugin", &plugin.name),
        ("version of a plugin", &plugin.version),
        ("kind of a plugin", &plugin.kind),
        ("world of a plugin", world),
    ])?;
    bounds::json_text("limits of a plugin", limits_json, bounds::JSON_BYTES)?;
    bounds::at_most("component of a plugin", "bytes", bytes.len(), bounds::COMPONENT_BYTES)?;
    let (manifest, signature) = (papers.manifest.as_deref(), papers.signature.as_deref());
    bounds::text("manifest of a plugin", manifest.unwrap_or_default(), bounds::PAPER_BYTES)?;
    bounds::text("signature of a plugin", signature.unwrap_or_default(), bounds::PAPER_BYTES)
}

/// Writes a plugin's rows and returns its version's id.
pub(crate) fn keep(
    connection: &Change<'_>,
    plugin: &PluginIdentity,
    world: &str,
    limits_json: &str,
    bytes: &[u8],
) -> Result<String, Failure> {
    let found = Digest::of(bytes);
    if found != plugin.digest {
        let announced = plugin.digest;
        return Err(StoreError::WrongComponent { plugin: plugin.name.clone(), found, announced }.into());
    }
    connection.execute(
        "INSERT INTO artifacts (digest, bytes, media_type, store, ref, body, created_at)
         VALUES (?1, ?2, 'application/wasm', 'sql', 'body', ?3, ?4)
         ON CONFLICT DO UPDATE SET bytes = excluded.bytes, store = 'sql', ref = 'body', body = excluded.body
         WHERE body IS NULL",
        params![found.to_string(), bytes.len() as i64, bytes, now()],
    )?;
    version_row(connection, plugin, world, limits_json, "validated")
}

fn version_row(
    connection: &Change<'_>,
    plugin: &PluginIdentity,
    world: &str,
    limits_json: &str,
    state: &str,
) -> Result<String, Failure> {
    let plugin_id: String = connection.query_row(
        "INSERT INTO plugins (id, name, family, owner_id, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (name) DO UPDATE SET family = excluded.family RETURNING id",
        params![new_id(), plugin.name, plugin.kind, connection.actor.id, now()],
        |row| row.get(0),
    )?;
    let version_id = connection.query_row(
        "INSERT INTO plugin_versions (id, plugin_id, semver, wasm_digest, wit_world, limits, state, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (plugin_id, wasm_digest, semver) DO UPDATE
         SET wit_world = excluded.wit_world, limits = excluded.limits, state = excluded.state RETURNING id",
        params![new_id(), plugin_id, plugin.version, plugin.digest.to_string(), world, limits_json, state, now()],
        |row| row.get(0),
    )?;
    Ok(version_id)
}

pub(crate) fn find(connection: &Connection, plugin: &PluginIdentity) -> Result<Option<PluginRows>, Failure> {
    let rows = connection
        .prepare_cached(
            "SELECT p.id, v.id FROM plugins p JOIN plugin_versions v ON v.plugin_id = p.id
             WHERE p.name = ?1 AND v.wasm_digest = ?2 AND v.semver = ?3",
        )?
        .query_row(params![plugin.name, plugin.digest.to_string(), plugin.version], |row| {
            Ok(PluginRows { plugin_id: row.get(0)?, version_id: row.get(1)? })
        })
        .optional()?;
    Ok(rows)
}
