//! What is held on a user: which rows of which table, and what becomes of them when the user is erased.
//!
//! The one list that erasure works through and export reads, in an order in which no row is needed by a later one.
//! docs/keeping.md says the same column by column, and a test holds it to the schema.

/// What erasure does with a user's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Deleted,
    /// Set so, and kept for those who count or whose things point here.
    Cleared(&'static str),
    /// Ids, times and numbers.
    Kept,
}

/// Rows of a table that are about a user.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holding {
    pub table: &'static str,
    /// Tells apart what one table holds in several ways.
    part: &'static str,
    /// The condition, with the user's id as `?1` and the names of [`SETS`].
    of: &'static str,
    /// Narrows the condition to what erasure still has to do, and may do now.
    yet: &'static str,
    pub fate: Fate,
}

impl Holding {
    /// The condition for whoever reads.
    pub(crate) fn condition(&self) -> String {
        spell(self.of)
    }

    /// The condition for whoever erases: false once it is done.
    pub(crate) fn remaining(&self) -> String {
        spell(&format!("({}) AND {}", self.of, self.yet))
    }

    /// What the part is called in a report.
    pub(crate) fn name(&self) -> String {
        if self.part.is_empty() { self.table.to_owned() } else { format!("{}.{}", self.table, self.part) }
    }
}

fn spell(condition: &str) -> String {
    SETS.iter().fold(condition.to_owned(), |text, (name, set)| text.replace(name, set))
}

/// Ids that conditions name; a set may name those below it.
const SETS: [(&str, &str); 11] = [
    // A program's replies to what the user said may quote them: the whole thread below is theirs.
    (
        "{said}",
        "(WITH RECURSIVE said (id) AS (
            SELECT id FROM messages WHERE user_id = ?1
            UNION SELECT m.id FROM messages m JOIN said ON m.reply_to = said.id WHERE m.user_id IS NULL
        ) SELECT id FROM said)",
    ),
    ("{changes}", "(SELECT id FROM document_changes WHERE document_id IN {documents})"),
    (
        "{used}",
        "(SELECT plugin_version_id FROM runs
          UNION SELECT plugin_version_id FROM evaluations WHERE plugin_version_id IS NOT NULL)",
    ),
    ("{failures}", "(SELECT id FROM failure_patterns WHERE outcome_id IN {outcomes})"),
    ("{outcomes}", "(SELECT id FROM outcomes WHERE run_id IN {runs})"),
    ("{episodes}", "(SELECT id FROM episodes WHERE owner_id = ?1 OR user_id = ?1 OR run_id IN {runs})"),
    ("{versions}", "(SELECT id FROM document_versions WHERE document_id IN {documents})"),
    ("{documents}", "(SELECT id FROM documents WHERE owner_id = ?1)"),
    ("{evaluations}", "(SELECT id FROM evaluations WHERE owner_id = ?1)"),
    ("{experiments}", "(SELECT id FROM experiments WHERE owner_id = ?1)"),
    ("{runs}", "(SELECT id FROM runs WHERE owner_id = ?1)"),
];

const fn deleted(table: &'static str, of: &'static str) -> Holding {
    Holding { table, part: "", of, yet: "true", fate: Fate::Deleted }
}

const fn cleared(table: &'static str, part: &'static str, set: &'static str, of: &'static str) -> Holding {
    Holding { table, part, of, yet: "true", fate: Fate::Cleared(set) }
}

/// Vectors of the user's things, also where nobody is said to own them.
pub(crate) static EMBEDDINGS: Holding = deleted(
    "embeddings",
    "owner_id = ?1
     OR (subject_kind = 'message' AND subject_id IN {said})
     OR (subject_kind = 'memory' AND subject_id IN (SELECT id FROM memories WHERE user_id = ?1))
     OR (subject_kind = 'pattern' AND subject_id IN (SELECT id FROM patterns WHERE owner_id = ?1))
     OR (subject_kind = 'episode' AND subject_id IN {episodes})
     OR (subject_kind = 'step' AND substr(subject_id, 1, instr(subject_id || '/', '/') - 1) IN {episodes})
     OR (subject_kind = 'document_version' AND subject_id IN {versions})
     OR (subject_kind = 'outcome' AND subject_id IN {outcomes})
     OR (subject_kind = 'failure' AND subject_id IN {failures})",
);

const SPENT: &str =
    "(scope = 'user' AND scope_id = ?1) OR (scope = 'experiment' AND scope_id IN {experiments})";

