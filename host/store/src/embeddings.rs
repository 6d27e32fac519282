//! Embeddings: which episodes are nearest to a vector.
//!
//! Brute force over rows that lie in memory, normalised, so that a cosine is a dot product: at the sizes that one
//! owner and domain may keep this is faster than any index on disk, and exact.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rusqlite::{Connection, OptionalExtension, params};
use stratagem_domain::{Call, Digest, Episode};

use crate::error::Failure;
use crate::memory::Scope;
use crate::open::now;
use crate::search::episode;
use crate::writer::Change;
use crate::{Store, StoreError};

/// Vectors that stay in memory, all together.
const CACHED_BYTES: usize = 512 << 20;
/// Sums that a dot product is kept in: independent, so that the compiler makes vectors of them.
const LANES: usize = 16;

/// Vectors of one length, each as a row of length one.
#[derive(Clone, Debug, Default)]
pub struct Vectors {
    dim: usize,
    rows: Vec<f32>,
    /// Whose row it is; a subject may have several.
    subjects: Vec<String>,
    /// Of `embeddings`, in the same order.
    seqs: Vec<i64>,
}

impl Vectors {
    pub fn new(dim: usize) -> Self {
        Self { dim, ..Self::default() }
    }

    pub fn len(&self) -> usize {
        self.subjects.len()
    }

    pub fn is_empty(&self) -> bool {
        self.subjects.is_empty()
    }

    /// Adds a row; one of another length, or without a direction, is passed over.
    pub fn push(&mut self, seq: i64, subject: &str, vector: impl Iterator<Item = f32>) {
        let start = self.rows.len();
        self.rows.extend(vector);
        let row = &mut self.rows[start..];
        let length = norm(row);
        if row.len() != self.dim || !length.is_normal() {
            self.rows.truncate(start);
            return;
        }
        row.iter_mut().for_each(|number| *number = (f64::from(*number) / length) as f32);
        self.subjects.push(subject.to_owned());
        self.seqs.push(seq);
    }

    /// The subjects nearest to a vector, best first, each once, with the place of its best row and its cosine.
    pub fn nearest(&self, vector: &[f32], most: usize) -> Vec<(usize, f32)> {
        let length = norm(vector);
        if vector.len() != self.dim || !length.is_normal() || most == 0 {
            return Vec::new();
        }
        let wanted: Vec<f32> = vector.iter().map(|&number| (f64::from(number) / length) as f32).collect();
        let mut best: Vec<(usize, f32)> = Vec::with_capacity(most + 1);
        for (at, row) in self.rows.chunks_exact(self.dim).enumerate() {
            let cosine = dot(row, &wanted);
            if best.len() == most && cosine <= best[most - 1].1 {
                continue;
            }
            if let Some(own) = best.iter().position(|&(other, _)| self.subjects[other] == self.subjects[at]) {
                if cosine <= best[own].1 {
                    continue;
                }
                best.remove(own);
            }
            let place = best.partition_point(|&(_, other)| other >= cosine);
            best.insert(place, (at, cosine));
            best.truncate(most);
        }
        best
    }

    fn bytes(&self) -> usize {
        self.rows.len() * 4 + self.subjects.len() * 64
    }
}

fn norm(vector: &[f32]) -> f64 {
    vector.iter().map(|&number| f64::from(number) * f64::from(number)).sum::<f64>().sqrt()
}

