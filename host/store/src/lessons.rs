//! What strategies learned from solved tasks, and from which: so that none is scored on what it has seen.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::params;
use serde::{Deserialize, Serialize};
use stratagem_domain::{Call, Digest, Ending, Lesson, Likeness, Reply, RunReport, quote};

use crate::error::Failure;
use crate::learned::{self, Source};
use crate::{Store, StoreError, patterns};

/// The tasks that something was learned from: their digests, and the words by which they are known again however they
/// are drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lessons {
    pub tasks: BTreeSet<String>,
    pub words: BTreeSet<String>,
}

impl Lessons {
    pub fn of(lessons: &[Lesson]) -> Self {
        let mut of = Self::default();
        for lesson in lessons {
            of.tasks.insert(lesson.task.digest().to_string());
            of.words.extend(Likeness::of(&lesson.task).words().map(ToOwned::to_owned));
        }
        of
    }
}

/// The artifact that says what else in its domain was learned from.
pub(crate) const LEARNED_FROM: &str = "learned-from";

/// An artifact that a strategy learned from tasks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LearnedArtifact {
    pub name: String,
    pub version: u32,
    pub digest: String,
    pub bytes: u64,
    pub lessons: Lessons,
    /// Milliseconds since 1970, UTC.
    pub created_at: u64,
}

/// What one run came to, as a portfolio learns from it.
#[derive(Clone, Debug, PartialEq)]
pub struct PastRun {
    pub strategy: String,
    pub task: Digest,
    pub solved_at_2: bool,
    pub fuel_spent: u64,
    /// Those that were among the best of their test input.
    pub answers: Vec<PastAnswer>,
}

/// What an answer claimed, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PastAnswer {
    pub confidence: f64,
    /// Among the answers to its test input, from 1.
    pub rank: usize,
    pub is_correct: bool,
}

impl Store {
    /// Keeps what a strategy learned in a domain: the artifacts that it saved and the patterns that it kept, all or
    /// nothing. Returns the artifacts of the domain that were learned from lessons.
    ///
    /// *Errors*: [`StoreError::Invalid`] where learning did not come to its end, or left nothing.
    pub fn keep_learned(
        &self,
        domain: &str,
        report: &RunReport,
        lessons: &Lessons,
    ) -> Result<Vec<LearnedArtifact>, StoreError> {
        let refuse =
            |what: String, hint: &str| Err(StoreError::Invalid { what, hint: Some(hint.to_owned()) });
        if report.ending != Ending::Returned {
            let reason = report.ending.reason().unwrap_or_default();
            return refuse(
                format!("learning did not come to its end: {}", quote(&reason, 300)),
                "what was there stays",
            );
        }
        let keeps = |call: &Call| matches!(call, Call::Save { .. } | Call::KeepPattern { .. });
        if !report.journal.iter().any(|then| keeps(&then.call) && then.reply.is_ok()) {
            return refuse(
                "the strategy learned nothing: it saved no artifact and kept no pattern".to_owned(),
                "a strategy learns through `artifacts` and `memory`: its plugin.toml must ask for them",
            );
        }
        let (scope, journal, quotas) = (self.scope(domain), report.journal.clone(), self.quotas.clone());
        let built_on = report.journal.iter().any(|then| matches!(then.reply, Ok(Reply::Loaded(Some(_)))));
        let mut lessons = lessons.clone();
        self.write("keeping what was learned", move |change| {
            let mut room = quotas.patterns.saturating_sub(patterns::count(change, &scope)?);
            let mut sizes = learned::sizes(change, &scope)?;
            // What was there goes on in what is learned now, where it was read or lies beside it.
            if built_on || patterns::count(change, &scope)? > 0 {
                let before = learned::lessons(change, &scope)?.unwrap_or_default();
                lessons.tasks.extend(before.tasks);
                lessons.words.extend(before.words);
            }
            let told = serde_json::to_string(&lessons).map_err(|error| Failure::Row(error.to_string()))?;
            let record =
                serde_json::to_vec_pretty(&lessons).map_err(|error| Failure::Row(error.to_string()))?;
            // Of what was saved under a name the last is kept.
            let mut saved: BTreeMap<&str, &[u8]> = BTreeMap::from([(LEARNED_FROM, &record[..])]);
            for then in &journal {
                match (&then.call, &then.reply) {
                    (call, Ok(Reply::Kept(id))) => {
                        change.made("pattern.learn", "patterns", id);
                        patterns::keep(change, &scope, None, (id, call), &mut room)?;
                    }
                    (Call::Save { name, bytes }, Ok(_)) if name != LEARNED_FROM => {
                        saved.insert(name, bytes);
                    }
                    _ => {}
                }
            }
            for (name, bytes) in saved {
                if quotas.artifact(&sizes, name, bytes.len() as u64).is_none() {
                    sizes.insert(name.to_owned(), bytes.len() as u64);
                    learned::save(change, &scope, &Source::Lessons(&told), name, bytes)?;
                }
            }
            Ok(())
        })?;
        self.learned_in(domain)
    }

