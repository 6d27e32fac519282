use serde_json::json;
use stratagem_domain::{LabelledTask, Split, quote};
use stratagem_store::Dataset;

use crate::args::Tasks;
use crate::failure::Failure;
use crate::features;
use crate::output::{out, outln, print_json, table, utc};
use crate::paint::{self, Panel};
use crate::workbench::{Workbench, find_task};

pub fn run(bench: &Workbench, command: &Tasks) -> Result<(), Failure> {
    match command {
        Tasks::Import { paths, name, json } => {
            let sets = stratagem_tasks::read(paths, name.as_deref())?;
            let store = bench.store()?;
            let mut imported = Vec::new();
            for set in &sets {
                let import = store.import(set)?;
                if import.is_new {
                    let context = json!({"dataset": import.dataset.name, "version": import.dataset.version});
                    let message = format!("{} tasks", set.tasks.len());
                    store.event("info", "tasks", "tasks.imported", &message, &context)?;
                }
                imported.push(import);
            }
            if *json {
                let rows: Vec<_> =
                    imported.iter().map(|import| (row(&import.dataset), import.is_new)).collect();
                let rows = rows.into_iter().map(|(mut row, is_new)| {
                    row["is_new"] = is_new.into();
                    row
                });
                return print_json(&rows.collect::<Vec<_>>());
            }
            for import in imported {
                let Dataset { name, version, .. } = &import.dataset;
                let verb = if import.is_new { "imported" } else { "already there:" };
                outln!("{verb} {name} version {version}: {}", counts(&import.dataset));
            }
            Ok(())
        }
        Tasks::List(of) if of.is_of_datasets() => list(bench, of.json()),
        Tasks::List(of) => features::list(bench, of),
        Tasks::Show { id, json } => show(bench, id, *json),
        Tasks::Features(command) => features::show(bench, command),
        Tasks::Similar(command) => features::similar(bench, command),
        Tasks::Families { json } => features::families(bench, *json),
        Tasks::Rate { json } => features::rate(bench, *json),
    }
}

fn list(bench: &Workbench, json: bool) -> Result<(), Failure> {
    let datasets = bench.existing_store()?.datasets()?;
    if json {
        return print_json(&datasets.iter().map(row).collect::<Vec<_>>());
    }
    let rows: Vec<Vec<String>> = datasets
        .iter()
        .map(|dataset| {
            let count =
                |split| dataset.counts.get(&split).map_or_else(|| "-".to_owned(), ToString::to_string);
            let mut row = vec![dataset.name.clone(), dataset.version.clone()];
            row.extend(Split::ALL.map(count));
            row.push(utc(dataset.created_at));
            row
        })
        .collect();
    out!(
        "{}",
        table(&["dataset", "version", "training", "evaluation", "test", "custom", "imported (UTC)"], &rows)
    );
    Ok(())
}

fn show(bench: &Workbench, id: &str, json: bool) -> Result<(), Failure> {
    let store = bench.existing_store()?;
    let (_, LabelledTask { task, truth }) = find_task(&store, id)?.ok_or_else(|| {
        Failure::misuse(format!("no task {}", quote(id, 200)))
            .hint("name a task's id, or DATASET/ID; `stratagem tasks list`")
    })?;
    if json {
        let test: Vec<_> = task
            .test
            .iter()
            .zip(&truth)
            .map(|(input, output)| json!({"input": input, "output": output}))
            .collect();
        return print_json(&json!({"id": task.id, "train": task.train, "test": test}));
    }
    outln!("{}", task.id);
    for (at, pair) in task.train.iter().enumerate() {
        let input = Panel { title: format!("pair {}", at + 1), grid: &pair.input };
        out!("{}", paint::panels(&[input, Panel { title: "output".into(), grid: &pair.output }]));
    }
    for (at, (input, output)) in task.test.iter().zip(&truth).enumerate() {
        let mut row = vec![Panel { title: format!("test {}", at + 1), grid: input }];
        row.extend(output.iter().map(|grid| Panel { title: "expected".into(), grid }));
        out!("{}", paint::panels(&row));
    }
    Ok(())
}

fn counts(dataset: &Dataset) -> String {
    let part = |(split, count): (&Split, &usize)| format!("{count} {}", split.as_str());
    dataset.counts.iter().map(part).collect::<Vec<_>>().join(", ")
}

fn row(dataset: &Dataset) -> serde_json::Value {
    json!({
        "name": dataset.name, "version": dataset.version, "digest": dataset.digest,
        "splits": dataset.counts, "imported_at": dataset.created_at,
    })
}
