use super::board::Turn;
use super::objects::{self, Touch};
use super::*;
use crate::{Grid, LabelledTask, Pair};

/// Tasks of chance: the same every time.
struct Chance(u64);

impl Chance {
    /// A number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        // *Source*: Knuth's MMIX.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn grid(&mut self) -> Grid {
        let (width, height) = (1 + self.below(30) as u32, 1 + self.below(30) as u32);
        // From a grid of one colour to one of noise.
        let (colours, cover) = (1 + self.below(10), 1 + self.below(8));
        let ground = self.below(10) as u8;
        let cells = (0..width * height)
            .map(|_| if self.below(8) < cover { ground } else { self.below(colours) as u8 })
            .collect::<Vec<u8>>();
        Grid::new(width, height, &cells).unwrap()
    }

    /// Some grids keep their size, some are turned copies, some follow from nothing.
    fn task(&mut self) -> Task {
        let how = self.below(4);
        let pairs = 1 + self.below(5);
        let train = (0..pairs).map(|_| {
            let input = self.grid();
            let output = match how {
                0 => self.grid(),
                1 => grid_of(&Board::of(&input).turned(Turn::ALL[pairs as usize])),
                2 => grid_of(&Board::of(&input).scaled(1, 1)),
                _ => {
                    let mut cells = input.cells().to_vec();
                    let at = self.below(cells.len() as u64) as usize;
                    cells[at] = self.below(10) as u8;
                    Grid::new(input.width() as u32, input.height() as u32, &cells).unwrap()
                }
            };
            Pair { input, output }
        });
        let train = train.collect();
        Task { id: "chance".into(), train, test: vec![self.grid()] }
    }
}

fn grid_of(board: &Board) -> Grid {
    Grid::new(board.width as u32, board.height as u32, &board.cells).unwrap()
}

fn grid(rows: &[&str]) -> Grid {
    let rows: Vec<Vec<u8>> = rows.iter().map(|row| row.bytes().map(|digit| digit - b'0').collect()).collect();
    Grid::from_rows(&rows).unwrap()
}

/// A task of pairs of rows, separated by spaces.
fn task(pairs: &[(&str, &str)]) -> Task {
    let of = |text: &str| grid(&text.split(' ').collect::<Vec<_>>());
    let train: Vec<Pair> =
        pairs.iter().map(|&(input, output)| Pair { input: of(input), output: of(output) }).collect();
    Task { id: "any".into(), test: vec![train[0].input.clone()], train }
}

fn changed(task: &Task, change: impl Fn(&Board) -> Board) -> Task {
    let change = |grid: &Grid| grid_of(&change(&Board::of(grid)));
    let pair = |pair: &Pair| Pair { input: change(&pair.input), output: change(&pair.output) };
    Task {
        id: task.id.clone(),
        train: task.train.iter().map(pair).collect(),
        test: task.test.iter().map(change).collect(),
    }
}

fn cosine(one: &Features, other: &Features) -> f32 {
    one.vector().iter().zip(other.vector()).map(|(a, b)| a * b).sum()
}

