//! What can be done to compiled code between two loads, and what must come of it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use stratagem_domain::Digest;
use stratagem_runtime::{Package, Sandbox, Tuning};

use crate::stage::{Grounds, config, text_of};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tampering {
    OfNoise,
    CutShort,
    WithABrokenSeal,
    OfAnotherPlugin,
    OfAnotherEngine,
    OpenToOthers,
    OfALink,
}

/// What stands behind the code in a file of the cache.
const SEAL_BYTES: usize = 32;

impl Tampering {
    pub const ALL: [Self; 7] = [
        Self::OfNoise,
        Self::CutShort,
        Self::WithABrokenSeal,
        Self::OfAnotherPlugin,
        Self::OfAnotherEngine,
        Self::OpenToOthers,
        Self::OfALink,
    ];

    /// Has `package` compiled into `cache`, and does its worst to the file.
    pub fn prepare(self, grounds: &Grounds, cache: &Path, package: &Package) -> Result<Prepared, String> {
        let sandbox = |cache: &Path, tuning| {
            let config = config(1, cache, tuning, None);
            Sandbox::new(&config).map_err(text_of)
        };
        sandbox(cache, Tuning::Tuned)?.load(package).map_err(text_of)?;
        let file = only_file(cache)?;
        let good = fs::read(&file).map_err(text_of)?;
        let elsewhere = cache.with_extension("elsewhere");
        // A forgery with a seal of its own: code that never returns, or that no limit holds.
        let forged = |tuning| -> Result<Vec<u8>, String> {
            let other = grounds.package("burn-fuel")?;
            let other = if tuning == Tuning::Tuned { &other } else { package };
            sandbox(&elsewhere, tuning)?.load(other).map_err(text_of)?;
            fs::read(only_file(&elsewhere)?).map_err(text_of)
        };
        let put = |bytes: &[u8]| fs::write(&file, bytes).map_err(text_of);
        match self {
            Self::OfNoise => put(&[0x5a; 4_096])?,
            Self::CutShort => put(&good[..good.len() / 2])?,
            Self::WithABrokenSeal => {
                let mut turned = good.clone();
                let middle = turned.len() / 2;
                turned[middle] ^= 1;
                put(&turned)?;
            }
            Self::OfAnotherPlugin => put(&forged(Tuning::Tuned)?)?,
            Self::OfAnotherEngine => put(&seal(&file, &forged(Tuning::Unlimited)?))?,
            Self::OpenToOthers => {
                put(&seal(&file, &forged(Tuning::Tuned)?))?;
                fs::set_permissions(cache, fs::Permissions::from_mode(0o777)).map_err(text_of)?;
            }
            Self::OfALink => {
                fs::create_dir_all(&elsewhere).map_err(text_of)?;
                fs::write(elsewhere.join("code"), b"nothing of ours").map_err(text_of)?;
                fs::remove_file(&file).map_err(text_of)?;
                symlink(elsewhere.join("code"), &file).map_err(text_of)?;
            }
        }
        let bad = fs::read(&file).map_err(text_of)?;
        Ok(Prepared { tampering: self, file, length: good.len(), bad, elsewhere })
    }
}

/// A cache that was tampered with, and what it must be once the plugin was loaded from it.
pub struct Prepared {
    tampering: Tampering,
    file: PathBuf,
    /// Of the file as the host wrote it. Its bytes are not the same twice: the compiler works in parallel.
    length: usize,
    bad: Vec<u8>,
    elsewhere: PathBuf,
}

impl Prepared {
    /// Says what is wrong with the cache after the load.
    pub fn check(&self) -> Result<(), String> {
        let code = fs::read(&self.file).map_err(|error| format!("the cache's file: {error}"))?;
        if code == self.bad || code.len() != self.length || code != seal(&self.file, &code) {
            return Err("the cache's file is not what the component compiles to".into());
        }
        let metadata = fs::symlink_metadata(&self.file).map_err(text_of)?;
        if !metadata.is_file() {
            return Err("the cache's file is still a link".into());
        }
        if self.tampering == Tampering::OfALink
            && fs::read(self.elsewhere.join("code")).map_err(text_of)? != b"nothing of ours"
        {
            return Err("the file behind the link was written".into());
        }
        let folder = self.file.parent().unwrap_or(&self.file);
        let mode = fs::metadata(folder).map_err(text_of)?.permissions().mode() & 0o777;
        if mode == 0o700 {
            Ok(())
        } else {
            Err(format!("the cache's mode is {mode:o}: only its owner may use it"))
        }
    }
}

fn only_file(cache: &Path) -> Result<PathBuf, String> {
    let mut files = fs::read_dir(cache).map_err(text_of)?.flatten().map(|entry| entry.path());
    match (files.next(), files.next()) {
        (Some(file), None) => Ok(file),
        _ => Err(format!("{}: one compiled component was to be there", cache.display())),
    }
}

/// Gives another file's code the seal that the cache would have given it under this name.
fn seal(file: &Path, sealed: &[u8]) -> Vec<u8> {
    let code = &sealed[..sealed.len() - SEAL_BYTES];
    let name = file.file_name().unwrap_or_default().as_encoded_bytes();
    let seal = Digest::of_parts([name, code]);
    [code, seal.as_bytes()].concat()
}
