//! Strategies that were asked for by name or by setup, loaded before a task is touched.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use stratagem_domain::{
    Backing, LabelledTask, Lesson, Limits, LimitsOverlay, Place, RunReport, Settings, Strategy, escape, quote,
};
use stratagem_runtime::{Grants, LoadError, LoadedStrategy, Package, RefusedStrategy, Sandbox};
use stratagem_store::{DocumentKind, DocumentVersion, NewEvaluation, Store, Which};

use crate::documents::split_version;
use crate::failure::Failure;
use crate::leaks;
use crate::trust::Found;
use crate::workbench::{Workbench, keep_plugin};

/// A strategy that was asked for, and the setup that asks for it.
pub struct Entrant {
    subject: Subject,
    pub setup: Option<Setup>,
}

/// Ready to run, or refused and on record.
enum Subject {
    Ready(Box<(Package, LoadedStrategy)>),
    Refused(RefusedStrategy),
}

/// What a strategy is asked for by.
pub enum Asked {
    Strategy(String),
    Setup(Box<Setup>),
}

/// A stored configuration.
pub struct Setup {
    pub version: DocumentVersion,
    pub body: SetupBody,
}

/// What a configuration may say; docs/experiments.md says what each field means.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetupBody {
    pub strategy: String,
    #[serde(default)]
    pub seed: Option<u64>,
    #[serde(default)]
    pub limits: LimitsOverlay,
    #[serde(default)]
    settings: BTreeMap<String, Value>,
    /// For people and for queries: no run reads them.
    #[serde(default, rename = "description")]
    _description: Option<Value>,
    #[serde(default, rename = "model")]
    _model: Option<Value>,
    #[serde(default, rename = "meta")]
    _meta: Option<Value>,
}

impl Setup {
    /// Finds NAME or NAME@VERSION; without a version, the active one.
    pub fn find(store: &Store, text: &str) -> Result<Self, Failure> {
        let (name, which) = split_version(text)?;
        let which = which.unwrap_or(Which::Active);
        Self::of(store.document(DocumentKind::StrategyConfig, name, which)?)
    }

    pub fn of(version: DocumentVersion) -> Result<Self, Failure> {
        let refused = |why: &str| {
            let label = format!("{}@{}", version.name, version.version);
            Failure::misuse(format!("setup {}: {}", quote(&label, 100), escape(why, 300))).hint(
                "a setup has `strategy`, and may have `limits`, `settings` and `seed`: docs/experiments.md",
            )
        };
        let parsed = version.parsed.clone().unwrap_or_default();
        let body: SetupBody = serde_json::from_value(parsed).map_err(|error| refused(&error.to_string()))?;
        for (key, value) in &body.settings {
            if value.is_array() || value.is_object() || value.is_null() {
                return Err(refused(&format!("setting `{key}` is no text, number or truth value")));
            }
        }
        Ok(Self { version, body })
    }

    /// As people write it.
    pub fn label(&self) -> String {
        format!("{}@{}", self.version.name, self.version.version)
    }

    /// What the strategy is handed, as text.
    fn settings(&self) -> impl Iterator<Item = (String, String)> {
        self.body.settings.iter().map(|(key, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
            (key.clone(), text)
        })
    }
}

impl Asked {
    fn strategy(&self) -> &str {
        match self {
            Self::Strategy(name) => name,
            Self::Setup(setup) => &setup.body.strategy,
        }
    }
}

impl Entrant {
    /// Loads what was asked for.
    ///
    /// *Errors*: the operator's; a plugin's own fault makes it a refused entrant.
    pub fn load(bench: &Workbench, sandbox: &Sandbox, asked: Asked) -> Result<Self, Failure> {
        let found = bench.find(asked.strategy())?;
        let loaded = found.package().and_then(|package| {
            let strategy = bench.load(sandbox, &package)?;
            Ok(Subject::Ready(Box::new((package, strategy))))
        });
        let refused = |error: &LoadError| match &found {
            Found::At(path) => RefusedStrategy::new(path, error),
            Found::Kept(identity, _) => RefusedStrategy::of(identity, error),
        };
        let subject = loaded.or_else(|error| match refused(&error) {
            Some(refused) => Ok(Subject::Refused(refused)),
            None => Err(Failure::from(error)),
        })?;
        let setup = match asked {
            Asked::Strategy(_) => None,
            Asked::Setup(setup) => Some(*setup),
        };
        Ok(Self { subject, setup })
    }