#[test]
fn each_hint_is_found_where_it_holds_and_not_where_nothing_does() {
    let cases: &[(Hint, &[(&str, &str)])] = &[
        (Hint::Mirror, &[("120 000", "021 000"), ("340 500", "043 005")]),
        (Hint::Rotate, &[("12 34", "31 42"), ("50 60", "65 00")]),
        (Hint::Scale, &[("12 34", "1122 1122 3344 3344")]),
        (Hint::Tile, &[("12 34", "1212 3434")]),
        (Hint::MirrorTile, &[("12 34", "1221 3443")]),
        (Hint::SelfSimilar, &[("10 01", "1000 0100 0010 0001")]),
        (Hint::CombineParts, &[("10501 01501", "11 01"), ("00510 11500", "10 11"), ("11500 00511", "11 11")]),
        (Hint::SelectPart, &[("12500 34501", "12 34"), ("00512 01578", "12 78")]),
        (Hint::Uncover, &[("12312312 23123123 31555531 12555512 23123123 31231231 12312312", "2312 3123")]),
        (
            Hint::ExtractObject,
            &[("000000 012000 021000 000050", "12 21"), ("300000 000000 000670 000760", "67 76")],
        ),
        (Hint::Crop, &[("0123 4567 8901", "12 56")]),
        (Hint::OneColour, &[("0120 0110", "1"), ("3340 3330", "3")]),
        (Hint::Count, &[("10001 00000 00100", "111"), ("00000 01000 00010", "110")]),
        (Hint::ExtendPattern, &[("12 12", "12 12 12 12")]),
        (Hint::Pad, &[("12 34", "0000 0120 0340 0000")]),
        (Hint::Recolour, &[("100 020", "300 040"), ("002 010", "004 030")]),
        (Hint::Gravity, &[("100 020 000", "000 000 120"), ("010 000 300", "000 000 310")]),
        (Hint::Move, &[("1000 0000", "0000 0010"), ("0200 0000", "0000 0002")]),
        (Hint::RecolourObjects, &[("11000 00010 00000", "22000 00030 00000")]),
        (Hint::RepairSymmetry, &[("1221 3003 0553", "1221 3003 3553"), ("6006 7117 8770", "6006 7117 8778")]),
        (Hint::RepairPattern, &[("1212 1212 1992", "1212 1212 1212"), ("3434 9934 3434", "3434 3434 3434")]),
        (Hint::Fill, &[("11110 10010 11110 00000", "11110 14410 11110 00000")]),
        (Hint::Connect, &[("00000 10001 00000", "00000 11111 00000")]),
        (Hint::DrawLines, &[("00000 02000 00000 00000", "00000 22222 00000 00000")]),
        (Hint::Outline, &[("00000 00000 00200 00000 00000", "00000 01110 01210 01110 00000")]),
        (Hint::Draw, &[("0000 0200 0000", "3000 0200 0000")]),
        (Hint::Remove, &[("0010 0220 0000", "0000 0220 0000")]),
    ];
    let tried: Vec<Hint> = cases.iter().map(|(hint, _)| *hint).collect();
    assert_eq!(tried, Hint::ALL, "a case for every hint, in their order");
    for (hint, pairs) in cases {
        let found = Features::of(&task(pairs));
        assert!(found.hints.contains(hint), "{hint:?}: {:?}", found.hints);
        // However it lies and whatever its colours.
        for turn in Turn::ALL {
            let turned = Features::of(&changed(&task(pairs), |board| board.turned(turn)));
            assert!(turned.hints.contains(hint), "{hint:?} turned by {turn:?}: {:?}", turned.hints);
        }
        let same = Features::of(&task(&[("12030 40506 00700", "12030 40506 00700")]));
        assert!(!same.hints.contains(hint), "{hint:?} of a pair that is the same");
        let unlike =
            Features::of(&task(&[("12030 40506 00700", "98 67 55 12"), ("01 20", "333 444 567 891")]));
        assert!(!unlike.hints.contains(hint), "{hint:?} of what has no rule");
    }
}

#[test]
fn each_size_relation_is_told() {
    let cases: &[(SizeRelation, &[(&str, &str)])] = &[
        (SizeRelation::Same, &[("12", "21"), ("123 456", "111 222")]),
        (SizeRelation::Transposed, &[("12", "1 2"), ("123 456", "14 25 36")]),
        (SizeRelation::Multiple, &[("12", "1212 1212"), ("1 2", "11 22 11 22")]),
        (SizeRelation::Fraction, &[("1200 3400", "12 34"), ("120056 340078", "120 340")]),
        (SizeRelation::Constant, &[("120", "12 34"), ("1", "12 34")]),
        (SizeRelation::Constant, &[("120 000", "1"), ("120 005", "2")]),
        (SizeRelation::Object, &[("0000 0110 0000", "33"), ("00000 01000 01000 00000", "4 5")]),
        (SizeRelation::Grows, &[("12", "123"), ("1", "11 22")]),
        (SizeRelation::Shrinks, &[("123", "12"), ("1234 5678", "123")]),
        (SizeRelation::Mixed, &[("123", "12"), ("12", "123")]),
    ];
    for (relation, pairs) in cases {
        let found = Features::of(&task(pairs)).size_relation;
        assert_eq!(found, *relation, "{pairs:?}");
        assert_eq!(SizeRelation::parse(found.as_str()), Some(found));
    }
}

