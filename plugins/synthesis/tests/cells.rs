//! Learning rules for each cell, on tasks made by hand.

use stratagem_dsl::{Body, Grid, Pair, Program, Size, Task};
use stratagem_kit::{Answer, Budget, Ranking, Work};
use stratagem_synthesis::cells;

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
    let mut ranking = Ranking::new(task.test.len(), 12);
    cells::search(task, &mut budget, &mut ranking);
    ranking.flush(&mut |a| found.push(a));
    (found, budget.left())
}

/// Checks that the best answer to the only test input is the expected one and can be had again from its text.
#[track_caller]
fn check(train: &[(&str, &str)], test: &str, expected: &str) {
    let (found, _) = answers(&task(train, &[test]), WORK);
    let best = found.iter().reduce(|a, b| if b.confidence > a.confidence { b } else { a });
    let best = best.expect("an answer");
    assert_eq!(best.grid, grid(expected), "{}", best.rationale);
    let (program, _) = best.rationale.rsplit_once(" (fits").expect("a rationale");
    let program: Program = program.parse().expect("a program");
    assert!(matches!(program.body, Body::Cells(_)));
    assert_eq!(program.run(&grid(test)), Some(grid(expected)));
}

#[test]
fn cells_between_equal_ones_are_joined() {
    check(
        &[
            ("0000000/0300030/0000000/0200000/0000020", "0000000/0377730/0000000/0200000/0000020"),
            ("500050/000000/004000/400400/000000", "577750/000000/004000/477400/000000"),
        ],
        "0000000/6006000/0000400/0800080/0000000",
        "0000000/6776000/0000400/0877780/0000000",
    );
}

#[test]
fn a_cell_is_known_by_its_neighbours() {
    check(
        &[
            ("00000/00300/03330/00300/00000/00000", "00000/00300/03830/00300/00000/00000"),
            ("0000000/0300030/3330333/0300030", "0000000/0300030/3830383/0300030"),
        ],
        "030000/333000/030030/000333/000030",
        "030000/383000/030030/000383/000030",
    );
}

#[test]
fn a_condition_seen_in_some_directions_holds_in_all() {
    let task = task(
        &[
            ("0000000/5200000/0000000/0000200/0000500", "0000000/5240000/0000400/0000200/0000500"),
            ("00000000/00000250/00000000", "00000000/00004250/00000000"),
        ],
        &["05000/02000/00000/00000"],
    );
    let (found, _) = answers(&task, WORK);
    assert!(found.iter().any(|a| a.grid == grid("05000/02000/04000/00000")), "{found:?}");
}

#[test]
fn colours_spread_along_a_path() {
    check(
        &[
            ("21110/00010/00010/11010/01110", "23330/00030/00030/33030/03330"),
            ("000010/211110/000000/111100/100100", "000030/233330/000000/111100/100100"),
            ("110110/100020/100000/111000", "110330/100020/100000/111000"),
        ],
        "011110/010010/010012/000000/111111",
        "033330/030030/030032/000000/111111",
    );
}

#[test]
fn rays_turn_at_what_they_meet() {
    let task = task(
        &[
            ("50000/00000/00000/20000", "50000/44444/40000/20000"),
            ("000000/005000/000050/000000/002000", "000000/005000/004450/004400/002400"),
        ],
        &["000500/000000/000000/000200"],
    );
    let (found, _) = answers(&task, WORK);
    let turned = |a: &Answer| a.rationale.contains("shoot") && a.grid == grid("000500/000444/000400/000200");
    assert!(found.iter().any(turned), "{found:?}");
}

#[test]
fn a_hidden_patch_is_the_answer() {
    check(
        &[("123321/456654/781187/781187/496654/193321", "5/2"), ("6556/7887/7897/6556", "8")],
        "1221/3443/3943/1221",
        "4",
    );
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
        task(&[("0", "1"), ("1", "0")], &["0", "2"]),
        task(&[("12/34", "12/35"); 10], &["56/78"]),
        Task { train: vec![pair(noise(30, 1), noise(30, 2))], test: vec![noise(30, 3)] },
        Task {
            train: (0..4).map(|i| pair(noise(30, i), noise(30, i + 9))).collect(),
            test: vec![noise(1, 3)],
        },
        Task { train: Vec::new(), test: vec![noise(3, 1)] },
        Task { train: vec![pair(noise(3, 1), noise(3, 2))], test: Vec::new() },
    ];
    for task in &odd {
        for work in [0, 1000, 1_000_000, 20_000_000] {
            let (found, left) = answers(task, work);
            assert!(left <= work);
            assert!(found.iter().all(|a| a.grid.size().fits_task() && (0.0..=1.0).contains(&a.confidence)));
            assert_eq!((found, left), answers(task, work));
        }
    }
}
