//! Compiled code, kept by what it was compiled from.

use std::fs;
use std::hash::{Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};

use stratagem_domain::Digest;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::{LoadError, Package};

/// A folder of compiled components, owned by the host.
///
/// A file's name is the BLAKE3 of the component and of the engine's version and settings, so that
/// another compiler or another setting never meets it. What an author compiled is never read.
pub struct CodeCache {
    folder: Option<PathBuf>,
    engine: Digest,
}

impl CodeCache {
    pub fn new(folder: Option<PathBuf>, engine: &Engine) -> Self {
        let mut settings = Collect(Vec::new());
        engine.precompile_compatibility_hash().hash(&mut settings);
        Self { folder, engine: Digest::of(&settings.0) }
    }

    /// The component's compiled code: from the folder, or compiled now and kept there.
    pub fn component(&self, engine: &Engine, package: &Package) -> Result<Component, LoadError> {
        check_header(package)?;
        let Some(folder) = &self.folder else { return compile(engine, package)?.load(engine, package) };
        let key = Digest::of_parts([package.digest.as_bytes(), self.engine.as_bytes()]);
        let file = folder.join(format!("{key}.cwasm"));
        if file.is_file()
            && let Ok(component) = load_file(engine, &file)
        {
            return Ok(component);
        }
        let compiled = compile(engine, package)?;
        // Of the error its kind only: its text would name the draft, which is nobody's business.
        let fail = |error: std::io::Error| LoadError::Cache {
            path: folder.clone(),
            reason: error.kind().to_string(),
        };
        compiled.keep(folder, &file).map_err(fail)?;
        compiled.load(engine, package)
    }
}

struct Compiled(Vec<u8>);

/// Compiles a component; the bytes are untrusted, the size is capped where they were read.
fn compile(engine: &Engine, package: &Package) -> Result<Compiled, LoadError> {
    let invalid =
        |error: wasmtime::Error| LoadError::Invalid { plugin: package.label(), reason: format!("{error:#}") };
    engine.precompile_component(&package.component).map(Compiled).map_err(invalid)
}

impl Compiled {
    // SAFETY: the bytes come from `precompile_component` of this engine, a line above.
    #[allow(unsafe_code)]
    fn load(&self, engine: &Engine, package: &Package) -> Result<Component, LoadError> {
        unsafe { Component::deserialize(engine, &self.0) }
            .map_err(|error| LoadError::Invalid { plugin: package.label(), reason: format!("{error:#}") })
    }

    /// Writes the file under another name first, so that a reader meets all of it or nothing.
    fn keep(&self, folder: &Path, file: &Path) -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut draft = tempfile::NamedTempFile::new_in(folder)?;
        draft.write_all(&self.0)?;
        draft.persist(file).map_err(|error| error.error)?;
        Ok(())
    }
}

/// Maps compiled code into the process. A file of another engine, or a damaged header, is an error.
// SAFETY: `deserialize_file` runs what it reads. The folder is the host's own, its name carries the digest
// of component and engine, and files come into it only through `Compiled::keep`.
#[allow(unsafe_code)]
fn load_file(engine: &Engine, file: &Path) -> wasmtime::Result<Component> {
    unsafe { Component::deserialize_file(engine, file) }
}

/// Tells a core module and plain garbage from a component by the eight bytes that every binary starts with.
fn check_header(package: &Package) -> Result<(), LoadError> {
    let plugin = package.label();
    match package.component.get(..8) {
        Some([0, b'a', b's', b'm', _, _, 1, 0]) => Ok(()),
        Some([0, b'a', b's', b'm', _, _, 0, 0]) => Err(LoadError::CoreModule { plugin }),
        _ => Err(LoadError::NotWasm { plugin }),
    }
}

/// Collects what is hashed, so that BLAKE3 digests it instead of a 64-bit hash.
struct Collect(Vec<u8>);

impl Hasher for Collect {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}
