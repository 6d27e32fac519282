//! Answers that are one object of the input.

use stratagem_dsl::scene::{Clause, Crop, Form, ObjectRule};
use stratagem_kit::Budget;

use super::Found;
use super::bits::Bits;
use super::predicates::Predicates;
use super::prices;
use super::study::Study;

/// The rules that pick, in every demonstration, the one object that the output shows.
pub fn search(study: &Study<'_>, predicates: &Predicates, budget: &mut dyn Budget) -> Vec<Found> {
    let mut found = Vec::new();
    for &crop in Crop::ALL {
        budget.spend(2 * study.weight());
        let shown = Bits::of(study.objects.iter().map(|&(p, i)| {
            let scene = &study.scenes[p];
            crop.of(scene, &scene.objects[i]).as_ref() == Some(&study.task.train[p].output)
        }));
        if shown.is_empty() {
            continue;
        }
        for told in predicates.all.iter().filter(|told| told.set.is_within(&shown)) {
            let mut picked = vec![0; study.scenes.len()];
            told.set.iter().for_each(|k| picked[study.objects[k].0] += 1);
            if picked.iter().all(|&n| n == 1) {
                found.extend(told.ways.iter().map(|way| Found {
                    rule: ObjectRule {
                        parsing: study.parsing,
                        form: Form::Crop(crop),
                        clauses: vec![Clause { tests: way.tests.clone(), actions: Vec::new() }],
                    },
                    price: prices::CLAUSE + way.price,
                }));
            }
        }
        budget.spend(10 * predicates.all.len() as u64);
    }
    found
}
