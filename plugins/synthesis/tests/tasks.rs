//! The search on tasks made by hand, and on odd ones.

use stratagem_dsl::{Grid, Pair, Size, Task};
use stratagem_synthesis::{Answer, Budget, Limits, Work, search};

const WORK: u64 = 60_000_000;

fn grid(rows: &str) -> Grid {
    rows.parse().expect("a grid")
}

fn task(train: &[(&str, &str)], test: &[&str]) -> Task {
    let pair = |(input, output): &(&str, &str)| Pair { input: grid(input), output: grid(output) };
    Task { train: train.iter().map(pair).collect(), test: test.iter().map(|t| grid(t)).collect() }
}

fn answers(task: &Task, work: u64) -> (Vec<Answer>, u64) {
    let mut found = Vec::new();
    let mut budget = Work(work);
    search(task, Limits::default(), &mut budget, &mut |a| found.push(a));
    (found, budget.left())
}

/// Checks that the most confident answer to the only test input is the expected one.
#[track_caller]
fn check(train: &[(&str, &str)], test: &str, expected: &str) {
    let (found, _) = answers(&task(train, &[test]), WORK);
    let best = found.iter().reduce(|a, b| if b.confidence > a.confidence { b } else { a });
    let best = best.expect("an answer");
    assert_eq!(best.grid, grid(expected), "{}", best.rationale);
}

#[test]
fn flips() {
    check(&[("120/000", "021/000"), ("300/045", "003/540")], "700/080", "007/080");
}

#[test]
fn recolours() {
    check(&[("101/010", "202/020"), ("110/000", "220/000")], "011/101", "022/202");
}

#[test]
fn crops_the_largest_object() {
    check(
        &[
            ("00000/02200/02000/00003/00000", "22/20"),
            ("40000/00055/00050/00000/10000", "55/50"),
            ("00600/06600/00000/00007/00007", "06/66"),
        ],
        "80000/80000/88000/00003/00003",
        "80/80/88",
    );
}

#[test]
fn tiles() {
    check(&[("12/34", "1212/3434"), ("50/06", "5050/0606")], "70/77", "7070/7777");
}

#[test]
fn combines_panels() {
    check(
        &[("10511/01510", "10/00"), ("11501/10511", "01/10"), ("01510/11511", "00/11")],
        "11510/01501",
        "10/01",
    );
}

#[test]
fn fills_holes_in_a_fixed_colour() {
    check(
        &[("03330/03030/03330", "03330/03430/03330"), ("3330/3030/3330", "3330/3430/3330")],
        "00333/00303/00333",
        "00333/00343/00333",
    );
}

#[test]
fn the_same_task_gives_the_same_answers_for_the_same_work() {
    let task = task(&[("120/003", "021/300"), ("300/045", "003/540")], &["700/080", "12/34"]);
    assert_eq!(answers(&task, WORK), answers(&task, WORK));
}

#[test]
fn programs_reproduce_their_answers() {
    let task = task(&[("1020/0300", "0201/0030"), ("4000/0500", "0004/0050")], &["0607/8000"]);
    for answer in answers(&task, WORK).0 {
        let (program, _) = answer.rationale.rsplit_once(" (fits").expect("a rationale");
        let program: stratagem_dsl::Program = program.parse().expect("a program");
        assert_eq!(program.run(&task.test[answer.test_index]), Some(answer.grid));
    }
}

/// A grid whose colours follow from a seed.
fn noise(side: usize, seed: u64) -> Grid {
    let mut state = seed;
    Grid::build(Size::new(side, side), |_, _| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 60) as u8 % 10
    })
    .expect("a grid")
}

#[test]
fn odd_tasks_are_searched_within_bounds() {
    let pair = |input: Grid, output: Grid| Pair { input, output };
    let odd = [
        task(&[("1", "1")], &["2"]),
        task(&[("0", "0"), ("0", "0")], &["0"]),
        task(&[("12", "3"), ("45", "3"), ("6", "3")], &["78", "9"]),
        task(&[("12/34", "1/2"); 10], &["56/78"]),
        task(&[("12", "21")], &["34", "56", "789"]),
        Task { train: vec![pair(noise(30, 1), noise(30, 2))], test: vec![noise(30, 3)] },
        Task {
            train: (0..4).map(|i| pair(noise(5 + i, 1), noise(30 - i, 2))).collect(),
            test: vec![noise(1, 3), noise(30, 4)],
        },
        Task { train: Vec::new(), test: vec![noise(3, 1)] },
        Task { train: vec![pair(noise(3, 1), noise(3, 1))], test: Vec::new() },
    ];
    for (i, task) in odd.iter().enumerate() {
        let (found, _) = answers(task, 20_000_000);
        for test in 0..task.test.len() {
            let of_test: Vec<&Answer> = found.iter().filter(|a| a.test_index == test).collect();
            assert!(of_test.len() <= Limits::default().answers, "task {i}");
            assert!(of_test.iter().all(|a| a.grid.size().fits_task() && (0.0..=1.0).contains(&a.confidence)));
        }
    }
    assert!(answers(&odd[2], WORK).0.iter().any(|a| a.grid == grid("3")));
}

#[test]
fn no_work_means_no_answers_and_no_panic() {
    let task = task(&[("12/34", "12/34")], &["56/78"]);
    for work in [0, 1, 1000, 100_000] {
        let (found, left) = answers(&task, work);
        assert!(left <= work && found.len() <= Limits::default().answers);
    }
}
