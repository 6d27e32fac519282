//! `stratagem portfolio`, and `--strategy auto`: how strategies share a task, and what that was learned from.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Subcommand;
use stratagem_domain::features::SizeGroup;
use stratagem_domain::{Digest, Features, LimitsOverlay};
use stratagem_solve::{Claim, Experience, Lived, Portfolio as Shared, Turn, fold_of};
use stratagem_store::{PastAnswer, Store};

use crate::entrants::{Asked, Entrant};
use crate::failure::Failure;
use crate::output::{outln, print_json, table, write_json};
use crate::solve::stored_tasks;
use crate::verify::Programs;
use crate::workbench::Workbench;

/// The strategy that is several.
pub const AUTO: &str = "auto";
/// Runs of a strategy below which stored runs teach less than what was shipped.
const LEAST_RUNS: usize = 50;

#[derive(Debug, Subcommand)]
pub enum Portfolio {
    /// Show who comes first, how long, and what confidences are worth
    Show {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Learn from stored runs of the members, and write what was learned
    Learn {
        /// The tasks whose runs are learned from
        #[arg(long = "from", value_name = "WHAT", default_value = LEARNED_FROM)]
        from: String,
        /// Where it goes; `-` is stdout
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

/// What the shipped experience was learned from, and what stored runs are taken of unless the settings say otherwise.
pub const LEARNED_FROM: &str = "arc-agi-1/training";

pub fn run(bench: &Workbench, command: &Portfolio) -> Result<(), Failure> {
    let sandbox = bench.sandbox(1)?;
    let (asked, _) = members(bench, vec![Asked::Strategy(AUTO.to_owned())])?;
    let entrants = asked
        .into_iter()
        .map(|asked| Entrant::load(bench, &sandbox, asked))
        .collect::<Result<Vec<_>, _>>()?;
    match command {
        Portfolio::Show { json } => {
            let store = bench.places.database.exists().then(|| bench.existing_store()).transpose()?;
            let experience = experience(bench, store.as_ref(), &entrants);
            if *json {
                return print_json(&experience);
            }
            show(&experience, &names(&entrants));
            Ok(())
        }
        Portfolio::Learn { from, out } => {
            let store = bench.existing_store()?;
            let lived = lived(&store, &entrants, from)?;
            let missing: Vec<&str> = names(&entrants)
                .into_iter()
                .filter(|name| lived.iter().all(|run| run.strategy != *name))
                .collect();
            if !missing.is_empty() {
                let each = names(&entrants).join(" --strategy ");
                return Err(Failure::misuse(format!("no stored runs of {} on {from}", missing.join(", ")))
                    .hint(format!("run them first: `stratagem solve {from} --strategy {each}`")));
            }
            write_json(out, &Experience::of(&lived))
        }
    }
}

/// What is asked for with `auto` taken apart into the members that are there, and whether it was.
pub fn members(bench: &Workbench, asked: Vec<Asked>) -> Result<(Vec<Asked>, bool), Failure> {
    let is_auto = |asked: &Asked| matches!(asked, Asked::Strategy(name) if name == AUTO);
    if !asked.iter().any(is_auto) {
        return Ok((asked, false));
    }
    if asked.len() > 1 {
        return Err(Failure::misuse("`auto` beside other strategies").hint(
            "say which share a task under [portfolio] in stratagem.toml: members = [\"synthesis\", …]",
        ));
    }
    let wanted = &bench.config.portfolio.members;
    let found: Vec<Asked> = wanted
        .iter()
        .filter(|name| bench.find(name).is_ok())
        .map(|name| Asked::Strategy(name.clone()))
        .collect();
    if found.is_empty() {
        return Err(Failure::misuse(format!("none of the strategies {} is there", wanted.join(", ")))
            .hint("build the shipped ones with `just plugins`, or name the path of a plugin"));
    }
    Ok((found, true))
}

/// How the entrants share a task.
pub fn shared(
    bench: &Workbench,
    store: Option<&Store>,
    entrants: &[Entrant],
    flags: &LimitsOverlay,
    folds: usize,
) -> Result<Shared<'static>, Failure> {
    let settings = &bench.config.portfolio;
    let experiences = match (folds, store) {
        (2.., Some(store)) => {
            let lived = lived(store, entrants, &settings.learn_from)?;
            (0..folds).map(|fold| without(&lived, fold, folds)).collect::<Result<_, _>>()?
        }
        (2.., None) => {
            return Err(Failure::misuse("folds without a database").hint("leave --no-store out"));
        }
        (_, store) => vec![experience(bench, store, entrants)],
    };
    let fuel = flags.fuel.unwrap_or(settings.fuel);
    Ok(Shared { experiences, verifier: &Programs, fuel, sure: settings.sure })
}

/// What runs on the tasks of the other folds teach.
fn without(lived: &[Lived], fold: usize, folds: usize) -> Result<Experience, Failure> {
    let others: Vec<Lived> = lived.iter().filter(|run| fold_of(&run.task, folds) != fold).cloned().collect();
    if others.is_empty() {
        return Err(Failure::misuse("there are no stored runs to learn the portfolio from")
            .hint("run its members first, each on all tasks: `stratagem solve WHAT --strategy NAME …`"));
    }
    Ok(Experience::of(&others))
}

/// What stored runs teach where there are enough of every member, else what was shipped.
fn experience(bench: &Workbench, store: Option<&Store>, entrants: &[Entrant]) -> Experience {
    // Where the tasks to learn from are not there, nothing can be learned of them.
    let lived = store.and_then(|store| lived(store, entrants, &bench.config.portfolio.learn_from).ok());
    let enough = |lived: &[Lived]| {
        let runs = |name: &str| lived.iter().filter(|run| run.strategy == name).count();
        names(entrants).into_iter().all(|name| runs(name) >= LEAST_RUNS)
    };
    lived.filter(|lived| enough(lived)).map_or_else(Experience::shipped, |lived| Experience::of(&lived))
}

/// The stored runs of the entrants on tasks that may be learned from.
fn lived(store: &Store, entrants: &[Entrant], from: &str) -> Result<Vec<Lived>, Failure> {
    let tasks = stored_tasks(store, from)?;
    let kinds: BTreeMap<Digest, SizeGroup> =
        tasks.iter().map(|task| (task.digest(), Features::of(&task.task).size_relation.group())).collect();
    let components: Vec<Digest> = entrants.iter().map(|entrant| entrant.strategy().plugin().digest).collect();
    let runs = store.past_runs(&components, |task| kinds.contains_key(task))?;
    Ok(runs
        .into_iter()
        .filter_map(|run| {
            let kind = *kinds.get(&run.task)?;
            let (strategy, task, is_solved) = (run.strategy, run.task, run.solved_at_2);
            let claim = |answer: PastAnswer| Claim {
                confidence: answer.confidence,
                is_first: answer.rank == 1,
                is_right: answer.is_correct,
            };
            let answers = run.answers.into_iter().map(claim).collect();
            Some(Lived { strategy, task, kind, is_solved, fuel: run.fuel_spent, answers })
        })
        .collect())
}

fn names(entrants: &[Entrant]) -> Vec<&str> {
    entrants.iter().map(|entrant| entrant.strategy().plugin().name.as_str()).collect()
}

fn show(experience: &Experience, names: &[&str]) {
    for kind in SizeGroup::ALL {
        let row = |turn: &Turn| {
            let fuel = turn.fuel.map_or("what is left".to_owned(), stratagem_domain::grouped);
            let (gain, expense) =
                (format!("{:.3}", turn.gain), stratagem_domain::grouped(turn.expense as u64));
            vec![turn.strategy.clone(), fuel, gain, expense]
        };
        let rows: Vec<Vec<String>> = experience.turns(kind, names).iter().map(row).collect();
        outln!("{}", serde_json::json!(kind).as_str().unwrap_or_default());
        outln!("{}", table(&["  strategy", "fuel", "gain", "expense"], &rows));
    }
    let worth = |(name, is_first): (&&str, bool)| {
        let worth = [0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95]
            .map(|at| format!("{:.2}", experience.worth(name, at, is_first)));
        let title = format!("{name}, {}", if is_first { "first answer" } else { "later ones" });
        std::iter::once(title).chain(worth).collect::<Vec<_>>()
    };
    let rows: Vec<Vec<String>> =
        names.iter().flat_map(|name| [(name, true), (name, false)]).map(worth).collect();
    outln!("{}", table(&["confidence", "0.10", "0.30", "0.50", "0.70", "0.80", "0.90", "0.95"], &rows));
}
