//! The search for rules about objects, on tasks made by hand, and on odd ones.

use stratagem_dsl::{Grid, Pair, Program, Size, Task};
use stratagem_kit::Ranking;
use stratagem_synthesis::{Answer, Budget, Work, objects};

fn grid(rows: &str) -> Grid {
    rows.parse().expect("a grid")
}

fn task(train: &[(&str, &str)], test: &str) -> Task {
    let pair = |(input, output): &(&str, &str)| Pair { input: grid(input), output: grid(output) };
    Task { train: train.iter().map(pair).collect(), test: vec![grid(test)] }
}

fn answers(task: &Task, work: u64) -> (Vec<Answer>, u64) {
    let mut budget = Work(work);
    let mut ranking = Ranking::new(task.test.len(), 12);
    objects::search(task, &mut budget, &mut ranking);
    let mut found = Vec::new();
    ranking.flush(&mut |a| found.push(a));
    (found, budget.left())
}

/// Checks that the most confident answer is the expected one, and that its program gives it.
#[track_caller]
fn check(train: &[(&str, &str)], test: &str, expected: &str) {
    let task = task(train, test);
    let (found, _) = answers(&task, objects::WORK_USUAL);
    let best =
        found.iter().reduce(|a, b| if b.confidence > a.confidence { b } else { a }).expect("an answer");
    assert_eq!(best.grid, grid(expected), "{}", best.rationale);
    let program: Program =
        best.rationale.split(" (fits").next().expect("a program").parse().expect("a program");
    assert_eq!(program.run(&task.test[0]), Some(grid(expected)));
}

#[test]
fn paints_the_largest() {
    check(
        &[
            ("330000/330000/000030/300000", "440000/440000/000030/300000"),
            ("030000/000033/000030/000000", "030000/000044/000040/000000"),
            ("333000/000000/003000/000330", "444000/000000/003000/000330"),
        ],
        "300000/000000/033300/003000",
        "300000/000000/044400/004000",
    );
}

#[test]
fn looks_colours_up_by_size() {
    check(
        &[("550000/000050/055500", "220000/000010/033300"), ("500055/000000/055500", "100022/000000/033300")],
        "555000/000000/550005",
        "333000/000000/220001",
    );
}

#[test]
fn moves_until_contact() {
    check(
        &[
            ("000000/001000/000000/222222", "000000/000000/001000/222222"),
            ("000100/000000/000000/222222", "000000/000000/000100/222222"),
            ("010000/000000/000010/222222", "000000/000000/010010/222222"),
        ],
        "000000/100000/000100/222222",
        "000000/000000/100100/222222",
    );
}

#[test]
fn draws_patterns() {
    check(
        &[
            ("000000/001000/000000/000000/000020", "040400/001000/040400/000333/000323"),
            ("000000/020010/000000", "333404/323010/333404"),
        ],
        "000000/010000/000000/000000/000200/000000",
        "404000/010000/404000/003330/003230/003330",
    );
}

#[test]
fn picks_an_object() {
    check(
        &[
            ("11100000/10102220/11102220", "111/101/111"),
            ("00000000/33304440/33304040/00004440", "444/404/444"),
        ],
        "0000000/6606660/6606060/6606660",
        "666/606/666",
    );
}

#[test]
fn summarises_panels() {
    check(
        &[
            ("110500/100500/555555/000501/000500", "70/00"),
            ("000501/001500/555555/020511/000511", "00/07"),
            ("100500/000501/555555/110500/110500", "00/70"),
        ],
        "100511/000510/555555/000500/001500",
        "07/00",
    );
}

#[test]
fn stands_odd_tasks_and_stops_in_time() {
    let noise = |side: usize, step: usize| {
        Grid::build(Size::new(side, side), |x, y| ((x * 7 + y * 13 + x * y * step) % 10) as u8)
            .expect("a grid")
    };
    let pair = |a: usize, b: usize| Pair { input: noise(a, 3), output: noise(b, 5) };
    for (a, b) in [(1, 1), (30, 30), (2, 30), (30, 1), (9, 9)] {
        let task = Task { train: vec![pair(a, b); 4], test: vec![noise(a, 1), noise(1, 1)] };
        answers(&task, objects::WORK_USUAL);
        let (_, left) = answers(&task, 0);
        assert_eq!(left, 0);
    }
    let task = Task { train: vec![pair(20, 20)], test: vec![noise(20, 1)] };
    assert_eq!(answers(&task, 5_000_000), answers(&task, 5_000_000));
}
