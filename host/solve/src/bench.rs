use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use stratagem_domain::{
    Answer, Backing, Digest, Features, LabelledTask, Ledger, LedgerError, Lender, Limits, MAX_ATTEMPTS,
    NoBacking, Outcome, Place, Ranking, Recipe, RunReport, Score, Settings, StoredAnswer, StoredRun,
    Strategy, rank, score,
};

use crate::portfolio::{Choice, Portfolio, merge};

/// A strategy with what it is run with.
pub struct Contender<'a> {
    pub strategy: &'a dyn Strategy,
    pub limits: Limits,
    pub settings: Settings,
    pub place: Place,
}

/// A piece of work: every contender on every task.
pub struct Bench<'a> {
    pub contenders: Vec<Contender<'a>>,
    pub tasks: &'a [LabelledTask],
    /// The ledger's id of the dataset that the tasks are from; none where they are from several.
    pub dataset: Option<&'a str>,
    pub seed: u64,
    /// Tasks that are worked on at the same time; answers and fuel do not depend on it.
    pub jobs: usize,
    /// Where runs are kept; none keeps nothing.
    pub ledger: Option<&'a dyn Ledger>,
    /// Where what a run asks of the host is answered; none answers nothing.
    pub lender: Option<&'a dyn Lender>,
    /// Takes finished runs of the same recipe from the ledger instead of running them again.
    pub resume: bool,
    /// How the contenders share a task; without one, each works on every task.
    pub portfolio: Option<&'a Portfolio<'a>>,
    /// Of how many parts of the tasks something was learned, each without the part itself; 1 where it was not.
    pub folds: usize,
    /// Once set, running tasks are finished and no other is begun.
    pub cancel: &'a AtomicBool,
}

/// What came of one task: a run a contender, and their answers ranked together.
#[derive(Clone, Debug)]
pub struct TaskResult {
    pub task: LabelledTask,
    pub runs: Vec<StoredRun>,
    /// How many of the runs were found finished in the ledger.
    pub resumed: usize,
    /// The answers of all runs, in the order of the runs.
    pub answers: Vec<Answer>,
    pub ranking: Ranking,
    /// Why the attempts are what they are; empty without a portfolio.
    pub choices: Vec<Choice>,
    pub score: Option<Score>,
}

/// Why the work stopped before its end. What was finished is in the ledger.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    #[error("task {task}: the run could not be stored")]
    Ledger { task: String, source: LedgerError },
    #[error("no thread to work on: {0}")]
    Thread(std::io::Error),
}