pub(crate) static HOLDINGS: [Holding; 51] = [
    deleted("budgets", SPENT),
    cleared("budget_holds", "", "user_id = NULL", "user_id = ?1"),
    deleted("alerts", SPENT),
    cleared("alerts", "acknowledged", "acknowledged_by = NULL", "acknowledged_by = ?1"),
    deleted("queue", "created_by = ?1"),
    deleted("todos", "created_by = ?1"),
    cleared("todos", "assigned", "assignee_id = NULL", "assignee_id = ?1"),
    deleted("llm_cache", "user_id = ?1"),
    EMBEDDINGS,
    Holding {
        table: "messages",
        part: "replies",
        of: "user_id IS NULL AND id IN {said}",
        // Whoever cut the thread at its start would lose what hangs on it: its ends go, again and again.
        yet: "NOT EXISTS (SELECT 1 FROM messages r WHERE r.reply_to = messages.id AND r.user_id IS NULL)",
        fate: Fate::Deleted,
    },
    deleted("messages", "user_id = ?1"),
    deleted("memories", "user_id = ?1"),
    deleted("learned_artifacts", "owner_id = ?1"),
    deleted(
        "recommendations",
        "session_id IN (SELECT id FROM llm_recommendation_sessions WHERE user_id = ?1)
         OR source_id IN {evaluations} OR source_id IN {runs} OR source_id IN {outcomes} OR source_id IN {failures}
         OR source_id IN {changes} OR change_id IN {changes}",
    ),
    cleared("recommendations", "decided", "decided_by = NULL", "decided_by = ?1"),
    // What fell upon others in the same words is theirs as well.
    deleted(
        "failure_clusters",
        "id IN (SELECT cluster_id FROM failure_patterns WHERE id IN {failures})
         AND id NOT IN (SELECT cluster_id FROM failure_patterns WHERE cluster_id IS NOT NULL AND id NOT IN {failures})",
    ),
    deleted("failure_patterns", "id IN {failures}"),
    Holding {
        table: "outcomes",
        part: "",
        of: "run_id IN {runs}",
        yet: "coalesce(trajectory, metrics, idempotency_key, error_category, error_code) IS NOT NULL",
        fate: Fate::Cleared("trajectory = NULL, metrics = NULL, idempotency_key = NULL, error_category = NULL, error_code = NULL"),
    },
    // Budgets add up what was spent: the sums stay.
    Holding {
        table: "resource_usage",
        part: "",
        of: "user_id = ?1 OR run_id IN {runs}",
        yet: "(user_id IS NOT NULL OR detail IS NOT NULL)",
        fate: Fate::Cleared(
            "user_id = NULL, detail = NULL,
             name = CASE WHEN name IN (SELECT name FROM plugins WHERE owner_id = ?1) THEN 'erased' ELSE name END",
        ),
    },
    deleted(
        "submission_grids",
        "submission_id IN (SELECT id FROM task_submissions WHERE user_id = ?1 OR run_id IN {runs})",
    ),
    deleted("task_submissions", "user_id = ?1 OR run_id IN {runs}"),
    deleted("answers", "run_id IN {runs}"),
    deleted("run_logs", "run_id IN {runs}"),
    deleted("run_journals", "run_id IN {runs}"),
    deleted("run_tasks", "run_id IN {runs}"),
    deleted("steps", "episode_id IN {episodes}"),
    deleted(
        "episode_patterns",
        "episode_id IN {episodes} OR pattern_id IN (SELECT id FROM patterns WHERE owner_id = ?1)",
    ),
    deleted("episodes", "id IN {episodes}"),
    deleted("patterns", "owner_id = ?1"),
    deleted("runs", "owner_id = ?1"),
    // What other users' things point at.
    cleared(
        "runs",
        "configured",
        "config_version_id = NULL",
        "config_version_id IN {versions} AND owner_id <> ?1",
    ),
    cleared(
        "evaluations",
        "configured",
        "config_version_id = NULL",
        "config_version_id IN {versions} AND owner_id <> ?1",
    ),
    cleared(
        "evaluations",
        "compared",
        "experiment_id = NULL",
        "experiment_id IN {experiments} AND owner_id <> ?1",
    ),
    cleared(
        "llm_recommendation_sessions",
        "prompted",
        "prompt_version_id = NULL",
        "prompt_version_id IN {versions} AND user_id <> ?1",
    ),
    deleted("llm_recommendation_sessions", "user_id = ?1"),
    deleted("evaluation_tasks", "evaluation_id IN {evaluations}"),
    deleted("evaluations", "owner_id = ?1"),
    deleted("experiments", "owner_id = ?1"),
    deleted("document_changes", "document_id IN {documents}"),
    cleared("document_changes", "decided", "decided_by = NULL, reason = NULL", "decided_by = ?1"),
    deleted("document_versions", "document_id IN {documents}"),
    cleared("document_versions", "written", "author_id = NULL, reason = NULL", "author_id = ?1"),
    deleted("documents", "owner_id = ?1"),
    // A plugin that others ran is needed to replay their runs; it becomes the operator's.
    Holding {
        table: "plugin_versions",
        part: "",
        of: "plugin_id IN (SELECT id FROM plugins WHERE owner_id = ?1)",
        yet: "id NOT IN {used}",
        fate: Fate::Deleted,
    },
    Holding {
        table: "plugins",
        part: "",
        of: "owner_id = ?1",
        yet: "id NOT IN (SELECT plugin_id FROM plugin_versions)
              AND id NOT IN (SELECT plugin_id FROM episodes WHERE plugin_id IS NOT NULL)",
        fate: Fate::Deleted,
    },
    cleared("plugins", "used", "owner_id = '00000000-0000-7000-8000-000000000001'", "owner_id = ?1"),
    // What the user's commands recorded: the audit log knows.
    deleted(
        "system_events",
        "id IN (SELECT subject_id FROM audit_log WHERE actor_id = ?1 AND subject_kind = 'system_events')",
    ),
    deleted("user_handles", "user_id = ?1"),
    Holding {
        table: "audit_log",
        part: "",
        of: "actor_id = ?1 OR (subject_kind IN ('user_identities', 'user_handles') AND subject_id = ?1)",
        yet: "false",
        fate: Fate::Kept,
    },
    Holding {
        table: "erasure_requests",
        part: "",
        of: "user_id = ?1 OR requested_by = ?1",
        yet: "false",
        fate: Fate::Kept,
    },
    // Last: by their name whoever goes on with an interrupted erasure finds them.
    Holding {
        table: "user_identities",
        part: "",
        of: "id = ?1",
        yet: "status <> 'erased'",
        fate: Fate::Cleared("display_name = 'erased', meta = NULL, status = 'erased', role = 'reader'"),
    },
];
