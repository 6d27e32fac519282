//! Who answers what a run asks of the host: the store remembers, a trainer trains, models complete. Only here is known which there are.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use stratagem_domain::{Backing, Call, Capability, Declined, Lender, Limits, Place, Purpose, Recipe, Reply};
use stratagem_llm::{LentModels, Models};
use stratagem_store::{RunMemory, Store};
use stratagem_ttt::lent::{LentTrainer, Trainer};

use crate::config::TttSettings;
use crate::failure::Failure;
use crate::models::models;
use crate::workbench::Workbench;

/// What to do where no language model is there.
const NO_MODEL: &str = "name a provider under [llm.providers.NAME] in stratagem.toml";
/// Without a database nothing is found and nothing stays.
const NO_STORE: &str = "nothing is kept here, so nothing is remembered: run without --no-store";

/// What runs are lent.
pub struct Lending {
    /// Remembers; none where nothing is to be kept.
    store: Option<Arc<Store>>,
    /// None where none is configured, or where there is no database whose budgets hold.
    models: Option<Arc<Models>>,
    trainer: Arc<LazyTrainer>,
}

/// What trains, readied when a run first asks for it; or why nothing does.
struct LazyTrainer {
    settings: TttSettings,
    ready: OnceLock<Result<Trainer, String>>,
}

impl LazyTrainer {
    fn get(&self) -> Result<&Trainer, Declined> {
        let ready = || match self.settings.training() {
            Ok(training) => Ok(training.trainer),
            Err(missing) => Err(format!("[ttt] device is {}: {missing}", self.settings.device)),
        };
        let ready = self.ready.get_or_init(ready).as_ref();
        ready.map_err(|why| Declined::Unavailable(why.clone()))
    }
}

impl Lending {
    pub fn new(bench: &Workbench, store: Option<&Arc<Store>>) -> Result<Self, Failure> {
        let models = store.map(|store| models(bench, store)).transpose()?.flatten();
        let trainer = Arc::new(LazyTrainer { settings: bench.config.ttt.clone(), ready: OnceLock::new() });
        Ok(Self { store: store.cloned(), models, trainer })
    }

    /// The budgets that a run's questions count against.
    fn purpose(&self, recipe: &Recipe, place: &Place) -> Purpose {
        let evaluation = self.store.as_ref().zip(place.evaluation.as_deref());
        Purpose {
            experiment: evaluation.and_then(|(store, id)| store.evaluation(id).ok()?.experiment),
            run: Some(Purpose::name_of(recipe, place)),
            task: Some(recipe.task.to_string()),
        }
    }
}

/// The interfaces that are not backed, each with what to do about it.
pub fn lacks(has_models: bool) -> BTreeMap<Capability, String> {
    let lacks = (!has_models).then(|| (Capability::Llm, NO_MODEL.to_owned()));
    lacks.into_iter().collect()
}

impl Lender for Lending {
    fn lend(&self, recipe: &Recipe, place: &Place) -> Arc<dyn Backing> {
        let domain = place.domain.as_deref().unwrap_or(&recipe.plugin.name);
        let memory = self.store.as_ref().map(|store| store.memory_for(domain).on(recipe.task));
        let models = self.models.as_ref().map(|models| models.lend(self.purpose(recipe, place)));
        let training = Training {
            trainer: Arc::clone(&self.trainer),
            limits: recipe.limits.clone(),
            began: Instant::now(),
            taken: OnceLock::new(),
        };
        Arc::new(Lent { memory, models, training })
    }
}

/// What answers one run.
struct Lent {
    memory: Option<RunMemory>,
    models: Option<LentModels>,
    training: Training,
}

/// What a run is lent the device with.
struct Training {
    trainer: Arc<LazyTrainer>,
    limits: Limits,
    began: Instant,
    /// Since it first asked.
    taken: OnceLock<LentTrainer>,
}

impl Backing for Lent {
    fn answer(&self, call: &Call) -> Result<Reply, Declined> {
        let missing = |remedy: &str| Err(Declined::Unavailable(remedy.to_owned()));
        match (call, &self.memory, &self.models) {
            (Call::Complete(_), _, Some(models)) => models.answer(call),
            (Call::Complete(_), _, None) => missing(NO_MODEL),
            (Call::Training(asked), memory, _) => {
                let Training { trainer, limits, began, taken } = &self.training;
                let trainer = trainer.get()?;
                let kept = |id: &str| memory.as_ref()?.adaptation(id);
                taken.get_or_init(|| trainer.lend(limits, *began)).answer(asked, &kept).map(Reply::Trained)
            }
            (_, Some(memory), _) => memory.answer(call),
            (_, None, _) => missing(NO_STORE),
        }
    }
}
