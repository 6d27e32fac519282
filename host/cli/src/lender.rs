//! Who answers what a run asks of the host: the store remembers, models complete. Only here is known which there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use stratagem_domain::{Backing, Call, Capability, Declined, Lender, Place, Recipe, Reply};
use stratagem_runtime::SandboxConfig;
use stratagem_store::{RunMemory, Store};

/// What to do where no language model is there.
const NO_MODEL: &str = "name a provider under [llm.providers.NAME] in stratagem.toml";
/// Without a database nothing is found and nothing stays.
const NO_STORE: &str = "nothing is kept here, so nothing is remembered: run without --no-store";

/// What runs are lent.
pub struct Lending<'a> {
    /// Remembers; none where nothing is to be kept.
    pub store: Option<&'a Store>,
    /// Asks language models; none where none is configured.
    pub models: Option<&'a dyn Lender>,
}

/// The interfaces that are not backed, each with what to do about it.
pub fn lacks(has_models: bool) -> BTreeMap<Capability, String> {
    let mut lacks = BTreeMap::from([(Capability::Ttt, SandboxConfig::NO_BACKEND.to_owned())]);
    if !has_models {
        lacks.insert(Capability::Llm, NO_MODEL.to_owned());
    }
    lacks
}

impl Lender for Lending<'_> {
    fn lend(&self, recipe: &Recipe, place: &Place) -> Arc<dyn Backing> {
        let domain = place.domain.as_deref().unwrap_or(&recipe.plugin.name);
        let memory = self.store.map(|store| store.memory_for(domain));
        let models = self.models.map(|models| models.lend(recipe, place));
        Arc::new(Lent { memory, models })
    }
}

/// What answers one run.
struct Lent {
    memory: Option<RunMemory>,
    models: Option<Arc<dyn Backing>>,
}

impl Backing for Lent {
    fn answer(&self, call: &Call) -> Result<Reply, Declined> {
        let missing = |remedy: &str| Err(Declined::Unavailable(remedy.to_owned()));
        match (call, &self.memory, &self.models) {
            (Call::Complete(_), _, Some(models)) => models.answer(call),
            (Call::Complete(_), _, None) => missing(NO_MODEL),
            (_, Some(memory), _) => memory.answer(call),
            (_, None, _) => missing(NO_STORE),
        }
    }
}
