use std::fmt;
use std::fs;

use crate::error::ModelError;
use crate::settings::ProviderSettings;

/// A provider's key. It is shown nowhere: not by `Debug`, not in messages, not in what the provider says.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(hidden)")
    }
}

/// A key is a word; what is longer is some other file.
const MAX_BYTES: usize = 4_096;

impl Secret {
    /// Reads the key from where the settings say; none where they say nothing.
    pub(crate) fn read(provider: &str, settings: &ProviderSettings) -> Result<Option<Self>, ModelError> {
        let missing = |what: String, hint: &str| {
            Err(ModelError::Key { provider: provider.to_owned(), what, hint: hint.to_owned() })
        };
        let (text, place) = match (&settings.key_env, &settings.key_file) {
            (Some(name), _) => match std::env::var(name) {
                Ok(text) => (text, format!("environment variable {name}")),
                Err(_) => {
                    return missing(
                        format!("environment variable {name} is not set"),
                        "set it to the provider's key before you start the program",
                    );
                }
            },
            (None, Some(path)) => match fs::read_to_string(path) {
                Ok(text) => (text, format!("file {}", path.display())),
                Err(error) => {
                    return missing(
                        format!("file {}: {error}", path.display()),
                        "write the provider's key into it",
                    );
                }
            },
            (None, None) => return Ok(None),
        };
        let key = text.trim();
        if key.is_empty() || key.len() > MAX_BYTES || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return missing(format!("{place} holds no key"), "a key is one word of ASCII");
        }
        Ok(Some(Self(key.to_owned())))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Takes the key out of what a provider says.
    pub(crate) fn hide(&self, text: &str) -> String {
        text.replace(&self.0, "[key]")
    }
}
