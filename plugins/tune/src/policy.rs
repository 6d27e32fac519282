//! Counts for synthesis' policy: what follows what in programs that solve tasks.

use std::collections::BTreeMap;

use stratagem_dsl::{Kind, Pipeline, Transform};
use stratagem_kit::program_in;

/// A solved task's weight, shared out among its programs.
const TENTHS: f64 = 10.0;

/// The text of `policy.txt`, from lines that this tool printed of solved tasks; several of one task share its weight.
pub fn counts(lines: &str) -> String {
    let mut programs: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for line in lines.lines() {
        let mut words = line.splitn(6, ' ');
        let (Some(id), Some(rank), Some(program)) = (words.next(), words.next(), words.nth(3)) else {
            continue;
        };
        if let (Ok(_), Some(program)) = (rank.parse::<usize>(), program_in(program)) {
            programs.entry(id).or_default().push(program);
        }
    }
    let mut table: BTreeMap<String, BTreeMap<String, f64>> = BTreeMap::new();
    for programs in programs.values() {
        let weight = TENTHS / programs.len() as f64;
        for program in programs {
            program.pipelines().into_iter().for_each(|pipeline| count(pipeline, weight, &mut table));
        }
    }
    let mut text =
        "# What follows what in programs that solve tasks, in tenths of a task; see policy.rs.\n".to_owned();
    for (head, counts) in table {
        // A way without a name is the only one.
        let mut counts: Vec<(String, f64)> =
            counts.into_iter().filter(|(name, _)| !name.is_empty()).collect();
        counts.sort_by(|a, b| if head.starts_with("ways") { a.0.cmp(&b.0) } else { b.1.total_cmp(&a.1) });
        let counts: Vec<String> = counts.iter().map(|(name, n)| format!("{name} {}", n.round())).collect();
        if !counts.is_empty() {
            text += &[&head, ": ", &counts.join(", "), "\n"].concat();
        }
    }
    text
}

fn count(pipeline: &Pipeline, weight: f64, table: &mut BTreeMap<String, BTreeMap<String, f64>>) {
    let mut add =
        |head: String, name: String, n| *table.entry(head).or_default().entry(name).or_default() += n;
    let (mut last, mut is_list) = (String::from("start"), false);
    for t in &pipeline.0 {
        let name = t.to_string();
        let (step, way) = name.split_once(' ').unwrap_or((&name, ""));
        add(format!("{} after {last}", if is_list { "list" } else { "grid" }), step.to_owned(), weight);
        // Colours other than black stand for one another.
        let is_colour = way.parse().is_ok_and(|colour: u8| (1..10).contains(&colour)) && is_of_colours(*t);
        let (way, n) = if is_colour { ("_", weight / 9.0) } else { (way, weight) };
        add(format!("ways to {step}"), way.to_owned(), n);
        last = step.into();
        is_list = match t.kind() {
            Kind::Each => is_list,
            Kind::Split | Kind::Filter => true,
            Kind::Join => false,
        };
    }
}

/// Whether the step has a way for every colour.
fn is_of_colours(t: Transform) -> bool {
    let name = t.to_string();
    let step = name.split(' ').next().unwrap_or_default();
    (1..10).all(|colour| format!("{step} {colour}").parse::<Transform>().is_ok())
}