fn dot(row: &[f32], wanted: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let (rows, wanteds) = (row.chunks_exact(LANES), wanted.chunks_exact(LANES));
    let rest: f32 = rows.remainder().iter().zip(wanteds.remainder()).map(|(a, b)| a * b).sum();
    for (row, wanted) in rows.zip(wanteds) {
        for lane in 0..LANES {
            sums[lane] += row[lane] * wanted[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// What vectors are kept in memory by: whose, of which model, of which length.
type Key = (Scope, String, usize);

/// The vectors that were asked for lately.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    blocks: Mutex<(u64, BTreeMap<Key, Block>)>,
}

#[derive(Debug)]
struct Block {
    used: u64,
    vectors: Arc<RwLock<Vectors>>,
}

impl Cache {
    /// Lets all of it go: after an erasure nothing of it may be left.
    pub(crate) fn clear(&self) {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner).1.clear();
    }

    fn block(&self, key: &Key) -> Arc<RwLock<Vectors>> {
        let mut guard = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let (clock, blocks) = &mut *guard;
        *clock += 1;
        let new = || Block { used: 0, vectors: Arc::new(RwLock::new(Vectors::new(key.2))) };
        let block = blocks.entry(key.clone()).or_insert_with(new);
        block.used = *clock;
        Arc::clone(&block.vectors)
    }

    /// Lets those go that were used longest ago, where all together are too large; one stays.
    fn trim(&self) {
        let mut guard = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let blocks = &mut guard.1;
        let bytes = |block: &Block| block.vectors.try_read().map_or(0, |vectors| vectors.bytes());
        while blocks.len() > 1 && blocks.values().map(bytes).sum::<usize>() > CACHED_BYTES {
            let oldest = blocks.iter().min_by_key(|(_, block)| block.used).map(|(key, _)| key.clone());
            let Some(oldest) = oldest else { break };
            blocks.remove(&oldest);
        }
    }

    /// The finished episodes of a scope whose embedding is nearest, best first.
    pub(crate) fn nearest(
        &self,
        connection: &Connection,
        scope: &Scope,
        (vector, model): (&[f32], &str),
        most: usize,
    ) -> Result<Vec<Episode>, Failure> {
        let block = self.block(&(scope.clone(), model.to_owned(), vector.len()));
        refresh(connection, scope, model, &mut block.write().unwrap_or_else(PoisonError::into_inner))?;
        self.trim();
        // What was deleted is noticed where it would be an answer: then all is read again.
        if let Some(found) = look(connection, scope, &block, vector, most)? {
            return Ok(found);
        }
        {
            let mut vectors = block.write().unwrap_or_else(PoisonError::into_inner);
            *vectors = Vectors::new(vector.len());
            refresh(connection, scope, model, &mut vectors)?;
        }
        Ok(look(connection, scope, &block, vector, most)?.unwrap_or_default())
    }
}

/// The nearest episodes; none where one of them is not there any more.
fn look(
    connection: &Connection,
    scope: &Scope,
    block: &RwLock<Vectors>,
    vector: &[f32],
    most: usize,
) -> Result<Option<Vec<Episode>>, Failure> {
    let vectors = block.read().unwrap_or_else(PoisonError::into_inner);
    let mut found = Vec::new();
    for (at, cosine) in vectors.nearest(vector, most) {
        let subject: Option<String> = connection
            .prepare_cached("SELECT subject_id FROM embeddings WHERE seq = ?1")?
            .query_row([vectors.seqs[at]], |row| row.get(0))
            .optional()?;
        if subject.as_ref() != Some(&vectors.subjects[at]) {
            return Ok(None);
        }
        let Some(episode) = episode(connection, scope, &vectors.subjects[at], f64::from(cosine))? else {
            return Ok(None);
        };
        found.push(episode);
    }
    Ok(Some(found))
}

/// Takes up what came since; reads everything again where the last row is gone.
fn refresh(
    connection: &Connection,
    scope: &Scope,
    model: &str,
    vectors: &mut Vectors,
) -> Result<(), Failure> {
    let newest: Option<i64> = connection
        .prepare_cached(
            "SELECT max(seq) FROM embeddings
             WHERE subject_kind = 'episode' AND model = ?1 AND owner_id = ?2 AND domain = ?3",
        )?
        .query_row(params![model, scope.owner, scope.domain], |row| row.get(0))?;
    let known = vectors.seqs.last().copied();
    if newest < known {
        *vectors = Vectors::new(vectors.dim);
    }
    let known = vectors.seqs.last().copied().unwrap_or(0);
    if newest.is_none_or(|newest| newest <= known) {
        return Ok(());
    }
    let mut select = connection.prepare_cached(
        "SELECT m.seq, m.subject_id, m.vec FROM embeddings m CROSS JOIN episodes e ON e.id = m.subject_id
         WHERE m.subject_kind = 'episode' AND m.model = ?1 AND m.owner_id = ?2 AND m.domain = ?3 AND m.seq > ?4
             AND m.dim = ?5 AND e.status IN ('completed', 'failed')
         ORDER BY m.seq",
    )?;
    let mut rows = select.query(params![model, scope.owner, scope.domain, known, vectors.dim as i64])?;
    while let Some(row) = rows.next()? {
        let bytes = row.get_ref(2)?.as_blob().map_err(|error| Failure::Row(error.to_string()))?;
        let numbers = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        vectors.push(row.get(0)?, &row.get::<_, String>(1)?, numbers);
    }
    Ok(())
}

impl Store {
    /// The actor's finished episodes in a domain whose embedding by `model` is nearest, best first.
    pub fn nearest_episodes(
        &self,
        domain: &str,
        model: &str,
        vector: &[f32],
        most: usize,
    ) -> Result<Vec<Episode>, StoreError> {
        let scope = self.scope(domain);
        self.read(|connection| self.vectors.nearest(connection, &scope, (vector, model), most))
    }

    /// Lets go of the vectors that are kept in memory: after an erasure nothing of it may be left.
    pub fn forget_vectors(&self) {
        self.vectors.clear();
    }
}

pub(crate) fn count(connection: &Connection, scope: &Scope) -> Result<u64, Failure> {
    let count: i64 = connection
        .prepare_cached(
            "SELECT count(*) FROM embeddings WHERE subject_kind = 'episode' AND owner_id = ?1 AND domain = ?2",
        )?
        .query_row(params![scope.owner, scope.domain], |row| row.get(0))?;
    Ok(count as u64)
}

/// Keeps what a run embedded, with its episode; the same content by the same model once.
pub(crate) fn keep(
    change: &Change<'_>,
    scope: &Scope,
    episode: &str,
    call: &Call,
    room: &mut u64,
) -> Result<(), Failure> {
    let Call::Embed { content, vector, model } = call else { return Ok(()) };
    if *room == 0 {
        return Ok(());
    }
    let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
    let kept = change
        .prepare_cached(
            "INSERT INTO embeddings (subject_kind, subject_id, owner_id, domain, model, dim, vec, content, content_hash,
                 created_at)
             VALUES ('episode', ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            episode,
            scope.owner,
            scope.domain,
            model,
            vector.len() as i64,
            bytes,
            content,
            Digest::of(content.as_bytes()).to_string(),
            now()
        ])?;
    *room -= kept as u64;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors(rows: &[(&str, &[f32])]) -> Vectors {
        let mut vectors = Vectors::new(rows[0].1.len());
        for (at, (subject, row)) in rows.iter().enumerate() {
            vectors.push(at as i64, subject, row.iter().copied());
        }
        vectors
    }

    #[test]
    fn the_nearest_come_first_and_every_subject_once() {
        let rows: [(&str, &[f32]); 5] = [
            ("a", &[1.0, 0.0]),
            ("b", &[0.0, 9.0]),
            ("c", &[5.0, 5.0]),
            ("a", &[4.0, 1.0]),
            ("d", &[-1.0, 0.0]),
        ];
        let vectors = vectors(&rows);
        let nearest = |vector: &[f32], most| -> Vec<(&str, String)> {
            let found = vectors.nearest(vector, most).into_iter();
            found.map(|(at, cosine)| (rows[at].0, format!("{cosine:.3}"))).collect()
        };
        let near = |names: &[(&'static str, &str)]| -> Vec<(&str, String)> {
            names.iter().map(|&(name, cosine)| (name, cosine.to_owned())).collect()
        };
        assert_eq!(nearest(&[4.0, 1.0], 2), near(&[("a", "1.000"), ("c", "0.857")]));
        let all = [("a", "0.970"), ("c", "0.707"), ("b", "0.000"), ("d", "-1.000")];
        assert_eq!(nearest(&[0.5, 0.0], 10)[1..], near(&all)[1..]);
        assert_eq!(nearest(&[0.5, 0.0], 1), near(&[("a", "1.000")]));
        assert!(nearest(&[1.0], 3).is_empty() && nearest(&[0.0, 0.0], 3).is_empty());
    }

    /// Against the definition, in another precision and another order.
    #[test]
    fn a_cosine_is_what_its_definition_says() {
        let mut random = fastrand::Rng::with_seed(7);
        for dim in [1, 3, 15, 16, 17, 384] {
            let mut row = || -> Vec<f32> { (0..dim).map(|_| random.f32() * 4.0 - 2.0).collect() };
            let rows: Vec<Vec<f32>> = (0..50).map(|_| row()).collect();
            let wanted = row();
            let mut vectors = Vectors::new(dim);
            rows.iter()
                .enumerate()
                .for_each(|(at, row)| vectors.push(0, &at.to_string(), row.iter().copied()));
            let cosine = |row: &[f32]| {
                let dot: f64 = row.iter().zip(&wanted).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
                dot / (norm(row) * norm(&wanted))
            };
            let mut expected: Vec<f64> = rows.iter().map(|row| cosine(row)).collect();
            expected.sort_by(|a, b| b.total_cmp(a));
            let found = vectors.nearest(&wanted, 10);
            assert_eq!(found.len(), 10);
            for ((_, cosine), expected) in found.iter().zip(&expected) {
                assert!((f64::from(*cosine) - expected).abs() < 1e-5, "{dim}: {cosine} {expected}");
            }
        }
    }
}
