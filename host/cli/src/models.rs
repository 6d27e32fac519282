//! Language models as the settings have them, behind the database's budgets.

use std::sync::Arc;

use stratagem_domain::ModelLedger;
use stratagem_llm::{LlmSettings, Models, SettingsError};
use stratagem_store::Store;

use crate::failure::Failure;
use crate::workbench::Workbench;

/// The models that the settings name; none where they name none. A run is lent them with [`Models::lend`].
pub fn models(bench: &Workbench, store: &Arc<Store>) -> Result<Option<Arc<Models>>, Failure> {
    let Some(settings) = bench.config.llm.clone() else { return Ok(None) };
    let ledger: Arc<dyn ModelLedger> = Arc::<Store>::clone(store);
    let models = Models::new(settings, ledger).map_err(|error| refused(bench, &error))?;
    Ok(Some(Arc::new(models)))
}

/// The settings, or what to write where there are none.
pub fn settings(bench: &Workbench) -> Result<&LlmSettings, Failure> {
    let settings = bench.config.llm.as_ref().ok_or_else(|| {
        Failure::misuse("no language model is configured")
            .hint("add [llm] with a provider to stratagem.toml; docs/models.md shows how")
    })?;
    settings.check().map_err(|error| refused(bench, &error))?;
    Ok(settings)
}

fn refused(bench: &Workbench, error: &SettingsError) -> Failure {
    let file = bench.config.file.as_deref().map(|file| format!("{}: ", file.display())).unwrap_or_default();
    Failure::misuse(format!("{file}{error}")).hint(&error.hint)
}