    /// The tasks that anything in a domain was learned from; none where nothing was.
    pub fn lessons_of(&self, domain: &str) -> Result<Option<Lessons>, StoreError> {
        let scope = self.scope(domain);
        self.read(|connection| learned::lessons(connection, &scope))
    }

    /// The newest artifacts of a domain that were learned from lessons, by name.
    pub fn learned_in(&self, domain: &str) -> Result<Vec<LearnedArtifact>, StoreError> {
        let scope = self.scope(domain);
        self.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT l.name, max(l.version), l.digest, a.bytes, l.lessons, l.created_at
                 FROM learned_artifacts l JOIN artifacts a ON a.digest = l.digest
                 WHERE l.owner_id = ?1 AND l.domain = ?2 GROUP BY l.name ORDER BY l.name",
            )?;
            let mut rows = select.query(params![scope.owner, scope.domain])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let Some(lessons) = row.get::<_, Option<String>>(4)? else { continue };
                found.push(LearnedArtifact {
                    name: row.get(0)?,
                    version: row.get(1)?,
                    digest: row.get(2)?,
                    bytes: row.get::<_, i64>(3)? as u64,
                    lessons: crate::rows::parse_json(&lessons, "the lessons of an artifact")?,
                    created_at: row.get::<_, i64>(5)? as u64,
                });
            }
            Ok(found)
        })
    }

    /// How tasks were solved: for each that a stored answer was right on, the rationale of the surest.
    pub fn rationales(&self) -> Result<BTreeMap<Digest, String>, StoreError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT r.task_digest, a.rationale, max(a.confidence)
                 FROM answers a JOIN runs r ON r.id = a.run_id
                 WHERE a.is_correct = 1 AND a.test_ord = 0 GROUP BY r.task_digest",
            )?;
            let mut rows = select.query([])?;
            let mut found = BTreeMap::new();
            while let Some(row) = rows.next()? {
                found.insert(crate::rows::parse_digest(&row.get::<_, String>(0)?)?, row.get(1)?);
            }
            Ok(found)
        })
    }

    /// Of each of the components on each task whose outputs are known and that `wanted` lets through, the run that was
    /// lent the most fuel, the newest of those: a turn within a portfolio is cut short, and says less.
    pub fn past_runs(
        &self,
        components: &[Digest],
        wanted: impl Fn(&Digest) -> bool,
    ) -> Result<Vec<PastRun>, StoreError> {
        self.read(|connection| {
            let mut found = Vec::new();
            for component in components {
                let mut newest: BTreeMap<Digest, (String, PastRun)> = BTreeMap::new();
                let mut select = connection.prepare_cached(
                    "SELECT r.id, p.name, r.task_digest, r.outcome = 'solved', u.fuel_spent
                     FROM plugin_versions v JOIN plugins p ON p.id = v.plugin_id
                     JOIN runs r ON r.plugin_version_id = v.id
                     JOIN resource_usage u ON u.run_id = r.id AND u.kind = 'wasm'
                     WHERE v.wasm_digest = ?1 AND r.outcome IN ('solved', 'unsolved', 'out_of_fuel', 'out_of_memory')
                     ORDER BY json_extract(r.limits, '$.fuel'), r.started_at, r.id",
                )?;
                let mut rows = select.query([component.to_string()])?;
                while let Some(row) = rows.next()? {
                    let run = PastRun {
                        strategy: row.get(1)?,
                        task: crate::rows::parse_digest(&row.get::<_, String>(2)?)?,
                        solved_at_2: row.get(3)?,
                        fuel_spent: row.get::<_, i64>(4)? as u64,
                        answers: Vec::new(),
                    };
                    if wanted(&run.task) {
                        newest.insert(run.task, (row.get(0)?, run));
                    }
                }
                found.extend(newest.into_values());
            }
            let mut select = connection.prepare_cached(
                "SELECT confidence, rank, is_correct FROM answers
                 WHERE run_id = ?1 AND rank IS NOT NULL AND is_correct IS NOT NULL ORDER BY n",
            )?;
            for (id, run) in &mut found {
                let id: &str = id;
                let answers = select.query_map([id], |row| {
                    let rank = row.get::<_, i64>(1)? as usize;
                    Ok(PastAnswer { confidence: row.get(0)?, rank, is_correct: row.get(2)? })
                })?;
                run.answers = answers.collect::<rusqlite::Result<_>>()?;
            }
            let mut runs: Vec<PastRun> = found.into_iter().map(|(_, run)| run).collect();
            runs.sort_by(|a, b| (&a.strategy, a.task).cmp(&(&b.strategy, b.task)));
            Ok(runs)
        })
    }
}
