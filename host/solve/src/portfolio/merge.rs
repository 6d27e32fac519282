//! Answers of several strategies made into one list of attempts.

use std::collections::BTreeMap;

use serde::Serialize;
use stratagem_domain::{Answer, MAX_ATTEMPTS, Ranking};

use super::Experience;

/// No merged answer is surer than this.
const SUREST: f64 = 0.995;
/// What agreement of another strategy is believed at: they see the same demonstrations, so they err together too.
const OTHERS: f64 = 0.6;
/// What of its worth an answer keeps whose program, run again by the host, does not give it.
const UNVERIFIED: f64 = 0.5;

/// What the host found when it ran an answer's program itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "checked")]
pub enum Check {
    /// The program gives the answer, and that many of the demonstrations.
    Program { fits: usize, pairs: usize, steps: usize },
    /// The rationale reads as a program, which gives another answer.
    Contradicted,
    /// The rationale is no program of the DSL.
    NoProgram,
}

/// Runs the programs that rationales name: the port that the binary implements.
pub trait Verifier: Sync {
    fn check(&self, task: &stratagem_domain::Task, answer: &Answer) -> Check;
}

/// Why an attempt is where it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Choice {
    pub test_index: usize,
    /// 1-based.
    pub attempt: usize,
    /// 0 to 1: how often such an answer is right.
    pub confidence: f64,
    /// Who offered the grid, surest first, each with its own confidence and what that is worth.
    pub voices: Vec<Voice>,
    #[serde(flatten)]
    pub check: Check,
    /// Of the surest voice.
    pub rationale: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Voice {
    pub strategy: String,
    pub confidence: f64,
    pub worth: f64,
}

impl Choice {
    /// In a line, for people.
    pub fn explain(&self) -> String {
        let names: Vec<&str> = self.voices.iter().map(|voice| voice.strategy.as_str()).collect();
        let check = match self.check {
            Check::Program { fits, pairs, .. } => format!("its program fits {fits} of {pairs}"),
            Check::Contradicted => "its program answers otherwise".to_owned(),
            Check::NoProgram => "no program to check".to_owned(),
        };
        format!("{:.2} by {}; {check}", self.confidence, names.join(" and "))
    }
}

/// A distinct grid that somebody offered.
struct Candidate {
    /// Of the answers: the one that speaks for the grid.
    index: usize,
    confidence: f64,
    voices: Vec<Voice>,
    check: Check,
}

/// Ranks the answers of several strategies: `answers` says of each who gave it.
///
/// A grid's confidence is the worth of its surest voice, raised by every other strategy that offers it too and lowered
/// where its program, run by the host, says otherwise, and by every rival grid. Among equals the shorter program comes
/// first.
pub fn merge(
    task: &stratagem_domain::Task,
    answers: &[(String, Answer)],
    experience: &Experience,
    verifier: &dyn Verifier,
) -> (Ranking, Vec<Choice>) {
    let mut ranking = Ranking::new();
    let mut choices = Vec::new();
    for test in 0..task.test.len() {
        let mut candidates = candidates(task, test, answers, experience, verifier);
        candidates.sort_by(|a, b| {
            let steps = |candidate: &Candidate| match candidate.check {
                Check::Program { steps, .. } => steps,
                _ => usize::MAX,
            };
            b.confidence
                .total_cmp(&a.confidence)
                .then_with(|| steps(a).cmp(&steps(b)))
                .then(a.index.cmp(&b.index))
        });
        candidates.truncate(MAX_ATTEMPTS);
        ranking.push(candidates.iter().map(|candidate| candidate.index).collect());
        choices.extend(candidates.into_iter().enumerate().map(|(at, candidate)| Choice {
            test_index: test,
            attempt: at + 1,
            confidence: candidate.confidence,
            voices: candidate.voices,
            check: candidate.check,
            rationale: answers[candidate.index].1.rationale.clone(),
        }));
    }
    (ranking, choices)
}

fn candidates(
    task: &stratagem_domain::Task,
    test: usize,
    answers: &[(String, Answer)],
    experience: &Experience,
    verifier: &dyn Verifier,
) -> Vec<Candidate> {
    let mut firsts: BTreeMap<&String, usize> = BTreeMap::new();
    for (index, (strategy, answer)) in answers.iter().enumerate().filter(|(_, (_, it))| it.test_index == test)
    {
        let first = firsts.entry(strategy).or_insert(index);
        if answer.confidence > answers[*first].1.confidence {
            *first = index;
        }
    }
    let mut found: Vec<Candidate> = Vec::new();
    for (index, (strategy, answer)) in answers.iter().enumerate() {
        if answer.test_index != test {
            continue;
        }
        let worth = experience.worth(strategy, answer.confidence, firsts.get(strategy) == Some(&index));
        let voice = Voice { strategy: strategy.clone(), confidence: answer.confidence, worth };
        match found.iter_mut().find(|other| answers[other.index].1.grid == answer.grid) {
            Some(known) => known.hear(voice, index),
            None => {
                found.push(Candidate {
                    index,
                    confidence: 0.0,
                    voices: vec![voice],
                    check: Check::NoProgram,
                });
            }
        }
    }
    for candidate in &mut found {
        candidate.check = verifier.check(task, &answers[candidate.index].1);
        candidate.confidence = candidate.worth();
    }
    // One of them at most is right: what speaks for one speaks against the others, by its odds.
    let odds = |candidate: &Candidate| candidate.confidence / (1.0 - candidate.confidence);
    let all: f64 = 1.0 + found.iter().map(odds).sum::<f64>();
    for candidate in &mut found {
        candidate.confidence = odds(candidate) / all;
    }
    found
}

