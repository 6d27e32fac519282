//! Full-text search: what people and plugins type, made an expression that is never a syntax error.

use rusqlite::{Connection, OptionalExtension, params};
use stratagem_domain::{Digest, Episode};

use crate::error::Failure;
use crate::memory::{MOST_REPLY_BYTES, Scope};
use crate::{Store, StoreError};

/// Words and phrases of one search; the rest is left out. The engine's own tree has a limit too.
const MOST_TERMS: usize = 64;
/// Hits that are ranked, the newest; a common word in a large index would take all the time there is.
const MOST_RANKED: i64 = 2_000;
/// Actions of an episode that are told of it.
const MOST_ACTIONS: i64 = 100;

/// What is searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    And,
    Or,
    Not,
    /// A word or a phrase; `word*` is the beginning of one.
    Term {
        text: String,
        is_prefix: bool,
    },
}

/// Makes an expression of the engine out of what somebody typed: words, `"phrases"`, `word*`, `AND`, `OR`, `NOT`.
/// Everything else stands for itself. None where no word is in it.
pub(crate) fn expression(typed: &str) -> Option<String> {
    let mut expression = String::new();
    let mut joint = None;
    let mut terms = 0;
    for part in parts(typed) {
        match part {
            Part::Term { text, is_prefix } if terms < MOST_TERMS => {
                if terms > 0 {
                    expression += joint.unwrap_or(" AND ");
                }
                expression += &format!("\"{text}\"{}", if is_prefix { "*" } else { "" });
                (joint, terms) = (None, terms + 1);
            }
            Part::Term { .. } => break,
            // Of several between two words the first holds, and none does before the first word or behind the last.
            Part::And => joint = joint.or(Some(" AND ")),
            Part::Or => joint = joint.or(Some(" OR ")),
            Part::Not => joint = joint.or(Some(" NOT ")),
        }
    }
    (terms > 0).then_some(expression)
}

fn parts(typed: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    // Quotes come in pairs: what is behind the last odd one is plain again.
    let pieces: Vec<&str> = typed.split('"').collect();
    for (at, piece) in pieces.iter().enumerate() {
        let is_phrase = at % 2 == 1 && at + 1 < pieces.len();
        if is_phrase {
            let is_prefix = pieces[at + 1].starts_with('*');
            parts.extend(term(piece, is_prefix));
            continue;
        }
        parts.extend(piece.split_whitespace().filter_map(|word| match word {
            "AND" => Some(Part::And),
            "OR" => Some(Part::Or),
            "NOT" => Some(Part::Not),
            word => term(word, word.ends_with('*')),
        }));
    }
    parts
}

/// None where there is nothing to find: the engine takes letters and digits.
fn term(text: &str, is_prefix: bool) -> Option<Part> {
    let plain = |letter: char| if letter.is_control() || letter == '"' { ' ' } else { letter };
    let text: String = text.chars().map(plain).collect();
    text.contains(char::is_alphanumeric).then_some(Part::Term { text, is_prefix })
}

impl Store {
    /// The actor's finished episodes in a domain that fit what was typed, best first; of all domains where none is
    /// given. `similarity` is 1 / (1 + rank).
    pub fn search_episodes(
        &self,
        domain: Option<&str>,
        typed: &str,
        limit: usize,
    ) -> Result<Vec<Episode>, StoreError> {
        let Some(expression) = expression(typed) else { return Ok(Vec::new()) };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(|connection| {
            let mut select = connection.prepare_cached(
                "WITH hits AS MATERIALIZED (
                     SELECT e.id, e.domain, bm25(episodes_fts) AS score
                     FROM episodes_fts CROSS JOIN episodes e ON e.seq = episodes_fts.rowid
                     WHERE episodes_fts MATCH ?1 AND e.owner_id = ?2 AND (?3 IS NULL OR e.domain = ?3)
                         AND e.status IN ('completed', 'failed')
                     ORDER BY episodes_fts.rowid DESC LIMIT ?5)
                 SELECT id, domain FROM hits ORDER BY score, id DESC LIMIT ?4",
            )?;
            let hits = select
                .query_map(params![expression, self.actor().id, domain, limit, MOST_RANKED], |row| {
                    Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
                })?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            let mut found = Vec::new();
            for (rank, (id, domain)) in hits.iter().enumerate() {
                found.extend(episode(connection, &self.scope(domain), id, 1.0 / (1.0 + rank as f64))?);
            }
            Ok(found)
        })
    }
}

