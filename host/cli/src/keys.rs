//! `plugin keygen`, `plugin sign`, `plugin verify` and `plugin add`.

use std::fs;
use std::io::{IsTerminal, Write};
use std::path::Path;

use serde::Serialize;
use stratagem_domain::{Digest, Trust, quote};
use stratagem_runtime::{Package, PublicKey, SecretKey, Signed};
use stratagem_store::{AddedPlugin, Addition, Papers};

use crate::failure::Failure;
use crate::output::{outln, print_json, replace};
use crate::workbench::Workbench;

/// Where a password is taken from when nobody is there to type it.
const PASSWORD: &str = "STRATAGEM_KEY_PASSWORD";

/// Makes a pair of keys and says how an operator names it.
pub fn keygen(out: &Path, no_password: bool) -> Result<(), Failure> {
    let public_file = out.with_extension("pub");
    for file in [out, &public_file] {
        if file.exists() {
            return Err(Failure::misuse(format!("{} is there already", file.display()))
                .hint("a key that is lost is lost: name another file with --out"));
        }
    }
    let password = if no_password { String::new() } else { new_password()? };
    let (secret, public) = SecretKey::generate(&password).map_err(Failure::new)?;
    write_secret(out, &secret).map_err(|error| Failure::file(out, &error))?;
    replace(&public_file, public.to_file().as_bytes())
        .map_err(|error| Failure::file(&public_file, &error))?;
    outln!("secret key in {}: keep it to yourself", out.display());
    outln!("public key in {}, for operators:", public_file.display());
    outln!("\n[policy.signers.NAME]\nkey = \"{public}\"");
    Ok(())
}

/// Writes `component.wasm.minisig` beside the component.
pub fn sign(path: &Path, key: &Path) -> Result<(), Failure> {
    let package = Package::read(path)?;
    let text = fs::read_to_string(key).map_err(|error| {
        Failure::misuse(format!("{}: {error}", key.display()))
            .hint("name a secret key of `stratagem plugin keygen` or `minisign -G`")
    })?;
    let password =
        if SecretKey::needs_password(&text) { password("password of the key: ")? } else { String::new() };
    let unusable = |reason: String| Failure::misuse(format!("{}: {reason}", key.display()));
    let secret = SecretKey::open(&text, &password)
        .map_err(|reason| unusable(reason).hint("a secret key is opened by its own password"))?;
    let signature = secret.sign(&package).map_err(Failure::new)?;
    let file = package.signature_file();
    replace(&file, signature.as_bytes()).map_err(|error| Failure::file(&file, &error))?;
    let key = secret.public().map_err(unusable)?;
    outln!(
        "{} blake3 {} signed by key {} -> {}",
        package.label(),
        package.digest.short(),
        key.id(),
        file.display()
    );
    Ok(())
}

/// What `plugin verify` found.
#[derive(Serialize)]
struct Verified {
    plugin: String,
    digest: Digest,
    signed: Signed,
}

/// Says whose a plugin is: by the key that is named, else by the signers of the policy.
pub fn verify(bench: &Workbench, path: &Path, key: Option<&str>, json: bool) -> Result<(), Failure> {
    let package = Package::read(path)?;
    let signed = match key {
        Some(key) => {
            let key = public_key(key)?;
            Signed::check(&package, [("the key", &key)])?
        }
        None => bench.config.policy.signed(&package)?,
    };
    let plugin = package.manifest.as_ref().map_or_else(|| package.label(), |manifest| manifest.name.clone());
    let verified = Verified { plugin, digest: package.digest, signed };
    if json {
        print_json(&verified)?;
    } else {
        outln!("{} blake3 {}: signed by {}", package.label(), verified.digest.short(), verified.signed);
    }
    match verified.signed {
        Signed::By { .. } => Ok(()),
        Signed::Unsigned => Err(Failure::new(format!("{} is not signed", package.label()))
            .hint("sign it: `stratagem plugin sign FILE --key KEY`")),
        Signed::Unknown { key: found } => Err(Failure::new(format!(
            "{} is signed by key {found}, which nobody vouches for",
            package.label()
        ))
        .hint("name the signer's key with --key, or under [policy.signers] in stratagem.toml")),
    }
}

/// What `plugin add` did.
#[derive(Serialize)]
struct Entry {
    state: Addition,
    name: String,
    version: String,
    kind: String,
    digest: Digest,
    trust: Trust,
    signer: Option<String>,
}

/// Keeps a plugin in the database, once it loads under the policy.
pub fn add(bench: &Workbench, path: &Path, json: bool) -> Result<(), Failure> {
    let package = Package::read(path)?;
    let strategy = bench.load(&bench.sandbox(1)?, &package)?;
    let identity = strategy.identity().clone();
    let limits = serde_json::to_string(&strategy.limits).map_err(Failure::new)?;
    let papers = Papers { manifest: package.manifest_text.clone(), signature: package.signature.clone() };
    let (trust, signer) = (strategy.granted.trust, strategy.granted.signer.clone());
    let plugin = AddedPlugin { identity, papers, trust, signer, added_at: 0 };
    let store = bench.store()?;
    let state = store.add_plugin(&plugin, &strategy.contract.world(), &limits, &package.component)?;
    let AddedPlugin { identity, trust, signer, .. } = plugin;
    let (name, version, kind, digest) = (identity.name, identity.version, identity.kind, identity.digest);
    let entry = Entry { state, name, version, kind, digest, trust, signer };
    if json {
        return print_json(&entry);
    }
    let word = match entry.state {
        Addition::Added => "added",
        Addition::Changed => "changed",
        Addition::Unchanged => "was there already",
    };
    let signer = entry.signer.as_deref().map_or_else(String::new, |signer| format!(", signed by {signer}"));
    outln!(
        "{} {} blake3 {} {word}: {}{signer}",
        entry.name,
        entry.version,
        entry.digest.short(),
        entry.trust.as_str()
    );
    outln!("run it with --strategy {} or --strategy {}@{}", entry.name, entry.name, entry.digest.short());
    Ok(())
}

/// A key as text, or the file that holds one.
fn public_key(key: &str) -> Result<PublicKey, Failure> {
    let is_file = Path::new(key).is_file();
    let text = if is_file { fs::read_to_string(key).unwrap_or_default() } else { key.to_owned() };
    PublicKey::parse(&text).map_err(|reason| {
        Failure::misuse(format!("{}: {reason}", quote(key, 200)))
            .hint("name the key, or the file that it lies in")
    })
}

fn password(prompt: &str) -> Result<String, Failure> {
    if let Ok(password) = std::env::var(PASSWORD) {
        return Ok(password);
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::misuse("the key needs a password, and there is no terminal to ask at")
            .hint(format!("put it into {PASSWORD}")));
    }
    rpassword::prompt_password(prompt).map_err(|error| Failure::new(format!("password: {error}")))
}

fn new_password() -> Result<String, Failure> {
    let first = password("password of the new key: ")?;
    if first.is_empty() {
        return Err(Failure::misuse("the password is empty").hint("--no-password makes a key without one"));
    }
    if std::env::var_os(PASSWORD).is_none() && password("once more: ")? != first {
        return Err(Failure::misuse("the passwords differ").hint("try again"));
    }
    Ok(first)
}

/// Writes a secret key that nobody else may read, and never over another file.
fn write_secret(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
