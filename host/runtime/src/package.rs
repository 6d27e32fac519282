use std::fs;
use std::path::{Path, PathBuf};

use stratagem_domain::{Digest, Refusal, quote};

use crate::{LoadError, Manifest, signature};

/// A plugin as it lies on disk: its component and, unless it is a bare component, its manifest.
#[derive(Clone, Debug)]
pub struct Package {
    pub manifest: Option<Manifest>,
    /// The manifest as it is written: what a signature is of.
    pub manifest_text: Option<String>,
    /// The text of the signature beside the component; none where there is no such file.
    pub signature: Option<String>,
    pub component: Vec<u8>,
    pub digest: Digest,
    pub path: PathBuf,
}

impl Package {
    /// The longest component that is read, in bytes.
    pub const MAX_COMPONENT_BYTES: u64 = 64 << 20;
    pub(crate) const MAX_MANIFEST_BYTES: u64 = 64 << 10;
    const MAX_SIGNATURE_BYTES: u64 = 4 << 10;

    /// Reads a plugin: a folder with `plugin.toml`, the `plugin.toml` itself, or a component file.
    /// A component file whose folder has a `plugin.toml` that names it is read with that manifest.
    ///
    /// *Errors*: the plugin's fault, but for unreadable files.
    pub fn read(path: &Path) -> Result<Self, LoadError> {
        if path.is_dir() {
            return Self::read_manifest(&path.join(Manifest::FILE), path);
        }
        if path.extension().is_some_and(|extension| extension == "toml") {
            return Self::read_manifest(path, path);
        }
        let beside = path.with_file_name(Manifest::FILE);
        if beside.is_file() {
            let text = read_text(&beside, "manifest", Self::MAX_MANIFEST_BYTES, Refusal::Manifest)?;
            let manifest = Manifest::parse(&text, &beside)?;
            if path.file_name().is_some_and(|name| name == manifest.component.as_str()) {
                return Self::read_manifest(&beside, path);
            }
        }
        let package = Self::from_bytes(None, read_component(path)?, path)?;
        Ok(Self { signature: read_signature(path)?, ..package })
    }

    /// Joins what the database keeps of a plugin; `path` is only named in errors.
    pub fn stored(
        manifest_text: Option<String>,
        signature: Option<String>,
        component: Vec<u8>,
        path: &Path,
    ) -> Result<Self, LoadError> {
        let manifest = manifest_text.as_ref().map(|text| Manifest::parse(text, path)).transpose()?;
        Ok(Self { manifest_text, signature, ..Self::from_bytes(manifest, component, path)? })
    }

    /// Where the signature of this package's component lies.
    pub fn signature_file(&self) -> PathBuf {
        signature_file(&self.path)
    }

    /// Joins a component and its manifest, and holds the one to the other's BLAKE3.
    pub fn from_bytes(
        manifest: Option<Manifest>,
        component: Vec<u8>,
        path: &Path,
    ) -> Result<Self, LoadError> {
        let digest = Digest::of(&component);
        if let Some(expected) = manifest.as_ref().and_then(|manifest| manifest.blake3)
            && expected != digest
        {
            return Err(LoadError::WrongDigest { path: path.to_owned(), found: digest, expected });
        }
        let path = path.to_owned();
        Ok(Self { manifest, manifest_text: None, signature: None, component, digest, path })
    }

    fn read_manifest(file: &Path, named: &Path) -> Result<Self, LoadError> {
        if !file.is_file() {
            return Err(LoadError::NoPlugin(named.to_owned()));
        }
        let text = read_text(file, "manifest", Self::MAX_MANIFEST_BYTES, Refusal::Manifest)?;
        let manifest = Manifest::parse(&text, file)?;
        let component = file.with_file_name(&manifest.component);
        let package = Self::from_bytes(Some(manifest), read_component(&component)?, &component)?;
        Ok(Self { manifest_text: Some(text), signature: read_signature(&component)?, ..package })
    }

    /// What messages call the plugin.
    pub fn label(&self) -> String {
        match &self.manifest {
            Some(manifest) => quote(&manifest.name, 64),
            None => quote(&self.path.to_string_lossy(), 200),
        }
    }
}

fn unreadable(path: &Path) -> impl Fn(std::io::Error) -> LoadError {
    let path = path.to_owned();
    move |error| LoadError::Unreadable { path: path.clone(), reason: error.to_string() }
}

fn signature_file(component: &Path) -> PathBuf {
    let name = component.file_name().unwrap_or_default().to_string_lossy();
    component.with_file_name(format!("{name}.{}", signature::EXTENSION))
}

fn read_signature(component: &Path) -> Result<Option<String>, LoadError> {
    let file = signature_file(component);
    // A link that leads nowhere is a signature that cannot be read, not a plugin without one.
    let is_there = fs::symlink_metadata(&file).is_ok();
    is_there
        .then(|| read_text(&file, "signature", Package::MAX_SIGNATURE_BYTES, Refusal::Signature))
        .transpose()
}

/// Reads a small text beside the component, `what` by name. That it is none is its author's fault.
fn read_text(path: &Path, what: &str, limit: u64, cause: Refusal) -> Result<String, LoadError> {
    let unusable = |reason: String| LoadError::Unusable { path: path.to_owned(), reason, cause };
    let length = length(path, what, cause)?;
    if length > limit {
        return Err(unusable(format!("{what} is {length} bytes long: limit {limit}")));
    }
    let bytes = fs::read(path).map_err(unreadable(path))?;
    String::from_utf8(bytes).map_err(|_| unusable(format!("{what} is not UTF-8")))
}

/// The length of a plain file. A device or a pipe, which a link in a plugin's folder may lead to, would be read
/// without end.
fn length(path: &Path, what: &str, cause: Refusal) -> Result<u64, LoadError> {
    let metadata = fs::metadata(path).map_err(unreadable(path))?;
    if metadata.is_file() {
        return Ok(metadata.len());
    }
    Err(LoadError::Unusable { path: path.to_owned(), reason: format!("{what} is not a file"), cause })
}

/// Reads a component after looking at its length, so that a huge file is refused unread.
fn read_component(path: &Path) -> Result<Vec<u8>, LoadError> {
    let bytes = length(path, "component", Refusal::Invalid)?;
    if bytes > Package::MAX_COMPONENT_BYTES {
        let plugin = quote(&path.to_string_lossy(), 200);
        return Err(LoadError::TooLarge { plugin, bytes, limit: Package::MAX_COMPONENT_BYTES });
    }
    fs::read(path).map_err(unreadable(path))
}
