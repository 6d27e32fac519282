//! What holds of every transform on every grid.

mod generator;

use generator::{expressions, grids};
use proptest::prelude::*;
use stratagem_dsl::geometry::{self, Rigid};
use stratagem_dsl::{
    Body, Extent, Layer, Mode, Pipeline, Program, Size, SizeRule, Transform, Value, View, shape,
};

fn transforms() -> impl Strategy<Value = Transform> {
    (0..Transform::all().len()).prop_map(|i| Transform::all()[i])
}

fn pipelines() -> impl Strategy<Value = Pipeline> {
    prop::collection::vec(transforms(), 0..4).prop_map(Pipeline)
}

fn views() -> impl Strategy<Value = View> {
    prop_oneof![
        Just(View::Plain),
        Just(View::Background),
        (0u16..1024).prop_map(View::Ranked),
        (0u16..1024).prop_map(View::RankedUp),
    ]
}

fn extents() -> impl Strategy<Value = Extent> {
    let measured = (pipelines(), any::<bool>(), 1u8..5, 1u8..5, -3i8..4)
        .prop_map(|(p, height, times, over, plus)| Extent { of: Some(p), height, times, over, plus });
    prop_oneof![(1usize..=30).prop_map(Extent::fixed), measured]
}

fn rules() -> impl Strategy<Value = SizeRule> {
    (extents(), extents()).prop_map(|(width, height)| SizeRule { width, height })
}

fn programs() -> impl Strategy<Value = Program> {
    let modes = prop::sample::select(vec![Mode::Over, Mode::Opaque, Mode::Cut, Mode::Mask]);
    let layers = (modes, pipelines()).prop_map(|(mode, pipeline)| Layer { mode, pipeline });
    let tables = (
        prop::collection::vec(pipelines(), 2..=2),
        prop::collection::vec((prop::collection::vec(0u8..10, 2..=2), 0u8..10), 0..5),
    );
    let bodies = prop_oneof![
        pipelines().prop_map(Body::Single),
        prop::collection::vec(layers, 1..4).prop_map(Body::Stack),
        tables.prop_map(|(keys, rows)| Body::Table { keys, rows }),
        expressions().prop_map(|e| Body::Expression(Box::new(e))),
    ];
    let flat = (views(), prop::option::of(rules()), bodies).prop_map(|(view, size, body)| Program {
        view,
        size,
        body,
    });
    flat.prop_recursive(2, 4, 2, |inner| {
        (inner.clone(), inner, views(), any::<bool>()).prop_map(|(one, other, view, chained)| {
            let (one, other) = (Box::new(one), Box::new(other));
            let body = if chained {
                Body::Chain { first: one, then: other }
            } else {
                Body::Product { coarse: one, fine: other }
            };
            Program { view, size: None, body }
        })
    })
}

fn valid(value: &Value) -> bool {
    value.grids().iter().all(|g| {
        g.size().fits_working() && g.cells().len() == g.size().area() && g.cells().iter().all(|&c| c < 10)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_transform_is_total(g in grids(), width in 1usize..=30, height in 1usize..=30) {
        let canvas = Some(Size::new(width, height));
        let mut reached = vec![Value::One(g)];
        for &first in Transform::all() {
            reached.extend(first.apply(&reached[0].clone(), canvas));
        }
        // Lists are only reached by a step, so a sample of second steps follows.
        for (i, value) in reached.iter().enumerate() {
            prop_assert!(valid(value));
            for second in Transform::all().iter().skip(i % 17).step_by(17) {
                if let Some(v) = second.apply(value, canvas) {
                    prop_assert!(valid(&v), "{second} on {value:?}");
                }
            }
        }
    }

    #[test]
    fn programs_never_panic(g in grids(), program in programs()) {
        if let Some(answer) = program.run(&g) {
            prop_assert!(answer.size().fits_task());
        }
    }

    #[test]
    fn programs_print_and_parse_back(program in programs()) {
        let text = program.to_string();
        prop_assert_eq!(text.parse::<Program>(), Ok(program), "{}", text);
    }

    #[test]
    fn programs_explain_themselves(program in programs()) {
        let told = program.explain();
        prop_assert!(told.lines().count() > 0 && told.lines().all(|l| l.ends_with('.') || l.ends_with(':')), "{}", told);
        prop_assert!(!told.contains('{') && !told.contains('}'), "{}", told);
    }

    #[test]
    fn garbled_programs_err_without_panic(program in programs(), at in any::<prop::sample::Index>(), c in any::<char>()) {
        let mut text = program.to_string();
        let at = at.index(text.len());
        text.replace_range(at..=at, c.encode_utf8(&mut [0; 4]));
        if let Err(e) = text.parse::<Program>() {
            prop_assert!(e.position.is_none_or(|p| p <= text.len()), "{}: {}", text, e);
        }
    }

    #[test]
    fn motions_have_inverses(g in grids()) {
        for (there, back) in [
            (Rigid::FlipX, Rigid::FlipX),
            (Rigid::FlipY, Rigid::FlipY),
            (Rigid::Rotate180, Rigid::Rotate180),
            (Rigid::Rotate90, Rigid::Rotate270),
            (Rigid::Transpose, Rigid::Transpose),
            (Rigid::AntiTranspose, Rigid::AntiTranspose),
        ] {
            prop_assert_eq!(&geometry::rigid(&geometry::rigid(&g, there), back), &g);
        }
    }

    #[test]
    fn scaling_down_undoes_scaling_up(g in grids(), factor in 2usize..=4) {
        if let Some(big) = geometry::scale_up(&g, factor) {
            prop_assert_eq!(geometry::scale_down(&big, factor), Some(g));
        }
    }

    #[test]
    fn some_transforms_are_idempotent(g in grids()) {
        if let Some(trimmed) = geometry::trim(&g) {
            prop_assert_eq!(geometry::trim(&trimmed), Some(trimmed.clone()));
        }
        let filled = shape::fill(&g);
        prop_assert_eq!(shape::fill(&filled), filled.clone());
        for name in ["gravity left", "gravity down", "keep 3", "erase 2", "spread true"] {
            let step: Transform = name.parse().expect("a transform");
            if let Some(once) = step.apply(&Value::One(g.clone()), None) {
                let twice = step.apply(&once, None);
                prop_assert!(twice.is_none_or(|twice| twice == once), "{name}");
            }
        }
    }

    #[test]
    fn views_are_undone(g in grids(), view in views()) {
        let renaming = view.renaming(&g);
        prop_assert_eq!(renaming.undo(&renaming.apply(&g)), g);
    }
}

#[test]
fn names_are_distinct_and_parse_back() {
    let mut names: Vec<String> = Transform::all().iter().map(ToString::to_string).collect();
    for (name, t) in names.iter().zip(Transform::all()) {
        assert_eq!(name.parse::<Transform>().as_ref(), Ok(t));
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), Transform::all().len());
    assert!("keep eleven".parse::<Transform>().is_err());
}
