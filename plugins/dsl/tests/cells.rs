//! Rules for each cell: as text and back, on every grid, and on small ones by hand.

use proptest::prelude::*;
use stratagem_dsl::cells::{
    CellRule, Clause, Fact, Growth, Heading, Ink, List, Literal, Meet, Mend, Pass, Reach, Ring, Scene, Shoot,
    Spread, Symmetry, Test,
};
use stratagem_dsl::lines::Direction;
use stratagem_dsl::{Body, Grid, Program, Size, View};

fn grid(rows: &str) -> Grid {
    rows.parse().expect("a grid")
}

#[track_caller]
fn check(rule: &str, input: &str, expected: Option<&str>) {
    let rule: CellRule = rule.parse().expect("a rule");
    assert_eq!(rule.run(&grid(input)), expected.map(grid), "{rule}");
}

#[test]
fn lists_paint_by_the_first_clause_that_holds() {
    check(
        "list own is 0 & sees left is as sees right : sees left , else own",
        "1001/1002",
        Some("1111/1002"),
    );
    check("list own is 3 : 4 , not own is 0 : 5 , else own", "302", Some("405"));
    check("list group patch holes is 1 : 8 , else own", "1110/1010/1110", Some("8880/8080/8880"));
    check("list else next left", "12", None);
}

#[test]
fn growth_goes_on_until_nothing_changes() {
    check("grow next left = 2 : same if own is 0", "20040", Some("22240"));
    check("grow ring beside = any : 3 if own is 0", "0100/5550/0000", Some("3133/5553/3333"));
}

#[test]
fn rays_stop_turn_and_rebound() {
    check("shoot one right , same , stop , no other , open , 1 , if own is 2", "2005", Some("2225"));
    check("shoot one up , 4 , right , no other , open , 1 , if own is 2", "500/000/200", Some("500/444/200"));
    check(
        "shoot one up-right , same , bounce , no other , walled , 1 , if own is 2",
        "000/000/000/200",
        Some("020/202/020/202"),
    );
    check(
        "shoot horizontal , same , through , no other , open , 2 , if own is 2",
        "00200500",
        Some("20202520"),
    );
}

#[test]
fn hidden_cells_are_uncovered() {
    check("mend 9 mirrors patch", "1231/4994/4564/1231", Some("56"));
    check("mend 9 mirrors whole", "12321/45654/12391", Some("12321/45654/12321"));
    check("mend 9 mirrors patch", "12321/45654/12399", Some("21"));
    check("mend 9 shifts whole", "123123/312312/231991", Some("123123/312312/231231"));
}

#[test]
fn rules_are_told_in_words() {
    let rule: CellRule = "list own is 0 : 3 , else own".parse().expect("a rule");
    assert_eq!(
        rule.explain(),
        "a cell where own is 0 becomes colour 3, else every other cell becomes what it was."
    );
}

#[test]
fn four_quarter_turns_change_nothing() {
    for &fact in Fact::all() {
        assert_eq!(fact.turned().turned().turned().turned(), fact, "{fact}");
    }
}

fn literals() -> impl Strategy<Value = Literal> {
    let facts = || (0..Fact::all().len()).prop_map(|i| Fact::all()[i]);
    let tests = prop_oneof![
        (0u8..10).prop_map(Test::Is),
        facts().prop_map(Test::IsAs),
        (0u8..40).prop_map(Test::AtMost),
        Just(Test::Odd),
    ];
    (facts(), tests, any::<bool>()).prop_map(|(fact, test, negated)| Literal { fact, test, negated })
}

fn passes() -> impl Strategy<Value = Pass> {
    let when = || prop::collection::vec(literals(), 0..3);
    let inks = || {
        prop_oneof![
            (0u8..10).prop_map(Ink::Colour),
            Just(Ink::As(Fact::Own)),
            Just(Ink::As(Fact::Sees(Direction::Up)))
        ]
    };
    let colour = || prop::option::of(0u8..10);
    let clauses = (when(), inks()).prop_map(|(when, ink)| Clause { when, ink });
    let lists = (prop::collection::vec(clauses, 0..4), inks())
        .prop_map(|(clauses, otherwise)| Pass::List(List { clauses, otherwise }));
    let reaches = prop::sample::select(vec![
        Reach::Next(Direction::DownLeft),
        Reach::Ring(Ring::Beside),
        Reach::Ring(Ring::Around),
    ]);
    let spreads = (when(), reaches, colour(), colour()).prop_map(|(when, reach, from, ink)| Spread {
        when,
        reach,
        from,
        ink,
    });
    let growths = prop::collection::vec(spreads, 1..4).prop_map(|s| Pass::Growth(Growth(s)));
    let meets = || prop::sample::select(vec![Meet::Stop, Meet::Over, Meet::Left, Meet::Bounce, Meet::Dye]);
    let rays = (
        when(),
        prop::sample::select(Heading::ALL.to_vec()),
        colour(),
        meets(),
        prop::option::of((0u8..10, meets())),
        any::<bool>(),
        1u8..3,
    )
        .prop_map(|(when, heading, ink, meet, but, edges, step)| {
            Pass::Shoot(Shoot { when, heading, ink, meet, but, edges, step })
        });
    let mends = (0u8..10, prop::sample::select(Symmetry::ALL.to_vec()), any::<bool>())
        .prop_map(|(mask, by, patch)| Pass::Mend(Mend { mask, by, patch }));
    prop_oneof![lists, growths, rays, mends]
}

fn grids() -> impl Strategy<Value = Grid> {
    (1usize..=30, 1usize..=30, 2u8..=10).prop_flat_map(|(w, h, colours)| {
        prop::collection::vec(0..colours, w * h)
            .prop_map(move |cells| Grid::from_cells(Size::new(w, h), cells).expect("a valid grid"))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn programs_of_cells_print_and_parse_back(passes in prop::collection::vec(passes(), 1..3)) {
        let body = Body::Cells(Box::new(CellRule(passes)));
        let cells = Program { view: View::Plain, size: None, body };
        let product = Body::Product { coarse: Box::new(cells.clone()), fine: Box::new(cells.clone()) };
        for program in [cells, Program { view: View::Background, size: None, body: product }] {
            let text = program.to_string();
            prop_assert_eq!(text.parse::<Program>(), Ok(program), "{}", text);
        }
    }

    #[test]
    fn rules_never_panic(g in grids(), passes in prop::collection::vec(passes(), 1..3)) {
        if let Some(out) = CellRule(passes).run(&g) {
            prop_assert!(out.cells().iter().all(|&c| c < 10));
        }
    }

    #[test]
    fn every_fact_has_a_value_at_every_cell(g in grids()) {
        let scene = Scene::new(&g);
        for &fact in Fact::all() {
            let layer = scene.layer(fact);
            prop_assert_eq!(layer.len(), g.area());
            prop_assert!(!fact.is_colour() || layer.iter().all(|&c| c <= 10), "{}", fact);
        }
    }
}