impl Bench<'_> {
    /// Works on every task and calls `done` as each is finished, in any order.
    ///
    /// Returns the results in the order of the tasks; fewer where the work was cancelled.
    ///
    /// *Errors*: the first failure of the ledger; tasks that are running are finished, none is begun.
    pub fn run(&self, done: &(dyn Fn(&TaskResult) + Sync)) -> Result<Vec<TaskResult>, BenchError> {
        let next = AtomicUsize::new(0);
        let failure = Mutex::new(None);
        let results: Mutex<Vec<(usize, TaskResult)>> = Mutex::new(Vec::new());
        let failed = AtomicBool::new(false);
        let work = || {
            while !self.cancel.load(Ordering::Relaxed) && !failed.load(Ordering::Relaxed) {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(task) = self.tasks.get(at) else { break };
                match self.work_on(task) {
                    Ok(result) => {
                        done(&result);
                        lock(&results).push((at, result));
                    }
                    Err(error) => {
                        failed.store(true, Ordering::Relaxed);
                        lock(&failure).get_or_insert(error);
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.clamp(1, self.tasks.len().max(1)) {
                let worker =
                    std::thread::Builder::new().name("run".into()).stack_size(Limits::THREAD_STACK_BYTES);
                worker.spawn_scoped(scope, work).map_err(BenchError::Thread)?;
            }
            Ok(())
        })?;
        if let Some(error) = failure.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
            return Err(error);
        }
        let mut results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        results.sort_by_key(|(at, _)| *at);
        Ok(results.into_iter().map(|(_, result)| result).collect())
    }

    fn work_on(&self, task: &LabelledTask) -> Result<TaskResult, BenchError> {
        let mut resumed = 0;
        let Some(portfolio) = self.portfolio else {
            let turns = self.contenders.iter();
            let runs = turns
                .map(|contender| self.run_one(contender, &contender.limits, task, &mut resumed))
                .collect::<Result<Vec<_>, _>>()?;
            let answers: Vec<Answer> = answers_of(&runs).map(|(_, answer)| answer).collect();
            let ranking = rank(&answers, task.task.test.len());
            return Ok(result(task, runs, resumed, answers, ranking, Vec::new()));
        };
        let experience = portfolio.experience(fold_of(&task.digest(), self.folds));
        let names: Vec<&str> =
            self.contenders.iter().map(|contender| contender.strategy.plugin().name.as_str()).collect();
        let kind = Features::of(&task.task).size_relation.group();
        let (mut runs, mut left) = (Vec::new(), portfolio.fuel);
        let mut merged = (vec![Vec::new(); task.task.test.len()], Vec::new());
        for turn in experience.turns(kind, &names) {
            let contender =
                names.iter().position(|&name| name == turn.strategy).map(|at| &self.contenders[at]);
            let granted = contender.and_then(|it| Some((it, portfolio.grant(&turn, &it.limits, left)?)));
            let Some((contender, limits)) = granted else { continue };
            let run = self.run_one(contender, &limits, task, &mut resumed)?;
            left = left.saturating_sub(run.usage.fuel_spent);
            runs.push(run);
            let said: Vec<(String, Answer)> = answers_of(&runs).collect();
            merged = merge(&task.task, &said, experience, portfolio.verifier);
            if is_sure(&merged.1, task.task.test.len(), portfolio.sure) {
                break;
            }
        }
        let answers = answers_of(&runs).map(|(_, answer)| answer).collect();
        Ok(result(task, runs, resumed, answers, merged.0, merged.1))
    }

    /// One run, unless the ledger has it already.
    fn run_one(
        &self,
        contender: &Contender<'_>,
        limits: &Limits,
        task: &LabelledTask,
        resumed: &mut usize,
    ) -> Result<StoredRun, BenchError> {
        let fail = |source| BenchError::Ledger { task: task.task.id.clone(), source };
        let recipe = contender.recipe_within(task, self.seed, limits);
        let place = contender.place_at(fold_of(&task.digest(), self.folds), self.folds);
        if let Some(ledger) = self.ledger.filter(|_| self.resume)
            && let Some(run) = ledger.finished(&recipe, self.dataset).map_err(fail)?
        {
            ledger.count(&run, &place).map_err(fail)?;
            *resumed += 1;
            return Ok(run);
        }
        let backing = match self.lender {
            Some(lender) => lender.lend(&recipe, &place),
            None => Arc::new(NoBacking),
        };
        let mut run = contender.run(task, recipe, place, backing);
        if let Some(ledger) = self.ledger {
            run.id = ledger.record(&run, task, self.dataset).map_err(fail)?;
        }
        Ok(run)
    }
}

/// Which part of the tasks a task is in, by its digest: the same whatever else is worked on.
pub fn fold_of(task: &Digest, folds: usize) -> usize {
    let number = task.as_bytes().iter().take(8).fold(0_u64, |sum, &byte| sum << 8 | u64::from(byte));
    (number % folds.max(1) as u64) as usize
}

/// Where what was learned without a part of the tasks lies.
pub fn domain_of_fold(domain: &str, fold: usize, folds: usize) -> String {
    format!("{domain}/fold-{}-of-{folds}", fold + 1)
}

/// The answers of runs, each with the name of the strategy that gave it.
fn answers_of(runs: &[StoredRun]) -> impl Iterator<Item = (String, Answer)> {
    runs.iter().flat_map(|run| {
        run.answers.iter().map(|stored| (run.recipe.plugin.name.clone(), stored.answer.clone()))
    })
}

fn result(
    task: &LabelledTask,
    runs: Vec<StoredRun>,
    resumed: usize,
    answers: Vec<Answer>,
    ranking: Ranking,
    choices: Vec<Choice>,
) -> TaskResult {
    let score = score(&answers, &ranking, &task.truth);
    TaskResult { task: task.clone(), runs, resumed, answers, ranking, choices, score }
}

/// Whether the first attempt at every test input is as sure as that.
fn is_sure(choices: &[Choice], tests: usize, sure: f64) -> bool {
    choices.iter().filter(|choice| choice.attempt == 1 && choice.confidence >= sure).count() == tests
}

