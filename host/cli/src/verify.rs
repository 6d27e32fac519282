//! The host's own look at an answer: where its rationale is a program of the DSL, it is run again.

use stratagem_domain::{Answer, Grid, Task};
use stratagem_dsl as dsl;
use stratagem_solve::{Check, Verifier};

/// Bytes of a program that is run: what plugins say is not trusted to be short.
const LONGEST: usize = 2_000;

/// Runs programs of the DSL.
pub struct Programs;

impl Verifier for Programs {
    fn check(&self, task: &Task, answer: &Answer) -> Check {
        // Programs are total; were one not, that would be our fault, and no answer is worth the work of others.
        std::panic::catch_unwind(|| looked_at(task, answer)).unwrap_or(Check::NoProgram)
    }
}

fn looked_at(task: &Task, answer: &Answer) -> Check {
    let Some(program) = program(&answer.rationale) else { return Check::NoProgram };
    let gives = |input: &Grid, wanted: &Grid| {
        program.run(&to_dsl(input)).is_some_and(|found| found == to_dsl(wanted))
    };
    if !task.test.get(answer.test_index).is_some_and(|input| gives(input, &answer.grid)) {
        return Check::Contradicted;
    }
    let fits = task.train.iter().filter(|pair| gives(&pair.input, &pair.output)).count();
    Check::Program { fits, pairs: task.train.len(), steps: steps(&answer.rationale) }
}

/// The program that a rationale names: up to the remark in brackets at its end.
fn program(rationale: &str) -> Option<dsl::Program> {
    let text = text_of(rationale);
    (text.len() <= LONGEST).then(|| text.parse().ok()).flatten()
}

fn text_of(rationale: &str) -> &str {
    rationale.rsplit_once(" (fits").map_or(rationale, |(program, _)| program)
}

/// How long a program is: its words.
fn steps(rationale: &str) -> usize {
    text_of(rationale).split_whitespace().count()
}

pub fn to_dsl(grid: &Grid) -> dsl::Grid {
    let size = dsl::Size::new(grid.width(), grid.height());
    let cells = grid.rows().flatten().copied().collect();
    dsl::Grid::from_cells(size, cells).unwrap_or_else(|| unreachable!("a task's grid is a grid of the DSL"))
}

#[cfg(test)]
mod tests {
    use stratagem_domain::Pair;

    use super::*;

    fn grid(rows: &[&[u8]]) -> Grid {
        Grid::new(rows[0].len() as u32, rows.len() as u32, &rows.concat()).unwrap()
    }

    #[test]
    fn a_program_is_run_a_lie_is_seen_and_words_are_let_be() {
        let (left, right) = (grid(&[&[1, 0]]), grid(&[&[0, 1]]));
        let pair = |input: &Grid, output: &Grid| Pair { input: input.clone(), output: output.clone() };
        let task = Task {
            id: "t".into(),
            train: vec![pair(&left, &right), pair(&left, &left)],
            test: vec![right.clone()],
        };
        let check = |grid: &Grid, rationale: &str| {
            let rationale = rationale.to_owned();
            Programs.check(&task, &Answer { test_index: 0, grid: grid.clone(), confidence: 0.5, rationale })
        };
        let mirror = dsl::Transform::all().iter().find(|step| {
            let value = dsl::Value::One(to_dsl(&left));
            step.apply(&value, None) == Some(dsl::Value::One(to_dsl(&right)))
                && step.to_string().contains("flip")
        });
        let text = format!("{} (fits 1 of 2)", mirror.unwrap());
        assert_eq!(check(&left, &text), Check::Program { fits: 1, pairs: 2, steps: steps(&text) });
        assert_eq!(check(&right, &text), Check::Contradicted);
        assert_eq!(check(&right, "a guess"), Check::NoProgram);
        assert_eq!(check(&right, &"input > ".repeat(400)), Check::NoProgram);
    }
}
