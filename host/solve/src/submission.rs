use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use stratagem_domain::Grid;

use crate::TaskResult;

/// The file that Kaggle's ARC competitions take: for each task, in the order of its test inputs, two attempts.
///
/// Where a strategy had one answer it stands for both attempts; where it had none, a black 2 × 2 grid
/// does, since the format has no way to leave an attempt out.
pub fn submission(results: &[TaskResult]) -> Value {
    let black = || json!([[0, 0], [0, 0]]);
    let entry = |result: &TaskResult, test: usize| {
        let mut attempts = result.attempts(test).map(|answer| grid(&answer.grid));
        let first = attempts.next().unwrap_or_else(black);
        let second = attempts.next().unwrap_or_else(|| first.clone());
        json!({"attempt_1": first, "attempt_2": second})
    };
    let tasks: BTreeMap<&str, Value> = results
        .iter()
        .map(|result| {
            let tests = (0..result.task.task.test.len()).map(|test| entry(result, test)).collect();
            (result.task.task.id.as_str(), Value::Array(tests))
        })
        .collect();
    Value::Object(tasks.into_iter().map(|(id, value)| (id.to_owned(), value)).collect::<Map<_, _>>())
}

fn grid(grid: &Grid) -> Value {
    grid.rows().map(Value::from).collect()
}

#[cfg(test)]
mod tests {
    use stratagem_domain::{Answer, LabelledTask, Pair, rank};

    use super::*;

    #[test]
    fn every_test_input_has_two_attempts_in_order() {
        let cell = |colour| Grid::new(1, 1, &[colour]).unwrap();
        let pair = Pair { input: cell(0), output: cell(0) };
        let tests = vec![(cell(1), None), (cell(2), None), (cell(3), None)];
        let task = LabelledTask::new("ab", vec![pair], tests).unwrap();
        let answer = |test_index, colour, confidence| Answer {
            test_index,
            grid: cell(colour),
            confidence,
            rationale: String::new(),
        };
        let answers = vec![answer(0, 4, 0.1), answer(0, 5, 0.2), answer(2, 6, 0.3)];
        let ranking = rank(&answers, 3);
        let result =
            TaskResult { task, runs: vec![], resumed: 0, answers, ranking, choices: vec![], score: None };
        assert_eq!(
            submission(&[result]),
            json!({"ab": [
                {"attempt_1": [[5]], "attempt_2": [[4]]},
                {"attempt_1": [[0, 0], [0, 0]], "attempt_2": [[0, 0], [0, 0]]},
                {"attempt_1": [[6]], "attempt_2": [[6]]},
            ]})
        );
    }
}
