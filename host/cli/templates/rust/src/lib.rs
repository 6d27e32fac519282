//! A strategy: which rules explain all demonstrations of a task, and what do they make of its test inputs?

mod rules;

use stratagem_sdk::{Answer, Description, Grid, Run, Strategy, Task, export};

use crate::rules::{RULES, Rule};

struct Plugin;

impl Strategy for Plugin {
    fn describe() -> Description {
        Description::new(
            "{{name}}",
            env!("CARGO_PKG_VERSION"),
            "program_synthesis",
            env!("CARGO_PKG_DESCRIPTION"),
        )
    }

    /// The only place that talks to the host: what is offered counts, however the run ends.
    fn solve(task: &Task, run: &Run) -> Result<(), String> {
        for answer in answers(task) {
            run.step("offer", &answer.rationale, true);
            run.offer(&answer)?;
        }
        Ok(())
    }
}

export!(Plugin);

/// The answers, one by one as they are found. A plain function, so that tests need no sandbox.
fn answers(task: &Task) -> impl Iterator<Item = Answer> {
    let explaining = RULES
        .iter()
        .filter_map(|&(name, rule)| Some((name, rule, colours(task, rule)?)));
    explaining.flat_map(|(name, rule, colours)| {
        let inputs = task.test.iter().enumerate();
        inputs.map(move |(index, input)| {
            let output = recoloured(&rule(input), &colours);
            Answer::new(index, output, 0.9, format!("{name}, then recoloured"))
        })
    })
}

/// What each of the ten colours becomes; none where no demonstration shows it.
type Colours = [Option<u8>; 10];

/// The change of colours that together with a rule explains every demonstration; none where there is none.
fn colours(task: &Task, rule: Rule) -> Option<Colours> {
    let mut colours = Colours::default();
    for pair in &task.train {
        let (before, after) = (rule(&pair.input), &pair.output);
        if (before.width, before.height) != (after.width, after.height) {
            return None;
        }
        for (&from, &to) in before.cells.iter().zip(&after.cells) {
            if *colours[usize::from(from)].get_or_insert(to) != to {
                return None;
            }
        }
    }
    Some(colours)
}

/// A grid in other colours; a colour that was never shown stays.
fn recoloured(grid: &Grid, colours: &Colours) -> Grid {
    let mut output = grid.clone();
    for cell in &mut output.cells {
        *cell = colours[usize::from(*cell)].unwrap_or(*cell);
    }
    output
}

#[cfg(test)]
mod tests {
    use super::*;
    use stratagem_sdk::Pair;

    fn grid(rows: &[&[u8]]) -> Grid {
        Grid {
            width: rows[0].len() as u32,
            height: rows.len() as u32,
            cells: rows.concat(),
        }
    }

    fn task(input: Grid, output: Grid, test: Grid) -> Task {
        Task {
            id: "small".into(),
            train: vec![Pair { input, output }],
            test: vec![test],
        }
    }

    #[test]
    fn rows_are_mirrored_and_red_becomes_blue() {
        let task = task(
            grid(&[&[0, 2, 2]]),
            grid(&[&[1, 1, 0]]),
            grid(&[&[2, 0, 0]]),
        );
        let answers: Vec<Answer> = answers(&task).collect();
        assert_eq!(answers.len(), 1);
        assert_eq!(answers[0].output, grid(&[&[0, 0, 1]]));
    }

    #[test]
    fn a_demonstration_that_no_rule_explains_gives_no_answer() {
        let task = task(grid(&[&[3, 3]]), grid(&[&[1, 2]]), grid(&[&[3, 3]]));
        assert_eq!(answers(&task).count(), 0);
    }
}
