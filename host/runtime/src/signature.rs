//! Whose a plugin is: signatures in minisign's format, beside the component.
//!
//! What is signed is the component; name, version and manifest stand in the trusted comment, which the key signs
//! too. docs/decisions/0007-signatures.md says why.

use std::fmt;
use std::io::Cursor;

use minisign::{KeyPair, PublicKeyBox, SecretKeyBox, SignatureBox};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use stratagem_domain::{Digest, quote};

use crate::{LoadError, Package};

/// The end of a signature's file name: `component.wasm.minisig`.
pub const EXTENSION: &str = "minisig";

/// A signer's public key, written as minisign writes it: `RW…`.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(minisign::PublicKey);

/// A signer's secret key, ready to sign.
pub struct SecretKey(minisign::SecretKey);

/// Whose signature a package carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Signed {
    Unsigned,
    /// By a key that nobody named: as good as none.
    Unknown {
        key: String,
    },
    By {
        signer: String,
        key: String,
    },
}

impl PublicKey {
    /// Reads a key: `RW…`, or the file that holds it with its comment line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let key = minisign::PublicKey::from_base64(text.trim())
            .or_else(|_| PublicKeyBox::from_string(text).and_then(PublicKeyBox::into_public_key));
        key.map(Self).map_err(|_| "a public key has 56 letters and begins with RW".to_owned())
    }

    /// What people tell keys apart by.
    pub fn id(&self) -> String {
        key_id(self.0.keynum())
    }

    /// The file that minisign keeps a public key in.
    pub fn to_file(&self) -> String {
        format!("untrusted comment: stratagem public key {}\n{self}\n", self.id())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.to_base64())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PublicKey({self})")
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl SecretKey {
    /// Makes a pair. An empty password leaves the secret key in plain text.
    ///
    /// Returns the secret key's file and the public key.
    pub fn generate(password: &str) -> Result<(String, PublicKey), String> {
        let words = |error: minisign::PError| error.to_string();
        let pair = if password.is_empty() {
            KeyPair::generate_unencrypted_keypair()
        } else {
            KeyPair::generate_encrypted_keypair(Some(password.to_owned()))
        };
        let pair = pair.map_err(words)?;
        let file = pair.sk.to_box(Some("stratagem secret key")).map_err(words)?;
        Ok((file.into_string(), PublicKey(pair.pk)))
    }

    /// True where the key's file needs a password.
    pub fn needs_password(file: &str) -> bool {
        let plain = SecretKeyBox::from_string(file).and_then(SecretKeyBox::into_unencrypted_secret_key);
        plain.is_err_and(|error| error.to_string().contains("encrypted"))
    }

    /// Opens a secret key's file; `password` is not looked at where the file needs none.
    pub fn open(file: &str, password: &str) -> Result<Self, String> {
        let boxed = SecretKeyBox::from_string(file).map_err(|error| error.to_string())?;
        let key = if Self::needs_password(file) {
            boxed.into_secret_key(Some(password.to_owned()))
        } else {
            boxed.into_unencrypted_secret_key()
        };
        key.map(Self).map_err(|error| error.to_string())
    }

    pub fn public(&self) -> Result<PublicKey, String> {
        minisign::PublicKey::from_secret_key(&self.0).map(PublicKey).map_err(|error| error.to_string())
    }

    /// Signs a package: the text of its signature's file.
    pub fn sign(&self, package: &Package) -> Result<String, String> {
        let component = Cursor::new(&package.component);
        let comment = "signature of a stratagem plugin";
        minisign::sign(None, &self.0, component, Some(&statement(package)), Some(comment))
            .map(SignatureBox::into_string)
            .map_err(|error| error.to_string())
    }
}

impl Signed {
    /// Checks a package's signature against the keys of known signers.
    ///
    /// *Errors*: the plugin's fault: a signature that is there must fit, whoever made it.
    pub fn check<'a>(
        package: &Package,
        signers: impl IntoIterator<Item = (&'a str, &'a PublicKey)>,
    ) -> Result<Self, LoadError> {
        let Some(text) = &package.signature else { return Ok(Self::Unsigned) };
        let wrong = |reason: String| LoadError::BadSignature { plugin: package.label(), reason };
        let read = SignatureBox::from_string(text);
        let signature = read.map_err(|_| wrong("it is not in minisign's format".into()))?;
        let key = key_id(signature.keynum());
        let found = signers.into_iter().find(|(_, signer)| signer.0.keynum() == signature.keynum());
        if let Some((name, signer)) = found {
            let component = Cursor::new(&package.component);
            minisign::verify(&signer.0, &signature, component, true, false, false)
                .map_err(|_| wrong(format!("it is not {}'s signature of this component", quote(name, 64))))?;
        }
        let said = signature.trusted_comment().unwrap_or_default();
        let expected = statement(package);
        if said != expected {
            let (said, expected) = (quote(&said, 300), quote(&expected, 300));
            return Err(wrong(format!("it is of {said}, this is {expected}")));
        }
        Ok(match found {
            Some((name, _)) => Self::By { signer: name.to_owned(), key },
            None => Self::Unknown { key },
        })
    }

    pub fn signer(&self) -> Option<&str> {
        match self {
            Self::By { signer, .. } => Some(signer),
            _ => None,
        }
    }
}

