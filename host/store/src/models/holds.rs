//! What happens to a budget when a question is asked: money is held before it is sent, and settled after.

use rusqlite::params;
use stratagem_domain::{Held, Hold, ModelUsage, OverBudget, usd};

use super::alerts::NewAlert;
use super::budgets::{Budget, BudgetScope, Window, of_member, under_way};
use super::usage::{record, spending_time, spent};
use crate::error::Failure;
use crate::open::{new_id, now};
use crate::rows::counter;
use crate::writer::Change;

/// Sets money aside where every hard stop leaves room for it.
pub(super) fn hold(change: &Change<'_>, hold: &Hold) -> Result<Held, Failure> {
    let (at, asked) = (spending_time(change)?, counter(hold.micros));
    for (scope, member) in scopes(change, hold) {
        for budget in of_member(change, scope, member)?.into_iter().filter(|budget| budget.hard_stop) {
            let window = Window::of(change, budget.period, at)?;
            let spent = spent(change, scope, member, window.from_day)?;
            let under_way = under_way(change, scope, member)?;
            let limit = counter(budget.limit_micros);
            if asked == 0 || spent.saturating_add(under_way).saturating_add(asked) <= limit {
                continue;
            }
            // Where others' holds alone are in the way, there may be room again in a moment.
            if spent.saturating_add(asked) > limit {
                reached(change, &budget, member, &window, spent)?;
            }
            return Ok(Held::Refused(OverBudget {
                budget: budget.label(member),
                limit: budget.limit_micros,
                spent: spent.unsigned_abs(),
                held: under_way.unsigned_abs(),
                asked: hold.micros,
            }));
        }
    }
    let (id, now) = (new_id(), now());
    change.prepare_cached("DELETE FROM budget_holds WHERE expires_at <= ?1")?.execute([now])?;
    change
        .prepare_cached(
            "INSERT INTO budget_holds (id, user_id, provider, experiment_id, run_key, task_id, micros, expires_at,
                 created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            id,
            change.actor.id,
            hold.provider,
            hold.purpose.experiment,
            hold.purpose.run,
            hold.purpose.task,
            asked,
            now.saturating_add(counter(hold.lasts_ms)),
            now
        ])?;
    change.made("budget.hold", "budget_holds", &id);
    Ok(Held::Granted(id))
}

/// Keeps what a question cost in place of what was held for it. The same question settles once.
pub(super) fn settle(
    change: &Change<'_>,
    id: &str,
    hold: &Hold,
    usage: &ModelUsage,
) -> Result<Vec<String>, Failure> {
    let at = spending_time(change)?;
    let scopes = scopes(change, hold);
    if !record(change, id, at, hold, usage, &scopes)? {
        return Ok(Vec::new());
    }
    change.prepare_cached("DELETE FROM budget_holds WHERE id = ?1")?.execute([id])?;
    let mut raised = Vec::new();
    for (scope, member) in scopes.into_iter().filter(|_| usage.cost_micros > 0) {
        for budget in of_member(change, scope, member)? {
            let window = Window::of(change, budget.period, at)?;
            let spent = spent(change, scope, member, window.from_day)?;
            if spent >= counter(budget.limit_micros) {
                raised.extend(reached(change, &budget, member, &window, spent)?);
            } else if i128::from(spent) * 1_000
                >= i128::from(budget.limit_micros) * i128::from(budget.warn_permille)
            {
                raised.extend(warned(change, &budget, member, &window, spent)?);
            }
        }
    }
    Ok(raised)
}

fn warned(
    change: &Change<'_>,
    budget: &Budget,
    member: &str,
    window: &Window,
    spent: i64,
) -> Result<Option<String>, Failure> {
    let share = f64::from(budget.warn_permille) / 10.0;
    let message = format!(
        "budget of {}: {} of {} USD are spent, past {share} %",
        budget.label(member),
        usd(spent.unsigned_abs()),
        usd(budget.limit_micros)
    );
    let threshold = budget.limit_micros as f64 / 1e6 * f64::from(budget.warn_permille) / 1e3;
    raise(change, ("budget_warning", "warning"), budget, member, window, (threshold, spent), message)
}

fn reached(
    change: &Change<'_>,
    budget: &Budget,
    member: &str,
    window: &Window,
    spent: i64,
) -> Result<Option<String>, Failure> {
    let stops = if budget.hard_stop { ": what would pass it is refused" } else { "" };
    let message = format!(
        "budget of {}: {} of {} USD are spent{stops}",
        budget.label(member),
        usd(spent.unsigned_abs()),
        usd(budget.limit_micros)
    );
    let threshold = budget.limit_micros as f64 / 1e6;
    raise(change, ("budget_limit", "critical"), budget, member, window, (threshold, spent), message)
}

/// One alert a rule, member, window and limit: a budget that is raised may warn again.
fn raise(
    change: &Change<'_>,
    (rule, severity): (&'static str, &'static str),
    budget: &Budget,
    member: &str,
    window: &Window,
    (threshold, spent): (f64, i64),
    message: String,
) -> Result<Option<String>, Failure> {
    let alert = NewAlert {
        rule,
        scope: budget.scope.as_str(),
        scope_id: member,
        window: format!("{}/{}", window.name, budget.limit_micros),
        severity,
        threshold: Some(threshold),
        value: Some(spent as f64 / 1e6),
        message,
    };
    Ok(alert.raise(change)?.then_some(alert.message))
}

/// Everything that a question counts for.
fn scopes<'a>(change: &'a Change<'_>, hold: &'a Hold) -> Vec<(BudgetScope, &'a str)> {
    let purpose = &hold.purpose;
    let named = [
        (BudgetScope::Experiment, purpose.experiment.as_deref()),
        (BudgetScope::Run, purpose.run.as_deref()),
        (BudgetScope::Task, purpose.task.as_deref()),
    ];
    let always = [
        (BudgetScope::Global, ""),
        (BudgetScope::User, change.actor.id.as_str()),
        (BudgetScope::Provider, hold.provider.as_str()),
    ];
    always.into_iter().chain(named.into_iter().filter_map(|(scope, id)| Some((scope, id?)))).collect()
}
