//! The catalogue holds what it says: examples run, types hold, every transform has its entry.

mod generator;

use std::collections::BTreeSet;

use generator::{Builder, grids};
use proptest::prelude::*;
use stratagem_dsl::catalogue::{self, Category, Example};
use stratagem_dsl::{Expression, Grid, MAX_SIDE, Size, Transform, Type, Value, lists};

fn grid(rows: &str) -> Grid {
    rows.parse().expect("a grid")
}

#[test]
fn every_example_yields_what_it_shows() {
    let mut wrong = Vec::new();
    for entry in catalogue::all() {
        let Example { expression, input, output } = entry.example;
        assert!(expression.contains(entry.name), "{} is not in its own example", entry.name);
        let parsed: Expression = expression.parse().unwrap_or_else(|e| panic!("{expression}: {e}"));
        let found = parsed.run(&grid(input), Some(Example::CANVAS));
        let found = found.map_or_else(|| "nothing".into(), |v| v.to_string());
        if found != output {
            wrong.push(format!("{expression} on {input}: {found}, not {output}"));
        }
        assert_eq!(parsed.to_string(), expression);
        assert!(parsed.type_of().is_some(), "{expression}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn names_are_distinct_and_found() {
    let names: BTreeSet<&str> = catalogue::all().iter().map(|e| e.name).collect();
    assert_eq!(names.len(), catalogue::all().len());
    for entry in catalogue::all() {
        assert_eq!(catalogue::find(entry.name), Some(entry));
    }
    assert_eq!(catalogue::find("overly"), None);
    assert_eq!(catalogue::suggest("overly").as_deref(), Some("overlay"));
}

#[test]
fn there_are_enough_of_each_category() {
    let count = |c: Category| catalogue::all().iter().filter(|e| e.category == c).count();
    for category in Category::ALL {
        println!("{category}: {}", count(category));
        assert!(count(category) >= 15, "{category}: {}", count(category));
    }
    assert!(catalogue::all().len() >= 150);
}

#[test]
fn every_transform_has_an_entry_and_the_other_way_round() {
    for t in Transform::all() {
        let entry = catalogue::of_transform(*t).unwrap_or_else(|| panic!("{t} has no entry"));
        assert!(entry.is_transform(), "{t}");
        assert!(entry.forms().contains(&t.to_string().as_str()));
        let words = t.explain();
        assert!(!words.contains('{') && !words.contains('}'), "{t}: {words}");
    }
    for entry in catalogue::all().iter().filter(|e| e.is_transform()) {
        assert!(!entry.forms().is_empty(), "{}", entry.name);
    }
}

#[test]
fn meanings_tell_of_every_parameter() {
    for entry in catalogue::all() {
        // What a transform changes goes without saying.
        let told = if entry.is_transform() { entry.takes.len() - 1 } else { entry.takes.len() };
        for (name, _) in &entry.takes[..told] {
            assert!(entry.meaning.contains(&format!("{{{name}}}")), "{}: {name}", entry.name);
        }
        assert_eq!(entry.meaning.matches('{').count(), entry.meaning.matches('}').count());
        assert!(entry.sentence().ends_with('.') && entry.cost > 0);
    }
}

#[test]
fn signatures_and_sentences_read_well() {
    let recolour = catalogue::find("recolour").expect("an entry");
    assert_eq!(recolour.signature(), "recolour(grid: grid, from: colour, to: colour) -> grid");
    assert_eq!(recolour.sentence(), "`grid` with every cell of `from` painted `to`.");
    let argmax = catalogue::find("argmax").expect("an entry");
    assert_eq!(argmax.signature(), "argmax(list: list of a, key: (a -> number)) -> a");
}

/// Whether a value keeps the limits and is of a type.
fn fits(value: &Value, t: Type) -> bool {
    let sound = |g: &Grid| g.size().fits_working() && g.cells().iter().all(|&c| c < 10);
    match (value, t) {
        (Value::One(g), Type::Grid) => sound(g),
        (Value::Number(_), Type::Number) | (Value::Truth(_), Type::Truth) => true,
        (Value::Colour(c), Type::Colour) => *c < 10,
        (Value::Position(p), Type::Position) => p.x.abs() <= 2000 && p.y.abs() <= 2000,
        (Value::Size(s), Type::Size) => s.width > 0 && s.height > 0,
        (Value::Many(list), Type::List(item)) => {
            let bounded = list.len() <= lists::MAX_ITEMS && value.area() <= lists::MAX_LIST_CELLS;
            bounded && list.iter().all(sound) && (list.is_empty() || *item == Type::Grid)
        }
        (Value::List(list), Type::List(item)) => {
            !list.is_empty() && list.len() <= Value::MAX_ITEMS && list.iter().all(|v| fits(v, *item))
        }
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_entry_is_total_and_bounded(
        g in grids(),
        choices in prop::collection::vec(any::<u16>(), 4000),
        side in 1..=MAX_SIDE,
    ) {
        let mut builder = Builder::new(&choices);
        for entry in catalogue::all() {
            for a in [Type::Grid, Type::Colour] {
                let call = builder.call(entry, a, Type::Grid, 2);
                let t = call.type_of();
                prop_assert!(t.is_some(), "{call} is ill typed");
                if let (Some(value), Some(t)) = (call.run(&g, Some(Size::new(side, 5))), t) {
                    prop_assert!(fits(&value, t), "{call} yields {value}, no {t}");
                }
            }
        }
    }
}
