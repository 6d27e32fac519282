//! Compiled code, kept by what it was compiled from.

use std::fs;
use std::hash::{Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};

use stratagem_domain::Digest;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::compiler::{CompilerProcess, compile_here};
use crate::{LoadError, Package};

/// A folder of compiled components, owned by the host.
///
/// A file's name is the BLAKE3 of the component and of the engine's version and settings, so that
/// another compiler or another setting never meets it. What an author compiled is never read.
pub struct CodeCache {
    folder: Option<PathBuf>,
    compiler: Option<CompilerProcess>,
    engine: Digest,
}

impl CodeCache {
    pub fn new(folder: Option<PathBuf>, compiler: Option<CompilerProcess>, engine: &Engine) -> Self {
        let mut settings = Collect(Vec::new());
        engine.precompile_compatibility_hash().hash(&mut settings);
        Self { folder, compiler, engine: Digest::of(&settings.0) }
    }

    /// The component's compiled code: from the folder, or compiled now and kept there.
    pub fn component(&self, engine: &Engine, package: &Package) -> Result<Component, LoadError> {
        check_header(package)?;
        let Some(folder) = &self.folder else {
            return load(engine, &self.compile(engine, package)?, package);
        };
        // Of an error its kind only: its text would name the draft, which is nobody's business.
        let fail = |error: std::io::Error| LoadError::Cache {
            path: folder.clone(),
            reason: error.kind().to_string(),
        };
        make_private(folder).map_err(fail)?;
        check_private(folder)?;
        let key = Digest::of_parts([package.digest.as_bytes(), self.engine.as_bytes()]);
        let file = folder.join(format!("{key}.{EXTENSION}"));
        if let Some(code) = read_whole(&file)
            && let Ok(component) = load(engine, &code, package)
        {
            return Ok(component);
        }
        let code = self.compile(engine, package)?;
        keep(&code, folder, &file).map_err(fail)?;
        load(engine, &code, package)
    }

    fn compile(&self, engine: &Engine, package: &Package) -> Result<Vec<u8>, LoadError> {
        match &self.compiler {
            Some(compiler) => compiler.compile(package),
            None => compile_here(engine, package),
        }
    }
}

fn load(engine: &Engine, code: &[u8], package: &Package) -> Result<Component, LoadError> {
    deserialize(engine, code)
        .map_err(|error| LoadError::Invalid { plugin: package.label(), reason: format!("{error:#}") })
}

/// Maps code into the process. Code of another engine is an error; any other code would run.
// SAFETY: the bytes come from a compiler of this program: just now, or through a file that `keep` wrote into
// the host's own folder, whose BLAKE3 fits, and whose name carries the digest of component and engine. A worker
// has them from its host.
#[allow(unsafe_code)]
pub fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    unsafe { Component::deserialize(engine, code) }
}

/// The same code on an engine that differs in nothing that the code depends on.
// SAFETY: the bytes are those of a component that this process runs already.
#[allow(unsafe_code)]
pub fn again(component: &Component, engine: &Engine) -> wasmtime::Result<Component> {
    unsafe { Component::deserialize(engine, component.serialize()?) }
}

const EXTENSION: &str = "cwasm";
/// The bytes of a digest, which stand behind the code in its file.
const SEAL_BYTES: usize = 32;

/// Writes the file under another name first, so that a reader meets all of it or nothing, and seals it, so
/// that one which a failing disk changed, or which was moved from another name, is compiled again and not run.
fn keep(code: &[u8], folder: &Path, file: &Path) -> std::io::Result<()> {
    let mut draft = tempfile::NamedTempFile::new_in(folder)?;
    draft.write_all(code)?;
    draft.write_all(seal(code, file).as_bytes())?;
    draft.as_file().sync_all()?;
    draft.persist(file).map_err(|error| error.error)?;
    Ok(())
}

/// The code in a file whose seal fits; none where there is no such file.
fn read_whole(file: &Path) -> Option<Vec<u8>> {
    let mut code = fs::read(file).ok()?;
    let found = code.split_off(code.len().checked_sub(SEAL_BYTES)?);
    (seal(&code, file).as_bytes() == found).then_some(code)
}

fn seal(code: &[u8], file: &Path) -> Digest {
    Digest::of_parts([file.file_name().unwrap_or_default().as_encoded_bytes(), code])
}

/// Makes the folder, for its owner alone.
fn make_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Closes the folder to others, who could put code there that would be run; refuses one that is not ours.
#[cfg(unix)]
fn check_private(folder: &Path) -> Result<(), LoadError> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let not_ours = |reason: String| LoadError::OpenCache { path: folder.to_owned(), reason };
    let metadata = fs::metadata(folder).map_err(|error| not_ours(error.to_string()))?;
    let (owner, user) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if owner != user {
        return Err(not_ours(format!("belongs to user {owner}, this is user {user}")));
    }
    if metadata.mode() & 0o022 == 0 {
        return Ok(());
    }
    // What lies in it may be anybody's: it goes, and is compiled again.
    let mend = || -> std::io::Result<()> {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|end| end == EXTENSION) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    };
    mend().map_err(|error| not_ours(format!("others may write it: {error}")))
}

#[cfg(not(unix))]
fn check_private(_: &Path) -> Result<(), LoadError> {
    Ok(())
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
