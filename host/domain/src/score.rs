use serde::{Deserialize, Serialize};

use crate::{Answer, Grid};

/// How many ranked attempts are scored; two of them are submitted.
pub const MAX_ATTEMPTS: usize = 3;

/// For each test input the indices of the best distinct answers, best first, at most [`MAX_ATTEMPTS`].
pub type Ranking = Vec<Vec<usize>>;

/// How a ranking scored against the known outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// For each test input the 1-based rank of the right answer; none where it is not among the attempts.
    pub right_at: Vec<Option<usize>>,
}

impl Score {
    /// True where every test input is right within `attempts` attempts.
    pub fn solved_at(&self, attempts: usize) -> bool {
        self.right_at.iter().all(|rank| rank.is_some_and(|rank| rank <= attempts))
    }

    /// The fraction of test inputs that are right within two attempts.
    pub fn partial_credit(&self) -> f64 {
        let right = self.right_at.iter().filter(|rank| rank.is_some_and(|rank| rank <= 2)).count();
        right as f64 / self.right_at.len().max(1) as f64
    }
}

/// Ranks answers: highest confidence first, earlier first among equals, equal grids once.
pub fn rank(answers: &[Answer], tests: usize) -> Ranking {
    let mut order: Vec<usize> = (0..answers.len()).collect();
    order.sort_by(|&a, &b| answers[b].confidence.total_cmp(&answers[a].confidence).then(a.cmp(&b)));
    let mut ranking: Ranking = vec![Vec::new(); tests];
    for index in order {
        let Answer { test_index, grid, .. } = &answers[index];
        let Some(best) = ranking.get_mut(*test_index) else { continue };
        if best.len() < MAX_ATTEMPTS && best.iter().all(|&other| answers[other].grid != *grid) {
            best.push(index);
        }
    }
    ranking
}

/// Scores a ranking; none where an output is not known.
pub fn score(answers: &[Answer], ranking: &Ranking, truth: &[Option<Grid>]) -> Option<Score> {
    let right_at = ranking.iter().zip(truth).map(|(best, truth)| {
        let truth = truth.as_ref()?;
        Some(best.iter().position(|&index| answers[index].grid == *truth).map(|at| at + 1))
    });
    Some(Score { right_at: right_at.collect::<Option<_>>()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(test_index: usize, colour: u8, confidence: f64) -> Answer {
        let grid = Grid::new(1, 1, &[colour]).unwrap();
        Answer { test_index, grid, confidence, rationale: String::new() }
    }

    fn truth(colours: &[u8]) -> Vec<Option<Grid>> {
        colours.iter().map(|&colour| Some(Grid::new(1, 1, &[colour]).unwrap())).collect()
    }

    #[test]
    fn equal_grids_take_one_attempt_and_ties_go_to_the_earlier() {
        let answers =
            [answer(0, 1, 0.5), answer(0, 2, 0.9), answer(0, 2, 0.8), answer(0, 3, 0.5), answer(0, 4, 0.1)];
        assert_eq!(rank(&answers, 1), vec![vec![1, 0, 3]]);
    }

    #[test]
    fn a_task_is_solved_when_every_test_input_is() {
        let answers = [answer(0, 1, 0.9), answer(0, 2, 0.8), answer(1, 5, 0.9)];
        let ranking = rank(&answers, 2);
        let both = score(&answers, &ranking, &truth(&[2, 5])).unwrap();
        assert!(!both.solved_at(1) && both.solved_at(2) && both.solved_at(3));
        let half = score(&answers, &ranking, &truth(&[2, 6])).unwrap();
        assert!(!half.solved_at(3));
        assert!((half.partial_credit() - 0.5).abs() < f64::EPSILON);
    }

    #[test]
    fn nothing_offered_and_nothing_known() {
        assert!(!score(&[], &rank(&[], 1), &truth(&[1])).unwrap().solved_at(3));
        assert_eq!(score(&[], &rank(&[], 1), &[None]), None);
    }

    #[test]
    fn an_answer_to_a_test_that_is_not_there_counts_for_nothing() {
        assert_eq!(rank(&[answer(7, 1, 1.0)], 1), vec![Vec::<usize>::new()]);
    }
}
