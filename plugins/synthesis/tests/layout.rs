//! The search for layout rules on tasks made by hand.

use stratagem_dsl::{Grid, Pair, Program, Task};
use stratagem_kit::{Answer, Budget, Ranking, Work};
use stratagem_synthesis::layout;

fn grid(rows: &str) -> Grid {
    rows.parse().expect("a grid")
}

fn answers(task: &Task, work: u64) -> (Vec<Answer>, u64) {
    let mut found = Vec::new();
    let mut budget = Work(work);
    let mut ranking = Ranking::new(task.test.len(), 12);
    layout::search(task, &mut budget, &mut ranking);
    ranking.flush(&mut |answer| found.push(answer));
    (found, budget.left())
}

fn task(train: &[(&str, &str)], test: &str) -> Task {
    let pair = |(input, output): &(&str, &str)| Pair { input: grid(input), output: grid(output) };
    Task { train: train.iter().map(pair).collect(), test: vec![grid(test)] }
}

/// Checks that the most confident answer is the expected one, and that its program says the same.
#[track_caller]
fn check(train: &[(&str, &str)], test: &str, expected: &str) {
    let (found, _) = answers(&task(train, test), 40_000_000);
    let best =
        found.iter().reduce(|a, b| if b.confidence > a.confidence { b } else { a }).expect("an answer");
    assert_eq!(best.grid, grid(expected), "{}", best.rationale);
    let program: Program = best.rationale.split(" (fits").next().unwrap_or("").parse().expect("a program");
    assert_eq!(program.run(&grid(test)).as_ref(), Some(&best.grid), "{}", best.rationale);
}

#[test]
fn lists_colours_by_their_frequency() {
    check(
        &[("110/122/030", "1/2/3"), ("444/056/066", "4/6/5"), ("7770/8888/9900", "8/7/9")],
        "2022/3335/0035",
        "3/2/5",
    );
}

#[test]
fn summarises_blocks_with_noise() {
    check(&[("111000/151050/115000", "10"), ("000333/050353/000333", "03")], "222444/522454/222444", "24");
}

#[test]
fn uncovers_by_symmetry() {
    check(
        &[("12344321/56788765/56788765/12994321", "34"), ("13311331/24422442/24429942/13311331", "24")],
        "12344321/56788765/56799765/12344321",
        "88",
    );
}

#[test]
fn floods_the_fullest_panel() {
    check(
        &[
            ("10511500/00510501", "00511500/00511500"),
            ("22502500/20500502", "22500500/22500500"),
            ("03500533/00530503", "00500533/00500533"),
        ],
        "40504500/00544504",
        "00544500/00544500",
    );
}

#[test]
fn spends_no_more_than_it_has() {
    let task = task(&[("120/003", "1"), ("450/006", "4")], "780/009");
    let (_, left) = answers(&task, 20_000);
    assert_eq!(left, 0);
    assert_eq!(answers(&task, 5_000_000), answers(&task, 5_000_000));
}
