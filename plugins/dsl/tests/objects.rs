//! What rules about objects do, by example, and what holds of all of them.

use stratagem_dsl::scene::{
    Action, Area, Aspect, Axis, Backdrop, Clause, Compass, Crop, Dot, Form, Grouping, Heading, Level,
    ObjectRule, Origin, Paint, Parsing, Part, Property, Reach, Relation, Shift, Symmetry, Target, Test, Turn,
};
use stratagem_dsl::{Body, Grid, Program, Size, View};

fn grid(rows: &str) -> Grid {
    rows.parse().expect("a grid")
}

#[track_caller]
fn check(rule: &str, input: &str, expected: &str) {
    let program: Program = format!("objects {rule}").parse().expect("a rule");
    let found = program.run(&grid(input)).map_or("nothing".to_string(), |g| g.to_string());
    assert_eq!(found, expected, "{rule} on {input}");
}

#[test]
fn paints() {
    check("beside-alike black canvas where size most do paint body 5", "1100/0002", "5500/0002");
    check("beside-alike black canvas all do paint body map size 2 1 7 2 8", "3300/0003", "8800/0007");
    check("around black canvas all do paint holes 4", "3330/3030/3330", "3330/3430/3330");
    check("cells black canvas all do paint ray whole right to-contact own", "0200/3003", "0222/3333");
    check("beside-alike black canvas where colour is 2 do paint body background", "0201", "0001");
}

#[test]
fn first_clause_that_passes_counts() {
    let rule = "beside-alike black canvas where colour is 2 do paint body 3 ; all do paint body 4";
    check(rule, "0201", "0304");
}

#[test]
fn moves() {
    check("cells black canvas where colour is 1 do move toward nearest to-contact", "1003", "0013");
    check("beside-alike black canvas all do move down to-edge", "12/00/00", "00/00/12");
    check(
        "beside-alike black canvas where size least do go-to largest",
        "02220/00000/10000",
        "02120/00000/00000",
    );
    check("around black canvas all do reflect right", "1200", "1221");
    check("around black canvas where colours least do become motley", "12000/00003", "12000/00012");
}

#[test]
fn picks() {
    check("around black crop box where holes most", "1110000/1010022/1110002", "111/101/111");
    check("panels black lattice where ink-cells most do paint body 7", "10511/00500/55555/00501", "07/00");
}

#[test]
fn does_nothing_where_an_action_does_not_apply() {
    check("beside-alike black canvas all do become motley", "1002", "nothing");
    check("panels black lattice all do paint body 7", "1002", "nothing");
}

#[test]
fn explains_itself() {
    let rule: ObjectRule = "cells black canvas where size most do turn flip-x".parse().expect("a rule");
    assert_eq!(
        rule.explain(),
        "Objects are cells, the black colour being nothing.\nWhere size most: turn flip-x.\n\
         Those that no line names stay as they are."
    );
}

fn headings() -> Vec<Heading> {
    let mut all: Vec<Heading> = Compass::ALL.iter().map(|&c| Heading::Fixed(c)).collect();
    for &t in Target::ALL {
        all.extend([Heading::Toward(t), Heading::Facing(t), Heading::Away(t)]);
    }
    all.extend([Heading::Lean, Heading::Against]);
    all
}

fn paints_of_all_kinds() -> Vec<Paint> {
    let mut all: Vec<Paint> = Part::ALL.iter().map(|&p| Paint::Of(p)).collect();
    all.extend(Target::ALL.iter().map(|&t| Paint::From(t)));
    all.extend([Paint::Fixed(9), Paint::Map(Property::CellsOf(2), vec![(0, 1), (-3, 2)])]);
    all
}

