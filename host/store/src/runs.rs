use rusqlite::{OptionalExtension, params};
use stratagem_domain::{
    Fault, LabelledTask, Ledger, LedgerError, Outcome, Place, Purpose, Recipe, Score, Step, StoredAnswer,
    StoredRun,
};

use crate::adaptations;
use crate::bounds;
use crate::error::Failure;
use crate::journal;
use crate::memory::{self, Quotas, Scope};
use crate::models;
use crate::open::new_id;
use crate::plugins::{self, PluginRows};
use crate::read;
use crate::rows::{counter, json, level_name, mebibytes};
use crate::writer::Change;
use crate::{Store, StoreError};
use crate::{evaluations, failures};

/// The attempts that are submitted; the third is scored only.
const SUBMITTED: usize = 2;

/// Bytes of an episode's summary.
const SUMMARY_BYTES: usize = 4_096;

/// The fields of [`stratagem_domain::Usage`] that are read from columns; `detail` has all others, and those whose
/// columns are copies for queries.
const COLUMNS: [&str; 5] = ["fuel_spent", "cpu_seconds", "wall_ms", "memory_peak_bytes", "host_calls"];

impl Ledger for Store {
    fn record(
        &self,
        run: &StoredRun,
        task: &LabelledTask,
        dataset: Option<&str>,
    ) -> Result<String, LedgerError> {
        Ok(self.keep_run(run, task, dataset)?)
    }

    fn finished(&self, recipe: &Recipe, dataset: Option<&str>) -> Result<Option<StoredRun>, LedgerError> {
        let found = self.read(|connection| {
            let id: Option<String> = connection
                .prepare_cached(
                    "SELECT r.id FROM runs r
                     JOIN run_tasks rt ON rt.run_id = r.id JOIN arc_tasks t ON t.id = rt.task_id
                     WHERE r.recipe = ?1 AND r.finished_at IS NOT NULL
                       AND r.outcome NOT IN ('host_fault', 'past_deadline', 'refused')
                       AND (?2 IS NULL OR t.dataset_id = ?2)
                     ORDER BY r.finished_at DESC, r.id DESC LIMIT 1",
                )?
                .query_row(params![recipe.digest().to_string(), dataset], |row| row.get(0))
                .optional()?;
            id.map(|id| read::load(connection, &id)).transpose()
        });
        Ok(found?)
    }

    fn count(&self, run: &StoredRun, place: &Place) -> Result<(), LedgerError> {
        match &place.evaluation {
            Some(evaluation) if run.place.evaluation.as_ref() != Some(evaluation) => {
                Ok(self.link_run(run, evaluation)?)
            }
            _ => Ok(()),
        }
    }
}

impl Store {
    fn keep_run(
        &self,
        run: &StoredRun,
        task: &LabelledTask,
        dataset: Option<&str>,
    ) -> Result<String, StoreError> {
        let digest = task.digest();
        let code = &task.task.id;
        if run.recipe.task != digest || run.task_id != *code {
            let (run_code, run_task) = (run.task_id.clone(), run.recipe.task);
            return Err(StoreError::OtherTask { run_code, run_task, code: code.clone(), digest });
        }
        bounds::run(run)?;
        let (run, code, path) = (run.clone(), code.clone(), self.path().to_owned());
        let (dataset, quotas) = (dataset.map(str::to_owned), self.quotas.clone());
        self.write("keeping a run", move |connection| {
            let task_row = match &run.place.evaluation {
                Some(evaluation) => Some(evaluations::task_row(connection, evaluation, &digest)?),
                None => evaluations::find_task(connection, &digest, dataset.as_deref())?,
            };
            let Some(task_row) = task_row else {
                return Err(StoreError::UnknownTask { path, code, digest }.into());
            };
            let Some(plugin) = plugins::find(connection, &run.recipe.plugin)? else {
                let wanted = run.recipe.plugin.clone();
                let (plugin, version, digest) = (wanted.name, wanted.version, wanted.digest);
                return Err(StoreError::UnknownPlugin { path, plugin, version, digest }.into());
            };
            let entry = Entry { connection, run: &run, id: new_id(), task_row, plugin };
            connection.made("run.record", "runs", &entry.id);
            entry.write(&quotas)?;
            Ok(entry.id)
        })
    }
}

/// A run on its way into the tables; the transaction is the caller's.
struct Entry<'a> {
    connection: &'a Change<'a>,
    run: &'a StoredRun,
    id: String,
    /// Of `arc_tasks`.
    task_row: String,
    plugin: PluginRows,
}