    pub fn strategy(&self) -> &dyn Strategy {
        match &self.subject {
            Subject::Ready(ready) => &ready.1,
            Subject::Refused(refused) => refused,
        }
    }

    /// What its runs are granted: the plugin's wishes, the settings file, the setup and the flags, each over the one
    /// before.
    pub fn limits(&self, bench: &Workbench, flags: &LimitsOverlay) -> Result<Limits, Failure> {
        let asked = match &self.subject {
            Subject::Ready(ready) => ready.1.limits.clone(),
            Subject::Refused(_) => LimitsOverlay::default(),
        };
        let over = match &self.setup {
            Some(setup) => laid_over(&setup.body.limits, flags)?,
            None => flags.clone(),
        };
        bench.limits(&asked, &self.granted(), &over)
    }

    /// What it is handed: the settings file, and the setup over it.
    pub fn settings(&self, bench: &Workbench) -> Settings {
        let name = &self.strategy().plugin().name;
        let mut settings = bench.config.settings.get(name).cloned().unwrap_or_default();
        settings.extend(self.setup.iter().flat_map(Setup::settings));
        settings
    }

    /// Refuses to score it on what it has learned from.
    pub fn refuse_leaks(&self, store: &Store, tasks: &[LabelledTask], folds: usize) -> Result<(), Failure> {
        let name = &self.strategy().plugin().name;
        leaks::refuse_leaks(store, name, self.domain().as_deref().unwrap_or(name), tasks, folds)
    }

    /// Has it learn.
    ///
    /// *Errors*: it was refused.
    pub fn learn(
        &self,
        lessons: &[Lesson],
        seed: u64,
        limits: &Limits,
        settings: &Settings,
        backing: Arc<dyn Backing>,
    ) -> Result<RunReport, Failure> {
        match &self.subject {
            Subject::Ready(ready) => Ok(ready.1.learn_with(lessons, seed, limits, settings, backing)),
            Subject::Refused(refused) => Err(Failure::new(refused.reason())),
        }
    }

    /// Keeps it, so that its runs have a place and can be replayed.
    pub fn keep(&self, store: &Store) -> Result<(), Failure> {
        match &self.subject {
            Subject::Ready(ready) => keep_plugin(store, &ready.1, &ready.0),
            Subject::Refused(refused) => Ok(store.keep_refused(refused.plugin())?),
        }
    }

    pub fn refusal(&self) -> Option<Failure> {
        let Subject::Refused(refused) = &self.subject else { return None };
        let failure = Failure::new(refused.reason());
        Some(match refused.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        })
    }

    /// The evaluation that its runs make up.
    pub fn evaluation(&self, name: String, seed: u64, limits: Limits, settings: Settings) -> NewEvaluation {
        let config_version = self.config_version();
        let plugin = self.strategy().plugin().clone();
        NewEvaluation { name, plugin, config_version, seed, limits, settings }
    }

    /// Where its runs belong.
    pub fn place(&self, evaluation: String) -> Place {
        Place { evaluation: Some(evaluation), config_version: self.config_version(), domain: self.domain() }
    }

    /// Where what its runs keep is found again.
    pub fn domain(&self) -> Option<String> {
        self.granted().domain(self.strategy().plugin())
    }

    fn granted(&self) -> Grants {
        match &self.subject {
            Subject::Ready(ready) => ready.1.granted.clone(),
            Subject::Refused(_) => Grants::default(),
        }
    }

    fn config_version(&self) -> Option<String> {
        self.setup.as_ref().map(|setup| setup.version.id.clone())
    }
}

fn laid_over(below: &LimitsOverlay, above: &LimitsOverlay) -> Result<LimitsOverlay, Failure> {
    let fields = |overlay| serde_json::to_value(overlay).map_err(Failure::new);
    let (mut merged, above) = (fields(below)?, fields(above)?);
    for (name, value) in above.as_object().into_iter().flatten() {
        merged[name] = value.clone();
    }
    serde_json::from_value(merged).map_err(Failure::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_laid_over_a_setup_and_leave_the_rest() {
        let below = LimitsOverlay { fuel: Some(1), wall_ms: Some(2), ..LimitsOverlay::default() };
        let above = LimitsOverlay { fuel: Some(3), memory_mb: Some(4), ..LimitsOverlay::default() };
        let merged = laid_over(&below, &above).unwrap();
        assert_eq!((merged.fuel, merged.wall_ms, merged.memory_mb), (Some(3), Some(2), Some(4)));
    }
}
