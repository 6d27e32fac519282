//! Learning and solving on tasks made by concepts.

use stratagem_dsl::{Grid, Pair, Program, Size, Task};
use stratagem_imitation::concepts::{self, Concept};
use stratagem_imitation::features::TaskFeatures;
use stratagem_imitation::lessons::example;
use stratagem_imitation::policy::Policy;
use stratagem_imitation::relabel::draw;
use stratagem_imitation::train::{Course, loss, train};
use stratagem_imitation::{Lesson, artifact, chance::Chance, learn, solve};
use stratagem_kit::{Answer, Budget, Work};

fn concept(name: &str) -> &'static Concept {
    concepts::all().find(|c| c.name == name).expect("a concept")
}

fn answers(task: &Task, policy: &Policy, work: u64) -> (Vec<Answer>, u64) {
    let mut found = Vec::new();
    let mut budget = Work(work);
    solve(task, policy, &mut budget, &mut |a| found.push(a));
    (found, budget.left())
}

/// Whether the most confident answer is the right one.
fn solves(name: &str, seed: u64, policy: &Policy) -> bool {
    let made = concept(name).task(seed);
    let (found, _) = answers(&made.task, policy, 20_000_000);
    let best = found.iter().reduce(|a, b| if b.confidence > a.confidence { b } else { a });
    best.is_some_and(|a| a.grid == made.outputs[0])
}

#[test]
fn an_untrained_policy_solves_plain_tasks() {
    let policy = Policy::untrained(1);
    for name in ["flip left and right", "fall down", "transpose", "scale up"] {
        assert!(solves(name, 5, &policy), "{name}");
    }
}

#[test]
fn training_makes_what_was_taken_likelier() {
    let made: Vec<_> = (0..6).map(|seed| concept("crop the largest object").task(seed)).collect();
    let program: Program = "split components beside-alike > pick most ink".parse().unwrap();
    let examples: Vec<_> = made
        .iter()
        .filter_map(|m| example(&program, &m.task.inputs().collect::<Vec<_>>(), &mut Work(u64::MAX)))
        .collect();
    assert!(examples.len() >= 4);
    let (shown, held_out) = examples.split_at(3);
    let mut policy = Policy::untrained(1);
    let before = loss(&policy, held_out);
    let course = Course { examples: shown.iter().map(|e| (e, 10)).collect(), epochs: 3 };
    train(&mut policy, &course, 1, &mut Work(u64::MAX));
    assert!(loss(&policy, held_out) < before / 3.0, "{before} to {}", loss(&policy, held_out));
}

#[test]
fn drawn_programs_solve_the_tasks_that_they_make() {
    let made = concept("fall down").task(3);
    let inputs: Vec<_> = made.task.inputs().collect();
    let drawn = draw(&inputs, 60, &mut Chance::new(9), &mut Work(u64::MAX));
    assert!(drawn.len() > 5, "{}", drawn.len());
    for example in &drawn {
        let train: Option<Vec<Pair>> = inputs[..3]
            .iter()
            .map(|g| Some(Pair { input: (*g).clone(), output: example.program.run(g)? }))
            .collect();
        let task = Task { train: train.expect("an answer to every input"), test: vec![inputs[2].clone()] };
        assert_eq!(TaskFeatures::of(&task), example.features, "{}", example.program);
    }
}

#[test]
fn the_same_lessons_and_seed_give_the_same_policy() {
    let lesson = |name: &str, program: &str| {
        let made = concept(name).task(1);
        Lesson::from_rationale(made.task, made.outputs, &format!("{program} (fits 3 of 3)"))
    };
    let lessons = [lesson("fall down", "gravity down"), lesson("flip left and right", "rigid flip-x")];
    assert!(lessons.iter().all(|l| l.program.is_some()));
    let learned = || learn(&lessons, 4, &mut Work(400_000_000), &mut |_| ());
    let policy = learned();
    assert_eq!(policy, learned());
    assert_eq!(policy.trained_on.len(), 2);
    assert!(policy.examples > 0);
    let kept = artifact::decode(&artifact::encode(&policy)).expect("our own");
    assert_eq!(kept.weights, policy.weights);
    assert!(solves("fall down", 8, &kept));
}