impl Contender<'_> {
    pub fn recipe(&self, task: &LabelledTask, seed: u64) -> Recipe {
        self.recipe_within(task, seed, &self.limits)
    }

    fn recipe_within(&self, task: &LabelledTask, seed: u64, limits: &Limits) -> Recipe {
        let Self { strategy, settings, .. } = self;
        Recipe {
            plugin: strategy.plugin().clone(),
            task: task.digest(),
            seed,
            limits: limits.clone(),
            settings: settings.clone(),
            grants: strategy.grants(),
        }
    }

    /// Where its run on a task of a fold belongs.
    fn place_at(&self, fold: usize, folds: usize) -> Place {
        let domain = self.place.domain.as_deref().unwrap_or(&self.strategy.plugin().name);
        match folds {
            0 | 1 => self.place.clone(),
            _ => Place { domain: Some(domain_of_fold(domain, fold, folds)), ..self.place.clone() },
        }
    }

    fn run(&self, task: &LabelledTask, recipe: Recipe, place: Place, backing: Arc<dyn Backing>) -> StoredRun {
        let started_at = now_ms();
        let report =
            self.strategy.run_with(&task.task, recipe.seed, &recipe.limits, &recipe.settings, backing);
        judge(task, recipe, report, started_at, place)
    }
}

/// Scores a report and makes of it what is stored.
fn judge(task: &LabelledTask, recipe: Recipe, report: RunReport, started_at: u64, place: Place) -> StoredRun {
    let RunReport { ending, answers, steps, log, usage, journal } = report;
    let ranking = rank(&answers, task.task.test.len());
    let score = score(&answers, &ranking, &task.truth);
    let answers = answers
        .into_iter()
        .enumerate()
        .map(|(index, answer)| StoredAnswer {
            rank: ranking[answer.test_index].iter().position(|&best| best == index).map(|at| at + 1),
            is_correct: task.truth[answer.test_index].as_ref().map(|truth| *truth == answer.grid),
            answer,
        })
        .collect();
    StoredRun {
        id: String::new(),
        outcome: Outcome::of(&ending, score.as_ref()),
        recipe,
        task_id: task.task.id.clone(),
        ending,
        score,
        answers,
        steps,
        log,
        usage,
        journal,
        place,
        started_at,
        finished_at: now_ms(),
    }
}

impl TaskResult {
    /// The outcome of the work: of its only run, or of all runs together.
    pub fn outcome(&self) -> Outcome {
        let normal =
            |outcome: Outcome| matches!(outcome, Outcome::Solved | Outcome::Unsolved | Outcome::Unscored);
        match self.runs.as_slice() {
            [run] => run.outcome,
            runs if runs.iter().any(|run| normal(run.outcome)) => match &self.score {
                Some(score) if score.solved_at(2) => Outcome::Solved,
                Some(_) => Outcome::Unsolved,
                None => Outcome::Unscored,
            },
            runs => runs.first().map_or(Outcome::Unscored, |run| run.outcome),
        }
    }

    /// None where the outputs are not known.
    pub fn solved_at(&self, attempts: usize) -> Option<bool> {
        debug_assert!(attempts <= MAX_ATTEMPTS, "no more attempts are ranked");
        self.score.as_ref().map(|score| score.solved_at(attempts))
    }

