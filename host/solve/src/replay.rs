use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use stratagem_domain::training::Training;
use stratagem_domain::{Backing, Call, Declined, Ending, Exchange, Reply, StoredRun, Strategy, Task, quote};

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

/// Runs a stored recipe again and compares what comes of it, to the unit. What the run asked of the host is answered
/// from its journal: no model is called, nothing is kept, and what the memory holds by now does not matter.
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
    let playback = Arc::new(Playback::of(&stored.journal));
    let backing: Arc<dyn Backing> = Arc::<Playback>::clone(&playback);
    let again = strategy.run_with(task, recipe.seed, &recipe.limits, &recipe.settings, backing);
    if let Some(difference) = playback.difference() {
        return Verdict::Differs(difference);
    }
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

/// Answers a run from the journal of an earlier one.
struct Playback {
    journal: Vec<Exchange>,
    at: Mutex<Position>,
}

#[derive(Default)]
struct Position {
    /// Calls that were answered.
    answered: usize,
    /// The first call that is not the one of the journal.
    difference: Option<String>,
}

impl Playback {
    fn of(journal: &[Exchange]) -> Self {
        Self { journal: journal.to_vec(), at: Mutex::default() }
    }

    /// The first difference between the calls then and now; to be asked when the run is over.
    fn difference(&self) -> Option<String> {
        let at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = || {
            let next = self.journal.get(at.answered)?;
            Some(format!("call {}: then {}, now none", at.answered + 1, told(&next.call)))
        };
        at.difference.clone().or_else(missing)
    }
}

impl Backing for Playback {
    fn answer(&self, call: &Call) -> Result<Reply, Declined> {
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        if at.difference.is_none() {
            match self.journal.get(at.answered) {
                Some(then) if then.call == *call => {
                    at.answered += 1;
                    return then.reply.clone();
                }
                then => {
                    let then = then.map_or_else(|| "none".to_owned(), |then| told(&then.call));
                    at.difference =
                        Some(format!("call {}: then {then}, now {}", at.answered + 1, told(call)));
                }
            }
        }
        Err(Declined::Unavailable("the run that is replayed did not ask this".to_owned()))
    }
}

/// A call in words, which may be the plugin's own.
fn told(call: &Call) -> String {
    let with = match call {
        Call::Patterns { kind, .. } => quote(kind, 100),
        Call::KeepPattern { kind, data, .. } => format!("{} {}", quote(kind, 100), quote(data, 100)),
        Call::Embed { content, .. } => quote(content, 100),
        Call::Recall { vector, model, .. } => format!("{} numbers of {}", vector.len(), quote(model, 100)),
        Call::Search { query, .. } => quote(query, 100),
        Call::Load { name } | Call::Prompt { name, .. } => quote(name, 100),
        Call::Save { name, bytes } => format!("{} of {} bytes", quote(name, 100), bytes.len()),
        Call::Training(Training::Train { adaptation, schedule }) => format!("{adaptation} {schedule:?}"),
        Call::Training(_) => String::new(),
        Call::Complete(request) => {
            let last = request.messages.last().map_or("", |message| &message.content);
            format!("{} {}", quote(&request.model, 100), quote(last, 100))
        }
    };
    format!("`{}` {with}", call.name())
}

/// How a run ended, in words that may be the plugin's own.
fn words(ending: &Ending) -> String {
    ending.reason().map_or_else(|| "returned".to_owned(), |reason| quote(&reason, 300))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(name: &str, reply: Result<Reply, Declined>) -> Exchange {
        Exchange { call: Call::Load { name: name.to_owned() }, reply }
    }

    #[test]
    fn the_journal_answers_in_its_order_and_the_first_other_call_is_named() {
        let full = || Err(Declined::Exhausted("full".to_owned()));
        let journal = [load("a", Ok(Reply::Loaded(Some(vec![1])))), load("b", full()), load("a", full())];
        let play = |names: &[&str]| {
            let playback = Playback::of(&journal);
            let call = |name: &&str| playback.answer(&Call::Load { name: (*name).to_owned() });
            (names.iter().map(call).collect::<Vec<_>>(), playback.difference())
        };
        let (replies, difference) = play(&["a", "b", "a"]);
        assert_eq!((replies, difference), (journal.each_ref().map(|then| then.reply.clone()).to_vec(), None));
        let (replies, difference) = play(&["a", "\u{1b}", "a"]);
        assert!(
            replies[1..].iter().all(|reply| matches!(reply, Err(Declined::Unavailable(_)))),
            "{replies:?}"
        );
        let expected = r#"call 2: then `artifacts.load` "b", now `artifacts.load` "\u{1b}""#;
        assert_eq!(difference.as_deref(), Some(expected));
        let (_, difference) = play(&["a"]);
        assert_eq!(difference.as_deref(), Some(r#"call 2: then `artifacts.load` "b", now none"#));
        let (_, difference) = play(&["a", "b", "a", "c"]);
        assert_eq!(difference.as_deref(), Some(r#"call 4: then none, now `artifacts.load` "c""#));
    }

    #[test]
    fn a_plugins_words_are_quoted() {
        assert_eq!(words(&Ending::GaveUp("\u{1b}[2Jno".to_owned())), r#""\u{1b}[2Jno""#);
        assert_eq!(words(&Ending::Returned), "returned");
    }
}