#[test]
fn objects_are_counted_by_how_they_touch() {
    let board = Board::of(&grid(&["1000", "0100", "0020", "3300"]));
    let count = |touch| objects::of(&board, 0, touch).len();
    assert_eq!((count(Touch::Four), count(Touch::Eight), count(Touch::AnyColour)), (4, 3, 1));
    let found = ObjectCounts { four: 4, eight: 3, any_colour: 1, single_cells: 1, rectangles: 1, largest: 2 };
    assert_eq!(GridFeatures::of(&board, 0).objects, found);
}

#[test]
fn symmetries_and_periods_are_those_of_the_grid() {
    let of = |rows: &[&str]| {
        let board = Board::of(&grid(rows));
        (Symmetry::of(&board).each(), Period::of(&board))
    };
    let none = Period::default();
    assert_eq!(of(&["121", "345"]), ([false; 6], none));
    assert_eq!(of(&["121", "343"]), ([true, false, false, false, false, false], none));
    assert_eq!(of(&["12", "34", "12"]), ([false, true, false, false, false, false], none));
    assert_eq!(of(&["12", "23"]), ([false, false, true, false, false, false], none));
    assert_eq!(of(&["12", "31"]), ([false, false, false, true, false, false], none));
    assert_eq!(of(&["12", "34", "21"]).0, [false; 6]);
    assert_eq!(of(&["123", "321"]), ([false, false, false, false, true, false], none));
    assert_eq!(of(&["0120", "2001", "1002", "0210"]).0, [false, false, false, false, true, true]);
    assert_eq!(of(&["1212", "1212"]).1, Period { rows: Some(1), columns: Some(2) });
}

#[test]
fn test_outputs_never_enter() {
    let mut chance = Chance(7);
    for _ in 0..50 {
        let task = chance.task();
        let tests: Vec<Grid> = task.test.clone();
        let with = |outputs: &mut dyn FnMut() -> Option<Grid>| {
            let tests = tests.iter().map(|input| (input.clone(), outputs())).collect();
            LabelledTask::new("a", task.train.clone(), tests).unwrap()
        };
        let (one, other, none) =
            (with(&mut || Some(chance.grid())), with(&mut || Some(grid(&["9"]))), with(&mut || None));
        assert_ne!(one.digest(), other.digest());
        let features = Features::of(&one.task);
        assert_eq!(Features::of(&other.task), features);
        assert_eq!(Features::of(&none.task), features);
        assert_eq!(Features::of(&other.task).vector(), features.vector());
    }
}

#[test]
fn colours_have_no_numbers() {
    let mut chance = Chance(11);
    for _ in 0..200 {
        let task = chance.task();
        let mut colours: Vec<u8> = (0..10).collect();
        for at in 1..10 {
            colours.swap(at, chance.below(at as u64 + 1) as usize);
        }
        let recoloured = changed(&task, |board| Board {
            cells: board.cells.iter().map(|&cell| colours[usize::from(cell)]).collect(),
            ..board.clone()
        });
        let (before, after) = (Features::of(&task), Features::of(&recoloured));
        assert_eq!(
            (after.size_relation, &after.hints, &after.motifs),
            (before.size_relation, &before.hints, &before.motifs)
        );
        assert_eq!(after.family(), before.family());
        assert_eq!(after.background, before.background.map(|colour| colours[usize::from(colour)]));
        for (one, other) in before.pairs.iter().zip(&after.pairs) {
            assert_eq!((one.input.objects, one.output.objects), (other.input.objects, other.output.objects));
            assert_eq!(one.input.symmetry, other.input.symmetry);
        }
        assert_eq!(after.vector(), before.vector());
    }
}

