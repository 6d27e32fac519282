//! No strategy is scored on tasks that it has learned from.

use std::collections::BTreeSet;

use stratagem_domain::{LabelledTask, Likeness, quote};
use stratagem_solve::{domain_of_fold, fold_of};
use stratagem_store::Store;

use crate::failure::Failure;

/// Ids that a refusal names.
const NAMED: usize = 3;

/// Refuses to score a strategy on tasks that what lies in its domain was learned from, however they are drawn. Tasks
/// whose outputs are not known are not scored and may be worked on.
pub fn refuse_leaks(
    store: &Store,
    strategy: &str,
    domain: &str,
    tasks: &[LabelledTask],
    folds: usize,
) -> Result<(), Failure> {
    for fold in 0..folds.max(1) {
        let domain = if folds > 1 { domain_of_fold(domain, fold, folds) } else { domain.to_owned() };
        let Some(lessons) = store.lessons_of(&domain)? else { continue };
        let leaked: Vec<&str> = tasks
            .iter()
            .filter(|task| folds <= 1 || fold_of(&task.digest(), folds) == fold)
            .filter(|task| task.truth.iter().all(Option::is_some))
            .filter(|task| is_known(task, &lessons.tasks, &lessons.words))
            .map(|task| task.task.id.as_str())
            .collect();
        if let Some((first, _)) = leaked.split_first() {
            let more = if leaked.len() > NAMED { ", …" } else { "" };
            let message = format!(
                "strategy {} has learned from {} of these tasks: {}{more}",
                quote(strategy, 80),
                leaked.len(),
                leaked[..leaked.len().min(NAMED)].join(", "),
            );
            let hint = if folds > 1 {
                format!("{first} is in another fold in the mirror or in other colours: leave it out")
            } else {
                "score it on other tasks, or learn again: without what it shall be scored on (`stratagem learn … --apart-from WHAT`), or in folds (`learn … --folds 4`, then `solve … --folds 4`)".into()
            };
            return Err(Failure::misuse(message).hint(hint));
        }
    }
    Ok(())
}

fn is_known(task: &LabelledTask, tasks: &BTreeSet<String>, words: &BTreeSet<String>) -> bool {
    tasks.contains(&task.digest().to_string()) || Likeness::of(task).is_among(words)
}