#[test]
fn the_same_search_spends_the_same_and_stops() {
    let made = concept("join like cells of a row").task(2);
    let policy = Policy::untrained(1);
    let once = answers(&made.task, &policy, 5_000_000);
    assert_eq!(once, answers(&made.task, &policy, 5_000_000));
    let empty = Task { train: Vec::new(), test: made.task.test.clone() };
    assert!(answers(&empty, &policy, 1_000_000).0.is_empty());
    assert!(answers(&made.task, &policy, 0).0.len() <= 1);
}

#[test]
fn a_rationale_that_does_not_solve_its_task_is_no_program() {
    let made = concept("fall down").task(1);
    let lesson = Lesson::from_rationale(made.task, made.outputs, "gravity up (fits 3 of 3)");
    assert!(lesson.program.is_none());
}

/// Copies in place, then cells at the corners of what is drawn: no rule sees that in the input.
#[test]
fn rules_are_found_behind_likely_steps() {
    let inputs = [
        &[[0, 0, 0, 0], [0, 5, 0, 0]][..],
        &[[0, 0, 6, 0], [0, 0, 0, 0], [0, 6, 0, 0]],
        &[[0, 0, 0, 0], [0, 4, 0, 0], [0, 0, 0, 0], [4, 0, 0, 0]],
        &[[0, 0, 0, 0], [0, 0, 2, 0], [2, 0, 0, 0]],
    ];
    let text =
        "chain { tile 2 2 } { cells list not drawn corners is 0 & own is as role background : 8 , else own }";
    let program: Program = text.parse().expect("a program");
    let inputs = inputs.map(|rows| Grid::from_rows(rows).expect("a grid"));
    let answered = |g: &Grid| program.run(g).expect("an answer");
    let train = inputs[..3].iter().map(|g| Pair { input: g.clone(), output: answered(g) }).collect();
    let task = Task { train, test: vec![inputs[3].clone()] };
    let (found, _) = answers(&task, &Policy::untrained(1), 600_000_000);
    let best = found.iter().max_by(|a, b| a.confidence.total_cmp(&b.confidence)).expect("an answer");
    assert!(best.grid == answered(&inputs[3]) && best.rationale.starts_with("chain {"), "{}", best.rationale);
}

/// A cross in the middle between two cells, which covers neither of them: one rule draws it, another mends the cells.
#[test]
fn rules_are_found_behind_rules_that_go_part_of_the_way() {
    let dots = |size: usize, ends: [(usize, usize); 2]| {
        let mut g = Grid::filled(Size::new(size, size), 0).expect("a grid");
        ends.iter().for_each(|&(x, y)| g.set(x, y, 1));
        g
    };
    let text = "chain { objects colours black canvas all do paint ray middle cross one-cell 3 } \
                { cells list not touches beside 0 is 1 : role most , else own }";
    let program: Program = text.parse().expect("a program");
    let answered = |g: &Grid| program.run(g).expect("an answer");
    let shown = [dots(10, [(1, 1), (7, 5)]), dots(10, [(2, 8), (6, 2)]), dots(12, [(3, 3), (7, 9)])];
    let asked = dots(11, [(2, 1), (8, 9)]);
    let train = shown.iter().map(|g| Pair { input: g.clone(), output: answered(g) }).collect();
    let task = Task { train, test: vec![asked.clone()] };
    let (found, _) = answers(&task, &Policy::untrained(1), 1_200_000_000);
    let best = found.iter().max_by(|a, b| a.confidence.total_cmp(&b.confidence)).expect("an answer");
    assert!(best.grid == answered(&asked) && best.rationale.starts_with("chain {"), "{}", best.rationale);
}