#[test]
fn a_turned_task_stays_where_it_was() {
    let mut chance = Chance(13);
    for _ in 0..200 {
        let task = chance.task();
        let before = Features::of(&task);
        for turn in Turn::ALL {
            let after = Features::of(&changed(&task, |board| board.turned(turn)));
            let (one, other) = (before.first().symmetry, after.first().symmetry);
            assert_eq!((one.half_turn, one.quarter_turn), (other.half_turn, other.quarter_turn));
            let count = |symmetry: Symmetry| symmetry.each().iter().filter(|&&holds| holds).count();
            assert_eq!(count(one), count(other));
            assert!(cosine(&before, &after) > 0.97, "{turn:?}: {}", cosine(&before, &after));
        }
    }
}

#[test]
fn transposing_swaps_the_axes_of_symmetry() {
    let mut chance = Chance(17);
    for _ in 0..200 {
        let half = chance.grid();
        let board = Board::of(&half);
        // Two halves that mirror one another, so that there is something to swap.
        let mirrored = board.turned(Turn::TOP_BOTTOM);
        let cells = [&board.cells[..], &mirrored.cells].concat();
        let board = Board { width: board.width, height: board.height * 2, cells };
        let (one, other) = (Symmetry::of(&board), Symmetry::of(&board.turned(Turn::DIAGONAL)));
        assert!(one.top_bottom && other.left_right);
        assert_eq!(
            (one.left_right, one.diagonal, one.half_turn),
            (other.top_bottom, other.diagonal, other.half_turn)
        );
    }
}

#[test]
fn every_task_has_features_that_are_whole() {
    let mut chance = Chance(19);
    for _ in 0..300 {
        let task = chance.task();
        let features = Features::of(&task);
        let vector = features.vector();
        assert_eq!(vector.len(), DIMENSION);
        assert!(vector.iter().all(|value| value.is_finite()));
        let length = vector.iter().map(|value| value * value).sum::<f32>();
        assert!((length - 1.0).abs() < 1e-4, "{length}");
        let text = serde_json::to_string(&features).unwrap();
        assert_eq!(serde_json::from_str::<Features>(&text).unwrap(), features);
    }
}

#[test]
fn the_largest_task_takes_no_long_time() {
    let noise: Vec<u8> = (0..900_u32).map(|at| (at * at / 7 % 10) as u8).collect();
    let full = Grid::new(30, 30, &noise).unwrap();
    let solid = Grid::new(30, 30, &[0; 900]).unwrap();
    for (input, output) in [(&full, &full), (&solid, &full), (&full, &solid), (&solid, &solid)] {
        let pair = Pair { input: input.clone(), output: output.clone() };
        let task = Task {
            id: "large".into(),
            train: vec![pair; Task::MAX_PAIRS],
            test: vec![input.clone(); Task::MAX_TESTS],
        };
        let started = std::time::Instant::now();
        assert_eq!(Features::of(&task).pairs.len(), Task::MAX_PAIRS);
        // Some 20 ms; a test that looked at every rectangle would take minutes.
        assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
    }
}

#[test]
fn near_tasks_are_alike() {
    let crop = |rows: &[&str]| {
        let inside: Vec<&str> = rows[1..3].iter().map(|row| &row[1..3]).collect();
        (rows.join(" "), inside.join(" "))
    };
    let crops =
        [crop(&["00000", "01200", "03100", "00000"]), crop(&["000000", "045000", "054000", "000000"])];
    let other = [
        crop(&["00000000", "06700000", "07600000", "00000000"]),
        crop(&["00000", "08900", "09800", "00000"]),
    ];
    let of = |pairs: &[(String, String)]| {
        let pairs: Vec<_> = pairs.iter().map(|(input, output)| (input.as_str(), output.as_str())).collect();
        Features::of(&task(&pairs))
    };
    let lines = Features::of(&task(&[("00000 02000 00000 00000", "00000 22222 00000 00000")]));
    let (one, two) = (of(&crops), of(&other));
    assert_eq!(one.family(), two.family());
    assert!(cosine(&one, &two) > cosine(&one, &lines) + 0.3);
}
