//! Which model is trained, and for how long: from the run's settings.

/// The models of the host's engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    Compression,
    Automaton,
}

impl Model {
    pub fn name(self) -> &'static str {
        match self {
            Self::Compression => "compression",
            Self::Automaton => "automaton",
        }
    }
}

/// What a run is to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub model: Model,
    /// Updates, at most.
    pub steps: u32,
    /// Whether the weights are kept.
    pub keeps: bool,
}

impl Plan {
    /// As many as were published.
    const STEPS: u32 = 2_000;
    const MOST_STEPS: u32 = 100_000;
    /// Updates between two looks at what the compression model draws.
    const ROUND: u32 = 50;
    /// Looks at what an automaton draws.
    const ROUNDS: u32 = 20;
    /// At which an automaton begins.
    const AUTOMATON_RATE: f64 = 2e-3;

    /// Reads the settings `base`, `steps` and `keep`.
    ///
    /// *Errors*: the setting that makes no sense, with what it may be.
    pub fn read(setting: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let model = match setting("base").as_deref() {
            None | Some("compression") => Model::Compression,
            Some("automaton") => Model::Automaton,
            Some(other) => return Err(format!("setting base {other:?}: compression or automaton")),
        };
        let usual = if model == Model::Automaton { Self::MOST_STEPS } else { Self::STEPS };
        let steps = match setting("steps") {
            None => usual,
            Some(text) => text
                .parse()
                .ok()
                .filter(|steps| (1..=Self::MOST_STEPS).contains(steps))
                .ok_or_else(|| format!("setting steps {text:?}: 1 to {}", Self::MOST_STEPS))?,
        };
        let keeps = match setting("keep").as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(other) => return Err(format!("setting keep {other:?}: true or false")),
        };
        Ok(Self { model, steps, keeps })
    }

    /// Updates of the next round of so many in all.
    pub fn round(&self, steps: u32) -> u32 {
        match self.model {
            Model::Compression => Self::ROUND,
            Model::Automaton => steps.div_ceil(Self::ROUNDS),
        }
    }

    /// The learning rate after a share of all updates; 0 for the model's own.
    pub fn rate(&self, share: f64) -> f32 {
        match self.model {
            Model::Compression => 0.0,
            // Never 0, which is the model's own.
            Model::Automaton => (Self::AUTOMATON_RATE * (1.0 - share).max(0.01)) as f32,
        }
    }

    /// Updates that fit into so many milliseconds.
    pub fn steps_within(&self, ms: u64, steps_a_ms: f64) -> u32 {
        ((ms as f64 * steps_a_ms) as u32).clamp(1, self.steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &[(&str, &str)]) -> Result<Plan, String> {
        Plan::read(|key| settings.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn settings_are_read_or_refused_by_name() {
        assert_eq!(read(&[]), Ok(Plan { model: Model::Compression, steps: 2_000, keeps: false }));
        let automaton = read(&[("base", "automaton"), ("steps", "300"), ("keep", "true")]).unwrap();
        assert_eq!(automaton, Plan { model: Model::Automaton, steps: 300, keeps: true });
        for (key, value) in [("base", "oracle"), ("steps", "0"), ("steps", "many"), ("keep", "perhaps")] {
            let error = read(&[(key, value)]).unwrap_err();
            assert!(error.starts_with(&format!("setting {key} {value:?}: ")), "{error}");
        }
    }

    #[test]
    fn an_automatons_training_fits_its_time_and_its_rate_falls() {
        let plan = read(&[("base", "automaton"), ("steps", "500")]).unwrap();
        assert_eq!([0, 100, 100_000].map(|ms| plan.steps_within(ms, 0.5)), [1, 50, 500]);
        assert!(plan.rate(0.0) > plan.rate(0.5) && plan.rate(1.0) > 0.0);
        assert_eq!(plan.round(500), 25);
    }
}
