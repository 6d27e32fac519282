use std::path::PathBuf;

use stratagem_domain::{Digest, Refusal, escape};

use crate::{Contract, ManifestError};

/// Why a plugin was not loaded. All but the host's own failures are the plugin's fault.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("{}: {reason}", .path.display())]
    Unreadable { path: PathBuf, reason: String },
    /// A file that a plugin's author must not have packed so.
    #[error("{}: {reason}", .path.display())]
    Unusable { path: PathBuf, reason: String, cause: Refusal },
    #[error("{}: there is no plugin here", .0.display())]
    NoPlugin(PathBuf),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("{}: component has BLAKE3 {found}, plugin.toml says {expected}", .path.display())]
    WrongDigest { path: PathBuf, found: Digest, expected: Digest },
    #[error("plugin {plugin}: component is {bytes} bytes long: limit {limit}")]
    TooLarge { plugin: String, bytes: u64, limit: u64 },
    #[error("plugin {plugin}: this is a core module, not a component")]
    CoreModule { plugin: String },
    #[error("plugin {plugin}: this is not WebAssembly")]
    NotWasm { plugin: String },
    #[error("plugin {plugin}: component is not valid: {}", said(.reason))]
    Invalid { plugin: String, reason: String },
    #[error("plugin {plugin}: {}", said(.reason))]
    WrongWorld { plugin: String, reason: String },
    #[error("plugin {plugin}: describes itself as {said}, plugin.toml says {written}")]
    OtherManifest { plugin: String, said: String, written: String },
    #[error("plugin {plugin} imports `{interface}`, which plugin.toml does not ask for")]
    NotAsked { plugin: String, interface: String },
    #[error("plugin {plugin} asks for `{interface}`, which this host does not back")]
    NotBacked { plugin: String, interface: String, remedy: String },
    #[error("plugin {plugin} imports `{interface}`, which {rule} does not grant")]
    NotGranted { plugin: String, interface: String, rule: String },
    #[error("plugin {plugin}: folder {}: {reason}", .path.display())]
    Folder { plugin: String, path: PathBuf, reason: String },
    #[error("plugin {plugin}: component has BLAKE3 {found}, the policy pins {pinned}")]
    NotPinned { plugin: String, found: Digest, pinned: Digest },
    #[error("plugin {plugin}: signature does not fit: {reason}")]
    BadSignature { plugin: String, reason: String },
    #[error("plugin {plugin} is signed by {found}, the policy demands {wanted}")]
    Unsigned { plugin: String, found: String, wanted: String },
    #[error("plugin {plugin}: `describe` failed: {}", said(.reason))]
    Undescribed { plugin: String, reason: String },
    #[error("plugin {plugin}: component does not compile: {how} ({limits})")]
    NotCompiled { plugin: String, how: String, limits: String },
    #[error("compiled-code cache {}: {reason}", .path.display())]
    Cache { path: PathBuf, reason: String },
    #[error("compiled-code cache {} is not safe to use: {reason}", .path.display())]
    OpenCache { path: PathBuf, reason: String },
    #[error("plugins cannot be isolated here: {0}")]
    NoIsolation(String),
    #[error("sandbox cannot start: {0}")]
    Engine(String),
}

/// A reason in one line. The engine repeats names out of the component as they are, of any length: nothing of them
/// may steer a terminal.
fn said(reason: &str) -> String {
    const MAX: usize = 1_000;
    escape(&reason.lines().map(str::trim).collect::<Vec<_>>().join(", "), MAX)
}

impl LoadError {
    /// Why the plugin is refused, for its record; none where the host or its operator is at fault.
    pub fn refusal(&self) -> Option<Refusal> {
        Some(match self {
            Self::Unusable { cause, .. } => *cause,
            Self::Manifest(_) | Self::OtherManifest { .. } => Refusal::Manifest,
            Self::WrongDigest { .. } | Self::NotPinned { .. } => Refusal::Hash,
            Self::BadSignature { .. } | Self::Unsigned { .. } => Refusal::Signature,
            Self::TooLarge { .. } => Refusal::Size,
            Self::CoreModule { .. } | Self::NotWasm { .. } | Self::Invalid { .. } => Refusal::Invalid,
            Self::WrongWorld { .. } => Refusal::Interface,
            Self::NotAsked { .. } => Refusal::NotAsked,
            Self::NotBacked { .. } | Self::NotGranted { .. } => Refusal::NotGranted,
            Self::Undescribed { .. } => Refusal::Describe,
            Self::NotCompiled { .. } => Refusal::Compile,
            Self::Unreadable { .. }
            | Self::NoPlugin(_)
            | Self::Folder { .. }
            | Self::Cache { .. }
            | Self::OpenCache { .. }
            | Self::NoIsolation(_)
            | Self::Engine(_) => return None,
        })
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable { .. } => Some("check that the file exists and may be read".into()),
            Self::Unusable { .. } => Some("ask its author for a folder of plain files, a manifest of a few lines".into()),
            Self::NoPlugin(_) => {
                Some("a plugin is a folder with plugin.toml and its component, or a component file".into())
            }
            Self::Manifest(error) => error.hint(),
            Self::WrongDigest { .. } => {
                Some("the component changed after it was packed: build it again, or ask its author".into())
            }
            Self::TooLarge { .. } => Some("build with `strip` and without debug information".into()),
            Self::CoreModule { .. } => Some("make a component of it: `stratagem plugin build FOLDER`".into()),
            Self::NotWasm { .. } => {
                Some("name the component file that `stratagem plugin build` wrote".into())
            }
            Self::Invalid { .. } => Some("build it again: `stratagem plugin build FOLDER`".into()),
            Self::WrongWorld { .. } => Some(format!(
                "build it against the world {} in wit/, or update this host",
                Contract::LATEST.world()
            )),
            Self::OtherManifest { .. } => {
                Some("say the same in `describe` and in plugin.toml, and build it again".into())
            }
            Self::NotAsked { interface, .. } => {
                Some(format!("add \"{interface}\" to `capabilities` in plugin.toml"))
            }
            Self::NotBacked { remedy, .. } => Some(remedy.clone()),
            Self::NotGranted { plugin, interface, .. } => {
                let name = plugin.trim_matches('"');
                Some(format!(
                    "if you trust it, add \"{interface}\" to `capabilities` under [policy.plugins.{name}] in stratagem.toml"
                ))
            }
            Self::Folder { .. } => Some("name another place for it under `folders` in stratagem.toml".into()),
            Self::NotPinned { .. } => {
                Some("run the pinned one, or write the new BLAKE3 into the policy once you have looked at it".into())
            }
            Self::BadSignature { .. } => Some(
                "it changed after it was signed: fetch it again, have it signed again, or take the signature away".into(),
            ),
            Self::Unsigned { .. } => Some(
                "have it signed: `stratagem plugin sign`; or name the signer's key under [policy.signers] in stratagem.toml"
                    .into(),
            ),
            Self::Undescribed { .. } => Some("`describe` must return at once, without any input".into()),
            Self::Cache { .. } => {
                Some("set `cache` in stratagem.toml, or --data-dir, to a writable folder".into())
            }
            Self::NotCompiled { .. } => Some(
                "split its largest functions; or raise `wall_ms` or `memory_mb` under [compile] in stratagem.toml".into(),
            ),
            Self::OpenCache { .. } => {
                Some("what lies in it is run: make it your own and chmod it to 700, or name another".into())
            }
            Self::NoIsolation(_) => {
                Some("leave out --isolate and `isolate` in stratagem.toml, or run on Linux with seccomp".into())
            }
            Self::Engine(_) => None,
        }
    }
}
