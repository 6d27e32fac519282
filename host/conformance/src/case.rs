use include_dir::{Dir, include_dir};
use serde::Deserialize;
use stratagem_domain::{LabelledTask, LimitsOverlay, Pair};

use crate::Check;

static CASES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/cases");
static ORDINARY: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/tasks");
const FILE: &str = "case.toml";

/// A case as its folder says it.
#[derive(Debug)]
pub struct Case {
    /// The folder's name.
    pub name: String,
    pub text: CaseText,
    /// In the order of their files' names.
    pub tasks: Vec<LabelledTask>,
}

/// `case.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseText {
    pub title: String,
    /// Which function looks.
    pub check: Check,
    /// What a plugin is held to.
    pub holds: String,
    /// Why it matters.
    pub matters: String,
    /// How a breach is mended.
    pub mend: String,
    #[serde(default = "usual_seeds")]
    pub seeds: Vec<u64>,
    /// Laid over the usual limits of the suite.
    #[serde(default)]
    pub limits: LimitsOverlay,
    /// Laid over those, one after another; none is one rung that changes nothing.
    #[serde(default)]
    pub rungs: Vec<LimitsOverlay>,
    /// Whether a run may end as out of memory.
    #[serde(default)]
    pub out_of_memory: bool,
    /// Limits that a plugin can see and that end a run which goes beyond them.
    #[serde(default)]
    pub ended_by: Vec<String>,
    /// How many lessons `learn` is given.
    #[serde(default)]
    pub lessons: usize,
}

/// Every case that is shipped, in the order in which they are reported.
#[derive(Debug)]
pub struct Catalogue {
    pub cases: Vec<Case>,
}

/// A task file; every output is known.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TaskText {
    train: Vec<Pair>,
    test: Vec<Pair>,
}

fn usual_seeds() -> Vec<u64> {
    vec![0]
}

impl Catalogue {
    /// Reads what lies in the binary; that all of it can be read is tested.
    pub fn shipped() -> Self {
        let mut cases: Vec<Case> = CASES
            .dirs()
            .map(|folder| Case::read(folder).unwrap_or_else(|error| unreachable!("{error}")))
            .collect();
        cases.sort_by(|a, b| (a.text.check, &a.name).cmp(&(b.text.check, &b.name)));
        Self { cases }
    }

    /// The tasks of all cases, each once.
    pub fn every_task(&self) -> Vec<&LabelledTask> {
        let mut tasks: Vec<&LabelledTask> = self.cases.iter().flat_map(|case| &case.tasks).collect();
        tasks.sort_by(|a, b| a.task.id.cmp(&b.task.id));
        tasks.dedup();
        tasks
    }

    /// The table of docs/conformance.md.
    pub fn markdown(&self) -> String {
        let row = |case: &Case| format!("| `{}` | {} |\n", case.name, case.text.holds);
        "| case | what it holds a plugin to |\n| --- | --- |\n".to_owned()
            + &self.cases.iter().map(row).collect::<String>()
    }
}

impl Case {
    fn read(folder: &Dir<'_>) -> Result<Self, String> {
        let name = folder.path().to_string_lossy().into_owned();
        let text = folder.get_file(folder.path().join(FILE)).and_then(|file| file.contents_utf8());
        let text = text.ok_or_else(|| format!("{name} has no {FILE}"))?;
        let text = toml::from_str(text).map_err(|error| format!("{name}: {error}"))?;
        let own = read_tasks(folder)?;
        Ok(Self { name, text, tasks: if own.is_empty() { read_tasks(&ORDINARY)? } else { own } })
    }
}

/// The tasks of a folder; a task's id is its file's name.
fn read_tasks(folder: &Dir<'_>) -> Result<Vec<LabelledTask>, String> {
    let is_task = |file: &&include_dir::File<'_>| file.path().extension().is_some_and(|end| end == "json");
    let mut files: Vec<_> = folder.files().filter(is_task).collect();
    files.sort_by_key(|file| file.path());
    let read = |file: &include_dir::File<'_>| {
        let fail = |error: String| format!("{}: {error}", file.path().display());
        let TaskText { train, test } =
            serde_json::from_slice(file.contents()).map_err(|error| fail(error.to_string()))?;
        let id = file.path().file_stem().unwrap_or_default().to_string_lossy();
        let labelled = test.into_iter().map(|pair| (pair.input, Some(pair.output))).collect();
        LabelledTask::new(&id, train, labelled).map_err(|error| fail(error.to_string()))
    };
    files.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_folder_is_a_case_that_says_what_it_must() {
        let catalogue = Catalogue::shipped();
        assert_eq!(CASES.files().count(), 0, "a case is a folder");
        for Case { name, text, tasks } in &catalogue.cases {
            for text in [&text.title, &text.holds, &text.matters, &text.mend] {
                assert!(text.len() > 10 && !text.contains('\n'), "{name}: {text:?}");
            }
            assert!(!tasks.is_empty() && !text.seeds.is_empty(), "{name}");
            let files = CASES.get_dir(name).unwrap().files();
            let known = |end: &str| end == "json" || end == "toml";
            for file in files {
                assert!(known(&file.path().extension().unwrap().to_string_lossy()), "{file:?}");
            }
        }
    }

    #[test]
    fn every_kind_of_check_has_a_case() {
        let used: BTreeSet<Check> = Catalogue::shipped().cases.iter().map(|case| case.text.check).collect();
        assert_eq!(used, Check::ALL.into_iter().collect());
    }

    /// Of what cannot be reached yet, or is settled before a plugin's first instruction, nothing can be asked.
    #[test]
    fn every_limit_that_a_plugin_comes_up_against_is_in_a_case() {
        let settled = ["memories", "instances", "tables", "handles"];
        let no_backend = [
            "wasi_calls",
            "memory_calls",
            "artifact_calls",
            "artifact_bytes",
            "lent_bytes",
            "ttt_calls",
            "device_memory_mb",
            "device_ms",
            "llm_calls",
            "tokens",
            "cost_micros",
        ];
        let catalogue = Catalogue::shipped();
        let rungs: Vec<serde_json::Value> = catalogue
            .cases
            .iter()
            .flat_map(|case| case.text.rungs.iter().map(|rung| serde_json::to_value(rung).unwrap()))
            .collect();
        for key in stratagem_domain::Limits::KEYS {
            let has_case = rungs.iter().any(|rung| rung.get(key.name).is_some());
            let left_out = settled.contains(&key.name) || no_backend.contains(&key.name);
            assert!(has_case != left_out, "{}", key.name);
        }
    }

    #[test]
    fn tasks_with_one_name_are_one_task() {
        let catalogue = Catalogue::shipped();
        let tasks = catalogue.every_task();
        let ids: BTreeSet<&str> = tasks.iter().map(|task| task.task.id.as_str()).collect();
        assert_eq!(ids.len(), tasks.len());
    }

    #[test]
    fn the_documentation_has_the_table_of_the_cases() {
        let text = include_str!("../../../docs/conformance.md");
        let table = Catalogue::shipped().markdown();
        assert!(text.contains(&table), "docs/conformance.md lacks this table:\n{table}");
    }
}
