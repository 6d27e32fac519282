//! Where an operator wants training to run.

use std::fmt;
use std::str::FromStr;

use crate::launch::Missing;
use crate::launch::cuda::Cuda;

/// `auto`, `cuda:N` or `cpu`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Setting {
    /// The first device, else the processor.
    #[default]
    Auto,
    /// This device and no other.
    Cuda(u32),
    Cpu,
}

/// A setting that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no device {0}: auto, cuda:N or cpu")]
pub struct Unknown(String);

/// What a setting came to.
#[derive(Clone)]
pub enum Chosen {
    Device(Cuda),
    /// With the reason why there is no device, where one would have been taken.
    Processor(Option<Missing>),
}

impl Setting {
    /// Readies the device that is meant.
    ///
    /// *Errors*: only where a device is asked for by its number.
    pub fn choose(self) -> Result<Chosen, Missing> {
        match self {
            Self::Cpu => Ok(Chosen::Processor(None)),
            Self::Cuda(ordinal) => Cuda::new(ordinal).map(Chosen::Device),
            Self::Auto => {
                Ok(Cuda::new(0).map_or_else(|missing| Chosen::Processor(Some(missing)), Chosen::Device))
            }
        }
    }
}

impl FromStr for Setting {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        let ordinal = |text: &str| {
            let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| is_plain)
        };
        match (text, text.strip_prefix("cuda:").and_then(ordinal)) {
            ("auto", _) => Ok(Self::Auto),
            ("cpu", _) => Ok(Self::Cpu),
            (_, Some(ordinal)) => Ok(Self::Cuda(ordinal)),
            _ => Err(Unknown(stratagem_domain::quote(text, 80))),
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => to.write_str("auto"),
            Self::Cuda(ordinal) => write!(to, "cuda:{ordinal}"),
            Self::Cpu => to.write_str("cpu"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_always_there() {
        assert!(matches!(Setting::Cpu.choose(), Ok(Chosen::Processor(None))));
        assert!(matches!(Setting::Auto.choose(), Ok(Chosen::Device(_) | Chosen::Processor(Some(_)))));
        assert!(Setting::Cuda(9_999).choose().is_err());
    }

    #[test]
    fn settings_are_read_as_they_are_written() {
        for setting in [Setting::Auto, Setting::Cuda(0), Setting::Cuda(11), Setting::Cpu] {
            assert_eq!(setting.to_string().parse(), Ok(setting));
        }
        for wrong in ["", "gpu", "cuda", "cuda:", "cuda:-1", "cuda:+1", "cuda:99999999999", "CPU"] {
            let Err(unknown) = wrong.parse::<Setting>() else { panic!("{wrong}") };
            assert_eq!(unknown.to_string(), format!("no device \"{wrong}\": auto, cuda:N or cpu"));
        }
    }
}
