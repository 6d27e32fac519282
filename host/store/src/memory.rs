//! What runs remember: the backing of `memory` and `artifacts` for one run, and what is kept of it with the run.
//!
//! Everything lies under an owner and a domain: the actor, and the plugin's own unless the operator says otherwise.
//! A run sees what was committed, and what it kept itself; what it keeps is written with the run, in the run's
//! transaction and from its journal, so that a run that is not recorded leaves nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use stratagem_domain::{Backing, Call, Declined, Digest, Ending, Reply, StoredRun, grouped, pattern_id};

use crate::Store;
use crate::error::Failure;
use crate::learned::Source;
use crate::lessons::LEARNED_FROM;
use crate::patterns::CountedPattern;
use crate::readers::Readers;
use crate::writer::Change;
use crate::{embeddings, learned, patterns, prompt, search};

/// Bytes of rows that one answer holds at most; `lent_bytes` of the run bounds them further.
pub(crate) const MOST_REPLY_BYTES: u64 = 4 << 20;

/// Whose, and under which name: nothing is seen beyond it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Scope {
    pub owner: String,
    pub domain: String,
}

/// What one owner may keep in one domain: `[memory]` in the settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quotas {
    pub patterns: u64,
    /// KiB of one pattern's data.
    pub pattern_kb: u64,
    pub embeddings: u64,
    /// KiB of what one embedding was made of.
    pub embedding_kb: u64,
    /// Names of artifacts.
    pub artifacts: u64,
    /// MiB of all artifacts, the newest version of each.
    pub artifact_mb: u64,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            patterns: 10_000,
            pattern_kb: 64,
            embeddings: 100_000,
            embedding_kb: 64,
            artifacts: 1_000,
            artifact_mb: 256,
        }
    }
}

/// Answers one run's calls of `memory`, `artifacts` and `llm.prompt`; it asks no model.
pub struct RunMemory {
    pub(crate) readers: Arc<Readers>,
    vectors: Arc<embeddings::Cache>,
    scope: Scope,
    quotas: Quotas,
    /// The task that the run is on: how others on it were scored stays unsaid.
    task: Option<Digest>,
    kept: Mutex<Kept>,
}

/// What the run kept so far, and how full the scope was when it first asked.
#[derive(Default)]
struct Kept {
    patterns: Vec<CountedPattern>,
    pattern_count: Option<u64>,
    embedding_count: Option<u64>,
    saved: BTreeMap<String, Vec<u8>>,
    /// Names with the bytes of their newest version.
    sizes: Option<BTreeMap<String, u64>>,
}

impl Store {
    /// What remembers for one run in a domain.
    pub fn memory_for(&self, domain: &str) -> RunMemory {
        RunMemory {
            readers: Arc::clone(&self.readers),
            vectors: Arc::clone(&self.vectors),
            scope: self.scope(domain),
            quotas: self.quotas.clone(),
            task: None,
            kept: Mutex::default(),
        }
    }

    pub(crate) fn scope(&self, domain: &str) -> Scope {
        Scope { owner: self.actor().id.clone(), domain: domain.to_owned() }
    }
}

impl RunMemory {
    /// For a run on this task.
    #[must_use]
    pub fn on(self, task: Digest) -> Self {
        Self { task: Some(task), ..self }
    }
}

impl Backing for RunMemory {
    fn answer(&self, call: &Call) -> Result<Reply, Declined> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let answered = self.readers.read(|connection| self.look(connection, &mut kept, call));
        // What failed, and where the file lies, is nothing for a plugin.
        answered.unwrap_or_else(|_| Err(Declined::Unavailable("the store could not answer".to_owned())))
    }
}

type Answer = Result<Reply, Declined>;

impl RunMemory {
    fn look(&self, connection: &Connection, kept: &mut Kept, call: &Call) -> Result<Answer, Failure> {
        let scope = &self.scope;
        let rows = |limit: &u32| (*limit).min(Call::MAX_ROWS) as usize;
        Ok(match call {
            Call::Patterns { kind, min_success_rate, limit } => {
                let asked = (kind.as_str(), *min_success_rate, rows(limit));
                Ok(Reply::Patterns(patterns::best(connection, scope, asked, &kept.patterns)?))
            }
            Call::KeepPattern { kind, data, success } => {
                return self.keep_pattern(connection, kept, (kind, data, *success));
            }
            Call::Embed { content, .. } => return self.embed(connection, kept, content),
            Call::Recall { vector, model, limit } => {
                let nearest = self.vectors.nearest(connection, scope, (vector, model), rows(limit))?;
                Ok(Reply::Episodes(search::shown(connection, nearest, self.task)?))
            }
            Call::Search { query, limit } => {
                let found = search::newest(connection, scope, query, rows(limit))?;
                Ok(Reply::Episodes(search::shown(connection, found, self.task)?))
            }
            Call::Load { name } => match kept.saved.get(name) {
                Some(bytes) => Ok(Reply::Loaded(Some(bytes.clone()))),
                None => Ok(Reply::Loaded(learned::newest(connection, scope, name)?)),
            },
            Call::Save { name, bytes } => return self.save(connection, kept, name, bytes),
            Call::Prompt { name, variables } => {
                return prompt::filled(connection, &scope.owner, name, variables);
            }
            Call::Training(_) => Err(Declined::Unavailable("the store trains nothing".to_owned())),
            Call::Complete(_) => Err(Declined::Unavailable("no language model is configured".to_owned())),
        })
    }