    /// The attempts at one test input, best first.
    pub fn attempts(&self, test: usize) -> impl Iterator<Item = &Answer> {
        self.ranking[test].iter().map(|&index| &self.answers[index])
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use stratagem_domain::{Digest, Ending, Grid, Pair, PluginIdentity, Task, Usage};

    use super::*;

    /// Answers with a colour, and remembers how often it ran.
    struct Fixed(PluginIdentity, u8, AtomicUsize);

    impl Fixed {
        fn new(colour: u8) -> Self {
            let digest = Digest::of(&[colour]);
            let identity = PluginIdentity {
                name: "fixed".into(),
                version: "1.0.0".into(),
                kind: "baseline".into(),
                digest,
            };
            Self(identity, colour, AtomicUsize::new(0))
        }
    }

    impl Strategy for Fixed {
        fn plugin(&self) -> &PluginIdentity {
            &self.0
        }

        fn run_with(&self, _: &Task, _: u64, _: &Limits, _: &Settings, _: Arc<dyn Backing>) -> RunReport {
            self.2.fetch_add(1, Ordering::Relaxed);
            let answer =
                Answer { test_index: 0, grid: cell(self.1), confidence: 0.5, rationale: String::new() };
            let usage = Usage { fuel_spent: 7, ..Usage::default() };
            RunReport {
                ending: Ending::Returned,
                answers: vec![answer],
                steps: vec![],
                log: vec![],
                usage,
                journal: vec![],
            }
        }
    }

    /// Keeps runs in memory; fails from the given record on.
    struct Memory(Mutex<Vec<StoredRun>>, usize);

    impl Ledger for Memory {
        fn record(&self, run: &StoredRun, _: &LabelledTask, _: Option<&str>) -> Result<String, LedgerError> {
            let mut runs = lock(&self.0);
            if runs.len() >= self.1 {
                return Err(LedgerError { message: "disk full".into(), hint: None });
            }
            let id = runs.len().to_string();
            runs.push(StoredRun { id: id.clone(), ..run.clone() });
            Ok(id)
        }

        fn finished(&self, recipe: &Recipe, _: Option<&str>) -> Result<Option<StoredRun>, LedgerError> {
            Ok(lock(&self.0).iter().find(|run| run.recipe == *recipe).cloned())
        }
    }

    fn cell(colour: u8) -> Grid {
        Grid::new(1, 1, &[colour]).unwrap()
    }

    fn tasks(count: u8) -> Vec<LabelledTask> {
        let task = |number: u8| {
            let colour = || cell(number % 10);
            let pair = Pair { input: colour(), output: colour() };
            LabelledTask::new(&format!("t{number}"), vec![pair], vec![(colour(), Some(colour()))]).unwrap()
        };
        (0..count).map(task).collect()
    }

    fn bench<'a>(strategies: &'a [Fixed], tasks: &'a [LabelledTask], ledger: &'a Memory) -> Bench<'a> {
        static NEVER: AtomicBool = AtomicBool::new(false);
        let contender = |strategy: &'a Fixed| Contender {
            strategy,
            limits: Limits::default(),
            settings: Settings::new(),
            place: Place::default(),
        };
        let contenders = strategies.iter().map(contender).collect();
        Bench {
            contenders,
            tasks,
            dataset: None,
            seed: 0,
            jobs: 2,
            ledger: Some(ledger),
            lender: None,
            resume: false,
            portfolio: None,
            folds: 1,
            cancel: &NEVER,
        }
    }

    #[test]
    fn results_come_in_the_order_of_the_tasks_and_are_scored() {
        let (strategies, tasks, ledger) = ([Fixed::new(3)], tasks(9), Memory(Mutex::default(), 99));
        let results = bench(&strategies, &tasks, &ledger).run(&|_| ()).unwrap();
        let solved: Vec<_> = results.iter().map(|result| result.solved_at(2).unwrap()).collect();
        assert_eq!(solved.iter().position(|&solved| solved), Some(3));
        assert_eq!(solved.iter().filter(|&&solved| solved).count(), 1);
        assert_eq!(results[3].outcome(), Outcome::Solved);
        assert!(results.iter().zip(&tasks).all(|(result, task)| result.task == *task));
    }

    #[test]
    fn several_strategies_are_ranked_together() {
        let (strategies, tasks, ledger) =
            ([Fixed::new(5), Fixed::new(2)], tasks(4), Memory(Mutex::default(), 99));
        let results = bench(&strategies, &tasks, &ledger).run(&|_| ()).unwrap();
        assert_eq!(results[2].solved_at(1), Some(false));
        assert_eq!(results[2].solved_at(2), Some(true));
        assert_eq!(lock(&ledger.0).len(), 8, "one stored run a strategy and task");
    }

    #[test]
    fn resuming_runs_only_what_is_missing() {
        let (strategies, tasks, ledger) = ([Fixed::new(5)], tasks(6), Memory(Mutex::default(), 99));
        let mut bench = bench(&strategies, &tasks[..4], &ledger);
        bench.run(&|_| ()).unwrap();
        bench.tasks = &tasks;
        bench.resume = true;
        let results = bench.run(&|_| ()).unwrap();
        assert_eq!(strategies[0].2.load(Ordering::Relaxed), 6);
        assert_eq!(results.iter().map(|result| result.resumed).sum::<usize>(), 4);
        bench.seed = 1;
        assert_eq!(bench.run(&|_| ()).unwrap()[0].resumed, 0, "another seed is another recipe");
    }

    #[test]
    fn a_failing_ledger_stops_the_work() {
        let (strategies, tasks, ledger) = ([Fixed::new(5)], tasks(20), Memory(Mutex::default(), 3));
        let error = bench(&strategies, &tasks, &ledger).run(&|_| ()).unwrap_err();
        assert!(matches!(error, BenchError::Ledger { .. }));
        assert_eq!(lock(&ledger.0).len(), 3);
    }

    #[test]
    fn a_cancelled_bench_begins_nothing() {
        let (strategies, tasks, ledger) = ([Fixed::new(5)], tasks(20), Memory(Mutex::default(), 99));
        let cancel = AtomicBool::new(true);
        let bench = Bench { cancel: &cancel, ..bench(&strategies, &tasks, &ledger) };
        assert!(bench.run(&|_| ()).unwrap().is_empty());
    }
}