impl Entry<'_> {
    fn write(&self, quotas: &Quotas) -> Result<(), Failure> {
        self.run_row()?;
        self.run_task()?;
        self.answers()?;
        self.log()?;
        for attempt in 1..=SUBMITTED {
            self.submission(attempt)?;
        }
        let outcome_id = self.outcome()?;
        failures::keep(self.connection, &self.run.ending, &outcome_id, self.finished_at())?;
        self.usage(&outcome_id)?;
        let episode = self.episode()?;
        let scope = Scope { owner: self.connection.actor.id.clone(), domain: self.domain().to_owned() };
        memory::keep(self.connection, quotas, &scope, self.run, (&self.id, &episode))?;
        adaptations::keep(self.connection, &self.task_row, &self.run.journal, self.finished_at())?;
        if let Some(evaluation) = &self.run.place.evaluation {
            let (task, run, status) = (&self.task_row, &self.id, self.status());
            let times = (self.started_at(), self.finished_at());
            evaluations::task_ended(self.connection, evaluation, task, run, status, times)?;
        }
        let name = Purpose::name_of(&self.run.recipe, &self.run.place);
        models::adopt(self.connection, &name, &self.id, &self.task_row)?;
        journal::keep(self.connection, &self.id, &self.run.journal)
    }

    /// Where its episode and what it kept are found again.
    fn domain(&self) -> &str {
        self.run.place.domain.as_deref().unwrap_or(&self.run.recipe.plugin.name)
    }

    fn started_at(&self) -> i64 {
        counter(self.run.started_at)
    }

    fn finished_at(&self) -> i64 {
        counter(self.run.finished_at)
    }

    fn partial_credit(&self) -> Option<f64> {
        self.run.score.as_ref().map(Score::partial_credit)
    }

    /// True where the run came to its end, whether it solved the task or not.
    fn is_complete(&self) -> bool {
        self.run.ending.fault() == Fault::Nobody
    }

    fn status(&self) -> &'static str {
        if self.is_complete() { "completed" } else { "failed" }
    }

    /// The outcome's name, none where the run came to its end.
    fn error_name(&self) -> Option<&'static str> {
        (!self.is_complete()).then(|| self.run.outcome.as_str())
    }

    fn run_row(&self) -> Result<(), Failure> {
        let StoredRun { recipe, outcome, ending, score, place, usage, .. } = self.run;
        let status = if *outcome == Outcome::PastDeadline { "timeout" } else { self.status() };
        self.connection
            .prepare_cached(
                "INSERT INTO runs (id, kind, plugin_version_id, owner_id, status, recipe, task_digest, seed, limits,
                     settings, outcome, fault, ending, metrics, score, error, created_at, started_at, finished_at, grants,
                     evaluation_id, experiment_id, config_version_id, cost_micros)
                 VALUES (?1, 'evaluation', ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?16, ?17,
                     ?18, ?19, (SELECT experiment_id FROM evaluations WHERE id = ?19), ?20, ?21)",
            )?
            .execute(params![
                self.id,
                self.plugin.version_id,
                self.connection.actor.id,
                status,
                recipe.digest().to_string(),
                recipe.task.to_string(),
                recipe.seed.cast_signed(),
                json(&recipe.limits),
                json(&recipe.settings),
                outcome.as_str(),
                ending.fault().as_str(),
                json(ending),
                score.as_ref().map(json),
                self.partial_credit(),
                ending.reason(),
                self.started_at(),
                self.finished_at(),
                recipe.grants.map(|digest| digest.to_string()),
                place.evaluation,
                place.config_version,
                counter(usage.cost_micros),
            ])?;
        Ok(())
    }

    fn run_task(&self) -> Result<(), Failure> {
        self.connection
            .prepare_cached(
                "INSERT INTO run_tasks (run_id, task_id, ord, status, tries, started_at, finished_at)
                 VALUES (?1, ?2, 0, ?3, 1, ?4, ?5)",
            )?
            .execute(params![self.id, self.task_row, self.status(), self.started_at(), self.finished_at()])?;
        Ok(())
    }

    fn answers(&self) -> Result<(), Failure> {
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO answers (run_id, n, task_id, test_ord, grid, confidence, rationale, rank, is_correct)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?;
        for (n, StoredAnswer { answer, rank, is_correct }) in (1_i64..).zip(&self.run.answers) {
            insert.execute(params![
                self.id,
                n,
                self.task_row,
                answer.test_index as i64,
                json(&answer.grid),
                answer.confidence,
                answer.rationale,
                rank.map(|rank| rank as i64),
                is_correct,
            ])?;
        }
        Ok(())
    }

    fn log(&self) -> Result<(), Failure> {
        let mut insert = self
            .connection
            .prepare_cached("INSERT INTO run_logs (run_id, n, level, message) VALUES (?1, ?2, ?3, ?4)")?;
        for (n, line) in (1_i64..).zip(&self.run.log) {
            insert.execute(params![self.id, n, level_name(line.level), line.message])?;
        }
        Ok(())
    }

    /// Writes an attempt with its grids; nothing where no answer has that rank.
    fn submission(&self, attempt: usize) -> Result<(), Failure> {
        let of_attempt = || self.run.answers.iter().filter(|stored| stored.rank == Some(attempt));
        let Some(confidence) = of_attempt().map(|stored| stored.answer.confidence).min_by(f64::total_cmp)
        else {
            return Ok(());
        };
        // Right only if every test input has a right grid; not known where one output is not.
        let is_correct = self.run.score.as_ref().map(|score| {
            let right = of_attempt().filter(|stored| stored.is_correct == Some(true)).count();
            right == score.right_at.len()
        });
        let submission = new_id();
        self.connection
            .prepare_cached(
                "INSERT INTO task_submissions (id, run_id, task_id, user_id, attempt, confidence, submitted_at,
                     strategy_used, is_correct, processing_time_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                submission,
                self.id,
                self.task_row,
                self.connection.actor.id,
                attempt as i64,
                confidence,
                self.finished_at(),
                self.run.recipe.plugin.name,
                is_correct,
                counter(self.run.usage.wall_ms),
            ])?;
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO submission_grids (submission_id, test_ord, grid, is_correct) VALUES (?1, ?2, ?3, ?4)",
        )?;
        for StoredAnswer { answer, is_correct, .. } in of_attempt() {
            insert.execute(params![submission, answer.test_index as i64, json(&answer.grid), is_correct])?;
        }
        Ok(())
    }

    fn outcome(&self) -> Result<String, Failure> {
        let StoredRun { outcome, usage, score, place, .. } = self.run;
        let status = match outcome {
            Outcome::PastDeadline => "timeout",
            _ if self.is_complete() => "success",
            _ => "error",
        };
        let metrics = score.as_ref().map(|score| {
            let [one, two, three] = [1, 2, 3].map(|attempts| score.solved_at(attempts));
            serde_json::json!({ "solved_at_1": one, "solved_at_2": two, "solved_at_3": three }).to_string()
        });
        let id = new_id();
        self.connection
            .prepare_cached(
                "INSERT INTO outcomes (id, executed_at, run_id, task_id, status, score, duration_ms, fuel_spent,
                     memory_peak_bytes, error_category, metrics, tokens, cost_micros, evaluation_id, config_version_id)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
            )?
            .execute(params![
                id,
                self.finished_at(),
                self.id,
                self.task_row,
                status,
                self.partial_credit().unwrap_or(0.0),
                counter(usage.wall_ms),
                counter(usage.fuel_spent),
                counter(usage.memory_peak_bytes),
                self.error_name(),
                metrics,
                counter(usage.prompt_tokens.saturating_add(usage.completion_tokens)),
                counter(usage.cost_micros),
                place.evaluation,
                place.config_version,
            ])?;
        Ok(id)
    }

    fn usage(&self, outcome_id: &str) -> Result<(), Failure> {
        let usage = &self.run.usage;
        let mut detail = serde_json::json!(usage);
        if let Some(fields) = detail.as_object_mut() {
            fields.retain(|name, _| !COLUMNS.contains(&name.as_str()));
        }
        self.connection
            .prepare_cached(
                "INSERT INTO resource_usage (id, at, kind, name, user_id, run_id, outcome_id, calls, cpu_seconds,
                     wall_ms, fuel_spent, memory_mb, gpu_memory_mb, prompt_tokens, completion_tokens, cost_micros, ok,
                     error_type, detail, task_id, experiment_id)
                 VALUES (?1, ?2, 'wasm', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,
                     (SELECT experiment_id FROM runs WHERE id = ?5))",
            )?
            .execute(params![
                new_id(),
                self.finished_at(),
                self.run.recipe.plugin.name,
                self.connection.actor.id,
                self.id,
                outcome_id,
                counter(usage.host_calls),
                usage.cpu_seconds,
                counter(usage.wall_ms),
                counter(usage.fuel_spent),
                mebibytes(usage.memory_peak_bytes),
                mebibytes(usage.device_memory_peak_bytes),
                counter(usage.prompt_tokens),
                counter(usage.completion_tokens),
                counter(usage.cost_micros),
                self.is_complete(),
                self.error_name(),
                detail.to_string(),
                self.task_row,
            ])?;
        Ok(())
    }

    /// Writes the episode with its steps, and returns its id.
    fn episode(&self) -> Result<String, Failure> {
        let StoredRun { recipe, task_id, steps, .. } = self.run;
        let episode = new_id();
        self.connection
            .prepare_cached(
                "INSERT INTO episodes (id, run_id, user_id, owner_id, plugin_id, task_type, domain, context, status,
                     success_rate, created_at, completed_at, summary)
                 VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?
            .execute(params![
                episode,
                self.id,
                self.connection.actor.id,
                self.plugin.plugin_id,
                recipe.plugin.kind,
                self.domain(),
                task_id,
                self.status(),
                self.partial_credit(),
                self.started_at(),
                self.finished_at(),
                summary(steps),
            ])?;
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO steps (episode_id, n, action, result, ok, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for (n, step) in (1_i64..).zip(steps) {
            insert.execute(params![
                episode,
                n,
                step.action,
                step.detail,
                step.success,
                self.finished_at()
            ])?;
        }
        Ok(episode)
    }
}

/// What a search over episodes finds: actions and what came of them, cut.
fn summary(steps: &[Step]) -> String {
    let mut text = String::new();
    for Step { action, detail, .. } in steps {
        if text.len() >= SUMMARY_BYTES {
            break;
        }
        text.extend([action, " ", detail, "\n"]);
    }
    text.truncate(text.floor_char_boundary(SUMMARY_BYTES));
    text
}
