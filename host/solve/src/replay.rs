use serde::Serialize;
use stratagem_domain::{Ending, StoredRun, Strategy, Task, quote};

/// What a replay of a run showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "verdict", content = "why")]
pub enum Verdict {
    /// The same answers in the same order, the same fuel, the same ending.
    Same,
    /// The first difference.
    Differs(String),
    /// The clock or the host ended the run: nothing is promised of it.
    NotReplayable(String),
}

/// Runs a stored recipe again and compares what comes of it, to the unit.
///
/// Of a run that is not replayable nothing is run; its strategy may be gone.
pub fn replay(stored: &StoredRun, strategy: Option<&dyn Strategy>, task: &Task) -> Verdict {
    let Some(strategy) = strategy.filter(|_| stored.ending.is_replayable()) else {
        return Verdict::NotReplayable(format!("its outcome was {}", stored.outcome.as_str()));
    };
    let recipe = &stored.recipe;
    if recipe.grants != strategy.grants() {
        let what = match (recipe.grants, strategy.grants()) {
            (Some(_), Some(_)) => "other capabilities, or other content of its folders, than now",
            (Some(_), None) => "capabilities that it is not granted now",
            (None, _) => "no capabilities, and is granted some now",
        };
        return Verdict::NotReplayable(format!("it ran with {what}"));
    }
    let again = strategy.run(task, recipe.seed, &recipe.limits, &recipe.settings);
    if !again.ending.is_replayable() {
        return Verdict::NotReplayable(again.ending.reason().unwrap_or_default());
    }
    let differs =
        |what: &str, then: String, now: String| Verdict::Differs(format!("{what}: then {then}, now {now}"));
    if again.ending != stored.ending {
        return differs("ending", words(&stored.ending), words(&again.ending));
    }
    if again.usage.fuel_spent != stored.usage.fuel_spent {
        return differs("fuel", stored.usage.fuel_spent.to_string(), again.usage.fuel_spent.to_string());
    }
    if again.answers.len() != stored.answers.len() {
        return differs("answers", stored.answers.len().to_string(), again.answers.len().to_string());
    }
    let same =
        |(then, now): (&stratagem_domain::StoredAnswer, &stratagem_domain::Answer)| then.answer == *now;
    match stored.answers.iter().zip(&again.answers).position(|pair| !same(pair)) {
        Some(at) => Verdict::Differs(format!("answer {at} is another one")),
        None => Verdict::Same,
    }
}

/// How a run ended, in words that may be the plugin's own.
fn words(ending: &Ending) -> String {
    ending.reason().map_or_else(|| "returned".to_owned(), |reason| quote(&reason, 300))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugins_words_are_quoted() {
        assert_eq!(words(&Ending::GaveUp("\u{1b}[2Jno".to_owned())), r#""\u{1b}[2Jno""#);
        assert_eq!(words(&Ending::Returned), "returned");
    }
}