impl Candidate {
    /// Takes in another offer of the grid: of a strategy its surest counts.
    fn hear(&mut self, voice: Voice, index: usize) {
        if voice.worth > self.voices[0].worth {
            self.index = index;
        }
        match self.voices.iter_mut().find(|known| known.strategy == voice.strategy) {
            Some(known) if known.worth >= voice.worth => {}
            Some(known) => *known = voice,
            None => self.voices.push(voice),
        }
        self.voices.sort_by(|a, b| b.worth.total_cmp(&a.worth));
    }

    fn worth(&self) -> f64 {
        let (first, others) = self.voices.split_first().map_or((0.0, &[][..]), |(v, rest)| (v.worth, rest));
        let doubt = others.iter().fold(1.0 - first, |doubt, other| doubt * (1.0 - OTHERS * other.worth));
        let worth = (1.0 - doubt).min(SUREST);
        if self.check == Check::Contradicted { worth * UNVERIFIED } else { worth }
    }
}

#[cfg(test)]
mod tests {
    use stratagem_domain::{Grid, Pair, Task};

    use super::*;

    /// Believes rationales: `steps N` is a program of so many steps, `lie` one that says otherwise.
    struct Reader;

    impl Verifier for Reader {
        fn check(&self, _: &Task, answer: &Answer) -> Check {
            match answer.rationale.split_once(' ') {
                Some(("steps", steps)) => Check::Program { fits: 2, pairs: 2, steps: steps.parse().unwrap() },
                _ if answer.rationale == "lie" => Check::Contradicted,
                _ => Check::NoProgram,
            }
        }
    }

    fn cell(colour: u8) -> Grid {
        Grid::new(1, 1, &[colour]).unwrap()
    }

    fn answer(colour: u8, confidence: f64, rationale: &str) -> Answer {
        Answer { test_index: 0, grid: cell(colour), confidence, rationale: rationale.to_owned() }
    }

    fn first(answers: &[(&str, Answer)]) -> (Vec<u8>, Vec<Choice>) {
        let answers: Vec<(String, Answer)> =
            answers.iter().map(|(name, answer)| ((*name).to_owned(), answer.clone())).collect();
        let task = Task {
            id: "t".into(),
            train: vec![Pair { input: cell(0), output: cell(1) }],
            test: vec![cell(2)],
        };
        let (ranking, choices) = merge(&task, &answers, &Experience::default(), &Reader);
        let colour = |&index: &usize| answers[index].1.grid.rows().next().unwrap()[0];
        (ranking[0].iter().map(colour).collect(), choices)
    }

    #[test]
    fn agreement_of_two_beats_a_surer_one_alone() {
        let (order, choices) =
            first(&[("a", answer(1, 0.6, "")), ("a", answer(2, 0.5, "")), ("b", answer(2, 0.5, ""))]);
        assert_eq!(order, [2, 1]);
        assert_eq!(choices[0].voices.len(), 2);
        let (agreed, alone) = (0.65 / 0.35, 0.6 / 0.4);
        assert!((choices[0].confidence - agreed / (1.0 + agreed + alone)).abs() < 1e-9, "{choices:?}");
        assert!(choices[0].explain().contains("a and b"), "{}", choices[0].explain());
    }

    #[test]
    fn a_strategy_does_not_agree_with_itself() {
        let (_, choices) =
            first(&[("a", answer(1, 0.5, "")), ("a", answer(1, 0.7, "")), ("a", answer(1, 0.6, ""))]);
        assert_eq!((choices.len(), choices[0].voices.len()), (1, 1));
        assert!((choices[0].confidence - 0.7).abs() < 1e-9);
    }

    #[test]
    fn the_shorter_program_is_first_among_equals_and_a_lie_costs_half() {
        let (order, _) = first(&[("a", answer(1, 0.6, "steps 4")), ("b", answer(2, 0.6, "steps 2"))]);
        assert_eq!(order, [2, 1]);
        let (order, choices) = first(&[("a", answer(1, 0.9, "lie")), ("b", answer(2, 0.6, ""))]);
        assert_eq!(order, [2, 1]);
        let (halved, rival) = (0.45 / 0.55, 0.6 / 0.4);
        assert!((choices[1].confidence - halved / (1.0 + halved + rival)).abs() < 1e-9, "{choices:?}");
    }

    #[test]
    fn no_answer_is_no_choice_and_no_more_than_the_attempts_are_kept() {
        assert!(first(&[]).1.is_empty());
        let many: Vec<(&str, Answer)> =
            (0..9).map(|colour| ("a", answer(colour, f64::from(colour) / 10.0, ""))).collect();
        assert_eq!(first(&many).0, [8, 7, 6]);
    }
}