impl fmt::Display for Signed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned => out.write_str("nobody"),
            Self::Unknown { key } => write!(out, "unknown key {key}"),
            Self::By { signer, key } => write!(out, "{signer} (key {key})"),
        }
    }
}

/// What a signature says of a package: one line, so that a signature of one plugin is none of another, nor of the
/// same component under another manifest.
fn statement(package: &Package) -> String {
    let (name, version) = match &package.manifest {
        Some(manifest) => (manifest.name.as_str(), manifest.version.to_string()),
        None => ("-", "-".to_owned()),
    };
    let manifest = package.manifest_digest().map_or_else(|| "-".to_owned(), |digest| digest.to_string());
    format!("stratagem plugin {name} {version} component {} manifest {manifest}", package.digest)
}

fn key_id(number: &[u8]) -> String {
    let number = number.try_into().map_or(0, u64::from_le_bytes);
    format!("{number:016X}")
}

impl Package {
    /// Of the manifest's bytes as they are written; none of a bare component.
    pub fn manifest_digest(&self) -> Option<Digest> {
        self.manifest_text.as_ref().map(|text| Digest::of(text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::Manifest;

    const MANIFEST: &str = "name = \"mirror\"\nversion = \"1.0.0\"\nkind = \"search\"\n";

    fn package(manifest: &str, component: &[u8]) -> Package {
        let parsed = Manifest::parse(manifest, &PathBuf::from("plugin.toml")).unwrap();
        let mut package = Package::from_bytes(Some(parsed), component.to_vec(), &PathBuf::from("p")).unwrap();
        package.manifest_text = Some(manifest.to_owned());
        package
    }

    fn keys() -> (SecretKey, PublicKey) {
        let (file, public) = SecretKey::generate("").unwrap();
        (SecretKey::open(&file, "").unwrap(), public)
    }

    #[test]
    fn a_signature_is_of_one_component_under_one_manifest() {
        let (secret, public) = keys();
        let good = package(MANIFEST, b"component");
        let signature = secret.sign(&good).unwrap();
        let check = |package: Package, known: &[(&str, &PublicKey)]| {
            let package = Package { signature: Some(signature.clone()), ..package };
            Signed::check(&package, known.iter().copied()).map_err(|error| error.to_string())
        };
        let ours = [("ann", &public)];
        let id = public.id();
        assert_eq!(check(good.clone(), &ours), Ok(Signed::By { signer: "ann".into(), key: id.clone() }));
        assert_eq!(check(good.clone(), &[]), Ok(Signed::Unknown { key: id }));
        let other = check(package(MANIFEST, b"Component"), &ours).unwrap_err();
        assert!(other.contains("it is not \"ann\"'s signature of this component"), "{other}");
        for (from, to) in [("mirror", "mirage"), ("1.0.0", "1.0.1"), ("search\"\n", "search\"\n# \n")] {
            let error = check(package(&MANIFEST.replace(from, to), b"component"), &ours).unwrap_err();
            assert!(error.contains("it is of \"stratagem plugin mirror 1.0.0"), "{error}");
        }
        let unknown = check(package(MANIFEST, b"Component"), &[]).unwrap_err();
        assert!(unknown.contains("it is of"), "what does not fit is refused, whoever signed it: {unknown}");
        let bare = Package { manifest: None, manifest_text: None, ..good };
        assert!(check(bare, &ours).is_err());
    }

    #[test]
    fn a_comment_that_was_changed_is_refused() {
        let (secret, public) = keys();
        let good = package(MANIFEST, b"component");
        let bad = package(&MANIFEST.replace("1.0.0", "2.0.0"), b"component");
        let signature = secret.sign(&good).unwrap();
        let forged = signature.replace(&statement(&good), &statement(&bad));
        assert_ne!(forged, signature);
        let bad = Package { signature: Some(forged), ..bad };
        assert!(Signed::check(&bad, [("ann", &public)]).is_err());
        let torn = Package { signature: Some("untrusted comment: \nRW".into()), ..good };
        let error = Signed::check(&torn, [("ann", &public)]).unwrap_err().to_string();
        assert!(error.contains("not in minisign's format"), "{error}");
    }

    #[test]
    fn keys_cross_their_files_and_a_password_closes_them() {
        let (file, public) = SecretKey::generate("open sesame").unwrap();
        assert!(SecretKey::needs_password(&file));
        assert!(SecretKey::open(&file, "wrong").is_err());
        assert_eq!(SecretKey::open(&file, "open sesame").unwrap().public().unwrap(), public);
        assert_eq!(PublicKey::parse(&public.to_file()).unwrap(), public);
        assert_eq!(PublicKey::parse(&public.to_string()).unwrap(), public);
        assert!(PublicKey::parse("RW").is_err());
    }
}
