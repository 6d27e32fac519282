//! The breeding on tasks made by hand, and on odd ones.

use stratagem_dsl::{Grid, Pair, Program, Size, Task};
use stratagem_evolution::{Answer, Budget, Work, evolve, search};

const WORK: u64 = 60_000_000;
const MEMORY_BYTES: usize = 32 << 20;

fn grid(rows: &str) -> Grid {
    rows.parse().expect("a grid")
}

fn task(train: &[(&str, &str)], test: &[&str]) -> Task {
    let pair = |(input, output): &(&str, &str)| Pair { input: grid(input), output: grid(output) };
    Task { train: train.iter().map(pair).collect(), test: test.iter().map(|t| grid(t)).collect() }
}

/// A task whose answers are a program's, and the answer to its only test input.
fn task_of(program: &str, train: &[&str], test: &str) -> (Task, Grid) {
    let program: Program = program.parse().expect("a program");
    let pair = |input: &&str| {
        let input = grid(input);
        Pair { output: program.run(&input).expect("an output"), input }
    };
    let task = Task { train: train.iter().map(pair).collect(), test: vec![grid(test)] };
    let wanted = program.run(&task.test[0]).expect("an output");
    (task, wanted)
}

fn answers(task: &Task, work: u64) -> (Vec<Answer>, u64, usize) {
    let (mut found, mut told) = (Vec::new(), 0);
    let mut budget = Work(work);
    search(task, 5, &[], MEMORY_BYTES, &mut budget, &mut |_| told += 1, &mut |a| found.push(a));
    (found, budget.left(), told)
}

fn best(found: &[Answer]) -> &Answer {
    found.iter().reduce(|a, b| if b.confidence > a.confidence { b } else { a }).expect("an answer")
}

const SIZES: [&str; 3] = [
    "3300000/3003300/0003303/3300000/0000333",
    "0303000/3303030/0000033/3300000/0000033",
    "3000033/0033030/0300000/0300303/0300300",
];

#[test]
fn colours_for_sizes_are_learned_with_a_rule_for_all_others() {
    let by_size = "size w(input) by h(input) | tree by (feature size) over (input) : 0=base 3=2 else=1";
    let (task, wanted) = task_of(by_size, &SIZES, "3330003/0000333/3303333/0000000/3033033");
    let (found, ..) = answers(&task, WORK);
    let best = best(&found);
    assert_eq!(best.grid, wanted, "{}", best.rationale);
    assert!(best.confidence > 0.55);
}

#[test]
fn what_is_recoloured_goes_through_further_steps() {
    let then =
        "size w(input) by h(input) | tree by (feature size) over (input) : 0=base 3=2 else=1 > rigid flip-x";
    let (task, wanted) = task_of(then, &SIZES, "3330003/0000333/3303333/0000000/3033033");
    let (found, ..) = answers(&task, 2 * WORK);
    assert!(found.iter().any(|a| a.grid == wanted && a.confidence > 0.55), "{}", best(&found).rationale);
}

#[test]
fn a_program_that_served_another_task_brings_its_shape() {
    let key = "split components around > pick most ink > halo true > smear one up > roll left";
    let program = |rules: &str| format!("size w(input) by h(input) | tree by ({key}) over (input) : {rules}");
    let inputs = ["3000000/0000000/0003300/0003000/0000000", "0000000/0000033/0000033/0000000/3000000"];
    let (task, _) = task_of(&program("0=base else=6"), &inputs, "0000000/0030000/0033000/0030000/0000003");
    let exact = |seeds: &[Program]| {
        let mut exact = false;
        let mut offer = |a: Answer| exact |= a.confidence > 0.55;
        evolve(&task, 5, seeds, &mut Work(3_000_000), &mut |_| {}, &mut offer);
        exact
    };
    assert!(!exact(&[]));
    assert!(exact(&[program("0=base 3=7").parse().expect("a program")]));
}

#[test]
fn the_same_seed_gives_the_same_answers_for_the_same_work() {
    let task = task(&[("120/003", "021/303"), ("300/045", "003/545")], &["700/080", "12/34"]);
    assert_eq!(answers(&task, WORK / 4), answers(&task, WORK / 4));
}

#[test]
fn programs_reproduce_their_answers_and_the_population_is_told_of() {
    let task = task(&[("1020/0300", "0201/0033"), ("4000/0500", "0004/5050")], &["0607/8000"]);
    let (found, _, told) = answers(&task, WORK);
    assert!(told > 0);
    for answer in found {
        let (program, _) = answer.rationale.rsplit_once(" (fits").expect("a rationale");
        let program: Program = program.parse().expect("a program");
        assert_eq!(program.run(&task.test[answer.test_index]).as_ref(), Some(&answer.grid), "{program}");
    }
}

#[test]
fn odd_tasks_end() {
    let cell = grid("5");
    let black = Grid::filled(Size::new(30, 30), 0).expect("a grid");
    let busy = Grid::build(Size::new(30, 30), |x, y| ((x * 7 + y * 3) % 10) as u8).expect("a grid");
    let pair = |a: &Grid, b: &Grid| Pair { input: a.clone(), output: b.clone() };
    let cases = [
        Task { train: vec![], test: vec![cell.clone()] },
        Task { train: vec![pair(&cell, &cell)], test: vec![] },
        Task { train: vec![pair(&cell, &black)], test: vec![cell.clone(), busy.clone()] },
        Task { train: vec![pair(&black, &cell), pair(&busy, &busy)], test: vec![black.clone()] },
        Task { train: vec![pair(&black, &black)], test: vec![cell.clone()] },
        Task { train: vec![pair(&busy, &black), pair(&busy, &busy)], test: vec![busy.clone(); 4] },
    ];
    for task in &cases {
        answers(task, 0);
        answers(task, 5_000_000);
    }
}
