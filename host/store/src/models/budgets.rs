use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use stratagem_domain::usd;

use super::alerts::unknown;
use super::usage::{DAY_MS, spending_time, spent};
use crate::audit::Entry;
use crate::error::Failure;
use crate::open::{new_id, now};
use crate::rows::counter;
use crate::{Store, StoreError};

/// The scope id of a budget that everyone of its scope has for themselves.
const EACH: &str = "*";

/// Whose spending a budget bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BudgetScope {
    Global,
    User,
    Experiment,
    Run,
    Task,
    Provider,
}

impl BudgetScope {
    pub const ALL: [Self; 6] =
        [Self::Global, Self::User, Self::Experiment, Self::Run, Self::Task, Self::Provider];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::User => "user",
            Self::Experiment => "experiment",
            Self::Run => "run",
            Self::Task => "task",
            Self::Provider => "provider",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }

    /// What is held for it by questions under way.
    fn held_by(self) -> &'static str {
        match self {
            Self::Global => {
                "SELECT coalesce(sum(micros), 0) FROM budget_holds WHERE expires_at > ?1 AND '' = ?2"
            }
            Self::User => {
                "SELECT coalesce(sum(micros), 0) FROM budget_holds WHERE expires_at > ?1 AND user_id = ?2"
            }
            Self::Experiment => {
                "SELECT coalesce(sum(micros), 0) FROM budget_holds WHERE expires_at > ?1 AND experiment_id = ?2"
            }
            Self::Run => {
                "SELECT coalesce(sum(micros), 0) FROM budget_holds WHERE expires_at > ?1 AND run_key = ?2"
            }
            Self::Task => {
                "SELECT coalesce(sum(micros), 0) FROM budget_holds WHERE expires_at > ?1 AND task_id = ?2"
            }
            Self::Provider => {
                "SELECT coalesce(sum(micros), 0) FROM budget_holds WHERE expires_at > ?1 AND provider = ?2"
            }
        }
    }
}

/// When a budget begins anew, by UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    Once,
    Day,
    Month,
}

impl Period {
    pub const ALL: [Self; 3] = [Self::Once, Self::Day, Self::Month];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|period| period.as_str() == text)
    }
}

/// What may be spent. Amounts in millionths of a dollar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Budget {
    pub scope: BudgetScope,
    /// Empty for `global`; `*` is a budget for each of the scope that has none of its own.
    pub scope_id: String,
    pub period: Period,
    pub limit_micros: u64,
    /// The share at which a warning is raised, in thousandths.
    pub warn_permille: u16,
    /// Refuses what would pass the limit; else it only warns.
    pub hard_stop: bool,
}

impl Budget {
    /// Which budget it is, for people: ids, no names that somebody may ask to have erased.
    pub(super) fn label(&self, member: &str) -> String {
        let period = match self.period {
            Period::Once => "in all",
            Period::Day => "a day",
            Period::Month => "a month",
        };
        match self.scope {
            BudgetScope::Global => format!("everybody, {period}"),
            scope => format!("{} {member}, {period}", scope.as_str()),
        }
    }
}

/// A budget with how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BudgetLine {
    pub id: String,
    #[serde(flatten)]
    pub budget: Budget,
    /// The window that it is in: a day, a month or `once`.
    pub window: String,
    /// In this window; of a budget for each, by who spent most.
    pub spent_micros: u64,
    /// By questions under way.
    pub held_micros: u64,
    /// Who spent most, where the budget is for each.
    pub most: Option<String>,
}

/// The window of a budget at a time.
pub(super) struct Window {
    pub from_day: i64,
    pub name: String,
}