fn actions() -> Vec<Action> {
    let mut areas = vec![Area::Body, Area::Minority, Area::Majority, Area::Rim, Area::Core, Area::Holes];
    areas.extend([Area::Gaps, Area::Halo, Area::Frame]);
    areas.extend(Compass::ALL.iter().map(|&c| Area::Half(c)));
    areas.extend(Axis::ALL.iter().map(|&a| Area::Link(a)));
    for &reach in Reach::ALL {
        for &origin in Origin::ALL {
            areas.extend(headings().into_iter().map(|heading| Area::Ray { heading, reach, origin }));
        }
    }
    let mut all: Vec<Action> = areas.into_iter().map(|a| Action::Paint(a, Paint::Fixed(3))).collect();
    all.extend(paints_of_all_kinds().into_iter().map(|p| Action::Paint(Area::Body, p)));
    for heading in headings() {
        for &shift in Shift::ALL {
            all.extend([false, true].map(|copy| Action::Move { heading, shift, copy }));
            all.push(Action::Repeat { heading, shift });
        }
        all.push(Action::Reflect(heading));
    }
    all.extend(Turn::ALL.iter().map(|&t| Action::Turn(t)));
    all.extend(Symmetry::ALL.iter().map(|&s| Action::Symmetrise(s)));
    for &t in Target::ALL {
        all.extend([Action::Become(t), Action::Goto(t)]);
        all.extend(Level::ALL.iter().map(|&l| Action::Align(l, t)));
    }
    let dots = vec![Dot { x: -4, y: 30, colour: Some(4) }, Dot { x: 0, y: -1, colour: None }];
    all.extend([Action::Exchange, Action::Stamp(dots)]);
    all
}

fn tests() -> Vec<Test> {
    let mut properties: Vec<Property> = Aspect::ALL.iter().map(|&a| Property::Of(a)).collect();
    properties.extend([Property::CellsOf(1), Property::Beside(0)]);
    let relations = [Relation::Is(-1), Relation::Over(1), Relation::Most, Relation::Least, Relation::Odd];
    let test =
        |property| relations.map(|relation| Test { property, relation, negated: relation == Relation::Most });
    properties.into_iter().flat_map(test).collect()
}

/// Rules that between them hold every word of the language.
fn rules() -> Vec<ObjectRule> {
    let parsings: Vec<Parsing> = Backdrop::ALL
        .iter()
        .flat_map(|&backdrop| Grouping::ALL.iter().map(move |&grouping| Parsing { grouping, backdrop }))
        .collect();
    let mut forms = vec![Form::Canvas, Form::Lattice];
    forms.extend(Crop::ALL.iter().map(|&c| Form::Crop(c)));
    let tests = tests();
    let clause = |k: usize, action: Action| {
        let tests = vec![tests[k % tests.len()], tests[k * 7 % tests.len()]];
        Clause { tests, actions: vec![action, Action::Exchange] }
    };
    let rule = |(k, action): (usize, Action)| ObjectRule {
        parsing: parsings[k % parsings.len()],
        form: forms[k / 3 % forms.len()],
        clauses: vec![clause(k, action.clone()), Clause { tests: vec![], actions: vec![action] }],
    };
    actions().into_iter().enumerate().map(rule).collect()
}

#[test]
fn rules_print_and_parse_back() {
    for rule in rules() {
        let program = Program { view: View::Plain, size: None, body: Body::Objects(Box::new(rule)) };
        assert_eq!(program.to_string().parse::<Program>().as_ref(), Ok(&program), "{program}");
    }
}

#[test]
fn rules_hold_on_every_grid() {
    let mut state = 7u64;
    let mut noise = |colours: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let drawn = (state >> 33) % (2 * colours);
        if drawn < colours { drawn as u8 } else { 0 }
    };
    let sizes = [(1, 1), (1, 5), (4, 1), (3, 3), (9, 6), (12, 12)];
    let grids: Vec<Grid> =
        sizes.iter().map(|&(w, h)| Grid::build(Size::new(w, h), |_, _| noise(4)).expect("a grid")).collect();
    for rule in rules() {
        for grid in &grids {
            let all = ObjectRule { form: Form::Canvas, ..rule.clone() };
            for out in [rule.run(grid), all.run(grid)].into_iter().flatten() {
                assert!(out.cells().iter().all(|&c| c < 10), "{rule}");
            }
        }
    }
}