    fn keep_pattern(
        &self,
        connection: &Connection,
        kept: &mut Kept,
        (kind, data, success): (&str, &str, bool),
    ) -> Result<Answer, Failure> {
        let (used, most) = (data.len() as u64, self.quotas.pattern_kb << 10);
        if used > most {
            return Ok(full("bytes of a pattern", used, most));
        }
        let id = pattern_id(&self.scope.owner, &self.scope.domain, kind, data);
        if let Some(own) = kept.patterns.iter_mut().find(|pattern| pattern.id == id) {
            own.trials += 1;
            own.successes += u64::from(success);
            return Ok(Ok(Reply::Kept(id)));
        }
        let counts = patterns::counts(connection, &id)?;
        if counts.is_none() {
            let count = match kept.pattern_count {
                Some(count) => count,
                None => patterns::count(connection, &self.scope)?,
            };
            if count >= self.quotas.patterns {
                return Ok(full("patterns", count + 1, self.quotas.patterns));
            }
            kept.pattern_count = Some(count + 1);
        }
        let (trials, successes) = counts.unwrap_or_default();
        kept.patterns.push(CountedPattern {
            id: id.clone(),
            kind: kind.to_owned(),
            data: data.to_owned(),
            trials: trials + 1,
            successes: successes + u64::from(success),
        });
        Ok(Ok(Reply::Kept(id)))
    }

    fn embed(&self, connection: &Connection, kept: &mut Kept, content: &str) -> Result<Answer, Failure> {
        let (used, most) = (content.len() as u64, self.quotas.embedding_kb << 10);
        if used > most {
            return Ok(full("bytes of an embedding's content", used, most));
        }
        let count = match kept.embedding_count {
            Some(count) => count,
            None => embeddings::count(connection, &self.scope)?,
        };
        if count >= self.quotas.embeddings {
            return Ok(full("embeddings", count + 1, self.quotas.embeddings));
        }
        kept.embedding_count = Some(count + 1);
        Ok(Ok(Reply::Done))
    }

    fn save(
        &self,
        connection: &Connection,
        kept: &mut Kept,
        name: &str,
        bytes: &[u8],
    ) -> Result<Answer, Failure> {
        if name == LEARNED_FROM {
            let refused = format!("an artifact called {name:?}: that name is the host's");
            return Ok(Err(Declined::Invalid(refused)));
        }
        if kept.sizes.is_none() {
            kept.sizes = Some(learned::sizes(connection, &self.scope)?);
        }
        let sizes = kept.sizes.get_or_insert_default();
        if let Some(refused) = self.quotas.artifact(sizes, name, bytes.len() as u64) {
            return Ok(refused);
        }
        sizes.insert(name.to_owned(), bytes.len() as u64);
        kept.saved.insert(name.to_owned(), bytes.to_vec());
        Ok(Ok(Reply::Done))
    }
}

impl Quotas {
    /// Why an artifact does not fit beside the others; none where it does.
    pub(crate) fn artifact(&self, sizes: &BTreeMap<String, u64>, name: &str, bytes: u64) -> Option<Answer> {
        let others = || sizes.iter().filter(|(other, _)| *other != name);
        let names = others().count() as u64 + 1;
        if names > self.artifacts {
            return Some(full("artifacts", names, self.artifacts));
        }
        let all = others().map(|(_, bytes)| bytes).sum::<u64>() + bytes;
        let most = self.artifact_mb << 20;
        (all > most).then(|| full("bytes of artifacts", all, most))
    }
}

fn full(what: &str, wanted: u64, quota: u64) -> Answer {
    Err(Declined::Exhausted(format!("{what} {}: the quota is {}", grouped(wanted), grouped(quota))))
}

/// Writes what a run kept, from its journal, in the run's transaction. Other runs may have filled the scope since
/// this one asked: what no longer fits is passed over.
///
/// Nothing is taken over from a run whose process crashed or that the host failed: its answers are lost too.
pub(crate) fn keep(
    change: &Change<'_>,
    quotas: &Quotas,
    scope: &Scope,
    run: &StoredRun,
    (run_id, episode): (&str, &str),
) -> Result<(), Failure> {
    if matches!(run.ending, Ending::Crashed(_) | Ending::HostFault(_) | Ending::Refused { .. }) {
        return Ok(());
    }
    let asks = |wanted: fn(&Call) -> bool| run.journal.iter().any(|then| wanted(&then.call));
    let mut patterns_left = 0;
    if asks(|call| matches!(call, Call::KeepPattern { .. })) {
        patterns_left = quotas.patterns.saturating_sub(patterns::count(change, scope)?);
    }
    let mut embeddings_left = 0;
    if asks(|call| matches!(call, Call::Embed { .. })) {
        embeddings_left = quotas.embeddings.saturating_sub(embeddings::count(change, scope)?);
    }
    // Of what was saved under a name the last is kept.
    let mut saved: BTreeMap<&str, &[u8]> = BTreeMap::new();
    for then in &run.journal {
        match (&then.call, &then.reply) {
            (call, Ok(Reply::Kept(id))) => {
                patterns::keep(change, scope, Some(episode), (id, call), &mut patterns_left)?;
            }
            (Call::Save { name, bytes }, Ok(_)) => {
                saved.insert(name, bytes);
            }
            (call, Ok(_)) => embeddings::keep(change, scope, episode, call, &mut embeddings_left)?,
            (_, Err(_)) => {}
        }
    }
    if saved.is_empty() {
        return Ok(());
    }
    let mut sizes = learned::sizes(change, scope)?;
    for (name, bytes) in saved {
        if quotas.artifact(&sizes, name, bytes.len() as u64).is_none() {
            sizes.insert(name.to_owned(), bytes.len() as u64);
            learned::save(change, scope, &Source::Run(run_id), name, bytes)?;
        }
    }
    Ok(())
}