impl Window {
    pub(super) fn of(connection: &Connection, period: Period, at: i64) -> Result<Self, Failure> {
        let (month, date): (i64, String) = connection
            .prepare_cached(
                "SELECT unixepoch(?1 / 1000, 'unixepoch', 'start of month') / 86400, date(?1 / 1000, 'unixepoch')",
            )?
            .query_row([at], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(match period {
            Period::Once => Self { from_day: 0, name: "once".to_owned() },
            Period::Day => Self { from_day: at / DAY_MS, name: date },
            Period::Month => Self { from_day: month, name: date.chars().take(7).collect() },
        })
    }
}

/// The budgets of one member: its own, and those for each of its scope whose period it has none of its own for.
pub(super) fn of_member(
    connection: &Connection,
    scope: BudgetScope,
    member: &str,
) -> Result<Vec<Budget>, Failure> {
    let mut select = connection.prepare_cached(
        "SELECT scope, scope_id, period, limit_micros, warn_permille, hard_stop FROM budgets
         WHERE scope = ?1 AND scope_id IN (?2, '*') ORDER BY scope_id = '*', period",
    )?;
    let mut rows = select.query(params![scope.as_str(), member])?;
    let mut found: Vec<Budget> = Vec::new();
    while let Some(row) = rows.next()? {
        let budget = parse(row, 0)?;
        if found.iter().all(|own| own.period != budget.period) {
            found.push(budget);
        }
    }
    Ok(found)
}

fn parse(row: &rusqlite::Row<'_>, from: usize) -> Result<Budget, Failure> {
    let (scope, period): (String, String) = (row.get(from)?, row.get(from + 2)?);
    Ok(Budget {
        scope: BudgetScope::parse(&scope).ok_or_else(|| Failure::Row(format!("scope {scope:?}")))?,
        scope_id: row.get(from + 1)?,
        period: Period::parse(&period).ok_or_else(|| Failure::Row(format!("period {period:?}")))?,
        limit_micros: row.get::<_, i64>(from + 3)?.unsigned_abs(),
        warn_permille: row.get(from + 4)?,
        hard_stop: row.get(from + 5)?,
    })
}

/// What is held for a member by questions under way.
pub(super) fn under_way(connection: &Connection, scope: BudgetScope, member: &str) -> Result<i64, Failure> {
    let mut select = connection.prepare_cached(scope.held_by())?;
    Ok(select.query_row(params![now(), member], |row| row.get(0))?)
}

impl Store {
    /// Sets a budget, in place of one of the same scope and period, and returns its id. A user, an experiment and a
    /// task may be named instead of given by id.
    ///
    /// *Errors*: [`StoreError::Invalid`] for an amount or a share out of range, and for a name that fits nothing.
    pub fn set_budget(&self, budget: &Budget) -> Result<String, StoreError> {
        let invalid = |what: String, hint: &str| StoreError::Invalid { what, hint: Some(hint.to_owned()) };
        if !(1..=i64::MAX as u64 / 4).contains(&budget.limit_micros) {
            let what = format!("budget of {} USD", usd(budget.limit_micros));
            return Err(invalid(what, "give more than nothing and less than 2 trillion dollars"));
        }
        if !(1..=1_000).contains(&budget.warn_permille) {
            let what = format!("warning at {} thousandths: 1 to 1,000", budget.warn_permille);
            return Err(invalid(what, "give the share as a percentage from 0.1 to 100"));
        }
        if (budget.scope == BudgetScope::Global) != budget.scope_id.is_empty() {
            let what = format!("budget of scope {} with id {:?}", budget.scope.as_str(), budget.scope_id);
            return Err(invalid(
                what,
                "`global` has no id; every other scope has one, or `*` for each of it",
            ));
        }
        let budget = budget.clone();
        self.administer("setting a budget", move |change| {
            let scope_id = find_member(change, budget.scope, &budget.scope_id)?;
            let before: Option<(String, i64)> = change
                .query_row(
                    "SELECT id, limit_micros FROM budgets WHERE scope = ?1 AND scope_id = ?2 AND period = ?3",
                    params![budget.scope.as_str(), scope_id, budget.period.as_str()],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?;
            let id = before.as_ref().map_or_else(new_id, |(id, _)| id.clone());
            change.execute(
                "INSERT INTO budgets (id, scope, scope_id, period, limit_micros, warn_permille, hard_stop, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT (id) DO UPDATE SET limit_micros = excluded.limit_micros,
                     warn_permille = excluded.warn_permille, hard_stop = excluded.hard_stop",
                params![
                    id,
                    budget.scope.as_str(),
                    scope_id,
                    budget.period.as_str(),
                    counter(budget.limit_micros),
                    budget.warn_permille,
                    budget.hard_stop,
                    now()
                ],
            )?;
            change.note(Entry {
                action: "budget.set",
                subject_kind: "budgets",
                subject_id: id.clone(),
                before: before.map(|(_, limit)| serde_json::json!({"limit_micros": limit})),
                after: Some(serde_json::json!({
                    "limit_micros": budget.limit_micros, "warn_permille": budget.warn_permille,
                    "hard_stop": budget.hard_stop,
                })),
            });
            Ok(id)
        })
    }

    /// Takes a budget away.
    ///
    /// *Errors*: [`StoreError::Invalid`] where there is none of that id.
    pub fn remove_budget(&self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.administer("removing a budget", move |change| {
            if change.execute("DELETE FROM budgets WHERE id = ?1", [&id])? == 0 {
                return Err(unknown("budget", &id, "list them with `stratagem budget list`").into());
            }
            let (action, before) = ("budget.remove", Some(serde_json::json!({})));
            change.note(Entry { action, subject_kind: "budgets", subject_id: id, before, after: None });
            Ok(())
        })
    }

    /// Every budget and how it stands.
    pub fn budgets(&self) -> Result<Vec<BudgetLine>, StoreError> {
        self.read(|connection| {
            let at = spending_time(connection)?;
            let mut select = connection.prepare_cached(
                "SELECT id, scope, scope_id, period, limit_micros, warn_permille, hard_stop FROM budgets
                 ORDER BY scope, scope_id, period",
            )?;
            let mut rows = select.query([])?;
            let mut lines = Vec::new();
            while let Some(row) = rows.next()? {
                let budget = parse(row, 1)?;
                let window = Window::of(connection, budget.period, at)?;
                let is_each = budget.scope_id == EACH;
                let most = if is_each { top(connection, budget.scope, window.from_day)? } else { None };
                let member = most.as_deref().unwrap_or(&budget.scope_id);
                lines.push(BudgetLine {
                    id: row.get(0)?,
                    spent_micros: spent(connection, budget.scope, member, window.from_day)?.unsigned_abs(),
                    held_micros: under_way(connection, budget.scope, member)?.unsigned_abs(),
                    window: window.name,
                    budget,
                    most,
                });
            }
            Ok(lines)
        })
    }
}

/// Who of a scope spent most from a day on.
fn top(connection: &Connection, scope: BudgetScope, from_day: i64) -> Result<Option<String>, Failure> {
    Ok(connection
        .prepare_cached(
            "SELECT scope_id FROM spending WHERE scope = ?1 AND day >= ?2
             GROUP BY scope_id ORDER BY sum(micros) DESC, scope_id LIMIT 1",
        )?
        .query_row(params![scope.as_str(), from_day], |row| row.get(0))
        .optional()?)
}

/// The id that spending of a scope is kept under, found by id or by name. Runs and providers have names of their own.
fn find_member(connection: &Connection, scope: BudgetScope, named: &str) -> Result<String, Failure> {
    let (select, kind, hint) = match scope {
        _ if named == EACH => return Ok(named.to_owned()),
        BudgetScope::Global | BudgetScope::Run | BudgetScope::Provider => return Ok(named.to_owned()),
        BudgetScope::User => (
            "SELECT id FROM user_identities WHERE id = ?1 OR display_name = ?1 ORDER BY id <> ?1 LIMIT 2",
            "user",
            "list the users with `stratagem user list`",
        ),
        BudgetScope::Experiment => (
            "SELECT id FROM experiments WHERE id = ?1 OR name = ?1 ORDER BY id <> ?1 LIMIT 2",
            "experiment",
            "name one by its id",
        ),
        BudgetScope::Task => (
            "SELECT id FROM arc_tasks WHERE id = ?1 OR code = ?1 ORDER BY id <> ?1 LIMIT 2",
            "task",
            "name one by its id in `arc_tasks`",
        ),
    };
    let found: Vec<String> =
        connection.prepare(select)?.query_map([named], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    match found.as_slice() {
        [] => Err(unknown(kind, named, hint).into()),
        [first, _] if first != named => Err(StoreError::Invalid {
            what: format!("{kind} {} fits more than one", stratagem_domain::quote(named, 80)),
            hint: Some(hint.to_owned()),
        }
        .into()),
        [first, ..] => Ok(first.clone()),
    }
}