/// The episodes of a scope that fit, as a run sees them: the newest first. An order by how rare the words are would
/// tell of the episodes of others, which the index counts too.
pub(crate) fn newest(
    connection: &Connection,
    scope: &Scope,
    typed: &str,
    limit: usize,
) -> Result<Vec<Episode>, Failure> {
    let Some(expression) = expression(typed) else { return Ok(Vec::new()) };
    let mut select = connection.prepare_cached(
        "SELECT e.id FROM episodes_fts CROSS JOIN episodes e ON e.seq = episodes_fts.rowid
         WHERE episodes_fts MATCH ?1 AND e.owner_id = ?2 AND e.domain = ?3 AND e.status IN ('completed', 'failed')
         ORDER BY episodes_fts.rowid DESC LIMIT ?4",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let ids = select
        .query_map(params![expression, scope.owner, scope.domain, limit], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<String>>>()?;
    let mut found = Vec::new();
    for (rank, id) in ids.iter().enumerate() {
        found.extend(episode(connection, scope, id, 1.0 / (1.0 + rank as f64))?);
    }
    Ok(found)
}

/// A finished episode of a scope; none where there is no such.
///
/// Whether it solved its task is told, but not how nearly: from run to run a plugin could feel its way to outputs
/// that it must not know.
pub(crate) fn episode(
    connection: &Connection,
    scope: &Scope,
    id: &str,
    similarity: f64,
) -> Result<Option<Episode>, Failure> {
    let found: Option<(Option<String>, Option<bool>)> = connection
        .prepare_cached(
            "SELECT e.context, CASE WHEN e.success_rate IS NOT NULL THEN coalesce(r.outcome = 'solved', 0) END
             FROM episodes e LEFT JOIN runs r ON r.id = e.run_id
             WHERE e.id = ?1 AND e.owner_id = ?2 AND e.domain = ?3 AND e.status IN ('completed', 'failed')",
        )?
        .query_row(params![id, scope.owner, scope.domain], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((task_id, solved)) = found else { return Ok(None) };
    let actions = connection
        .prepare_cached("SELECT action FROM steps WHERE episode_id = ?1 ORDER BY n LIMIT ?2")?
        .query_map(params![id, MOST_ACTIONS], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<String>>>()?;
    Ok(Some(Episode {
        id: id.to_owned(),
        task_id: task_id.unwrap_or_default(),
        domain: scope.domain.clone(),
        success_rate: solved.map(|solved| f64::from(u8::from(solved))),
        actions,
        similarity,
    }))
}

/// As many as one answer holds, as a run on a task may see them: that an earlier answer to this very task was right, or
/// was not, would tell what it must not know.
pub(crate) fn shown(
    connection: &Connection,
    episodes: Vec<Episode>,
    task: Option<Digest>,
) -> Result<Vec<Episode>, Failure> {
    let task = task.map(|task| task.to_string());
    let mut is_on = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM episodes e JOIN runs r ON r.id = e.run_id WHERE e.id = ?1 AND r.task_digest = ?2)",
    )?;
    let mut bytes = 0;
    let mut shown = Vec::new();
    for mut episode in episodes {
        bytes += episode.bytes();
        if bytes > MOST_REPLY_BYTES {
            break;
        }
        if is_on.query_row(params![episode.id, task], |row| row.get(0))? {
            episode.success_rate = None;
        }
        shown.push(episode);
    }
    Ok(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_means_what_it_says() {
        for (typed, expected) in [
            ("turn the grid", r#""turn" AND "the" AND "grid""#),
            (r#""turn the" OR fill"#, r#""turn the" OR "fill""#),
            ("turn NOT fill AND x", r#""turn" NOT "fill" AND "x""#),
            ("mir* \"two wo\"*", r#""mir*"* AND "two wo"*"#),
            ("AND turn OR OR NOT fill NOT", r#""turn" OR "fill""#),
            ("summary:turn -x ^y (z) a+b", r#""summary:turn" AND "-x" AND "^y" AND "(z)" AND "a+b""#),
            ("it's 50% \\ ;--", r#""it's" AND "50%""#),
            ("half \"open", r#""half" AND "open""#),
            ("a\0b and\nc", r#""a b" AND "and" AND "c""#),
            ("NEAR(a b, 2)", r#""NEAR(a" AND "b," AND "2)""#),
        ] {
            assert_eq!(expression(typed).as_deref(), Some(expected), "{typed}");
        }
        for nothing in ["", " ", "\"\"", "* ( ) -- \"*\"", "AND OR NOT", "\0"] {
            assert_eq!(expression(nothing), None, "{nothing:?}");
        }
        assert_eq!(expression(&"a ".repeat(10_000)).unwrap().matches("\"a\"").count(), MOST_TERMS);
    }

    /// Whatever is typed, the engine takes it.
    #[test]
    fn no_input_is_a_syntax_error() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE VIRTUAL TABLE t USING fts5 (a, b, tokenize = 'porter unicode61')").unwrap();
        db.execute("INSERT INTO t VALUES ('turn the grid', 'fill')", []).unwrap();
        let mut random = fastrand::Rng::with_seed(11);
        let pieces = [
            "\"", "*", "(", ")", "AND", "OR", "NOT", "NEAR", "^", ":", "-", "+", "{a b}", "a:", "turn", " ",
            "  ", "\0", "\u{feff}", "ß", "日本", "\\", "'", ";", ",", "0x", "\u{301}", "🙂", "٣", "\n",
        ];
        let mut found = 0;
        for _ in 0..20_000 {
            let typed: String =
                (0..random.usize(0..12)).map(|_| pieces[random.usize(..pieces.len())]).collect();
            let Some(expression) = expression(&typed) else { continue };
            let count = db.query_row("SELECT count(*) FROM t WHERE t MATCH ?1", [&expression], |row| {
                row.get::<_, i64>(0)
            });
            found += count.unwrap_or_else(|error| panic!("{typed:?} became {expression:?}: {error}"));
        }
        assert!(found > 100, "some of it is found: {found}");
        let deep = ["a OR b NOT c AND d"; 64].join(" OR ");
        let count: i64 = db
            .query_row("SELECT count(*) FROM t WHERE t MATCH ?1", [expression(&deep)], |row| row.get(0))
            .unwrap();
        assert_eq!(count, 0);
    }
}
