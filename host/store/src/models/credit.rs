use rusqlite::{Connection, params};
use serde::Serialize;
use stratagem_domain::{RateLimits, usd};

use super::alerts::NewAlert;
use super::budgets::BudgetScope;
use super::usage::{DAY_MS, spending_time, spent};
use crate::error::Failure;
use crate::open::now;
use crate::rows::counter;
use crate::writer::Change;
use crate::{Store, StoreError};

/// Bytes of a provider's answer that are kept.
const RAW_BYTES: usize = 65_536;

/// What a provider says is left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credit {
    /// Millionths of a dollar; below 0 where the provider lends.
    pub remaining_micros: Option<i64>,
    pub used_micros: Option<i64>,
    /// Its whole answer, JSON; one that is too long is not kept.
    pub raw: Option<String>,
}

/// What is known of a provider's credit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CreditLine {
    pub provider: String,
    /// When the provider last said so; none where it never did.
    pub asked_at: Option<i64>,
    pub remaining_micros: Option<i64>,
    pub used_micros: Option<i64>,
    /// What was spent through this database, today and this month by UTC.
    pub daily_micros: u64,
    pub monthly_micros: u64,
    pub rate_remaining: Option<i64>,
    pub rate_reset_at: Option<i64>,
    pub rate_seen_at: Option<i64>,
}

impl Store {
    /// Keeps what a provider says is left; raises an alert where it is less than `low_micros`, once a day.
    pub fn keep_credit(
        &self,
        provider: &str,
        credit: &Credit,
        low_micros: Option<u64>,
    ) -> Result<Vec<String>, StoreError> {
        let (provider, mut credit) = (provider.to_owned(), credit.clone());
        let is_kept = |raw: &String| {
            raw.len() <= RAW_BYTES && serde_json::from_str::<serde::de::IgnoredAny>(raw).is_ok()
        };
        credit.raw = Some(credit.raw.filter(is_kept).unwrap_or_else(|| "null".to_owned()));
        self.write_durably("keeping a provider's credit", move |change| {
            insert(change, &provider, &credit, &RateLimits::default())?;
            let (Some(low), Some(remaining)) = (low_micros, credit.remaining_micros) else {
                return Ok(vec![]);
            };
            if remaining >= counter(low) {
                return Ok(vec![]);
            }
            let left = usd(u64::try_from(remaining).unwrap_or(0));
            let alert = NewAlert {
                rule: "low_balance",
                scope: "provider",
                scope_id: &provider,
                window: format!("{}/{low}", today(change)?),
                severity: "warning",
                threshold: Some(low as f64 / 1e6),
                value: Some(remaining as f64 / 1e6),
                message: format!(
                    "credit of provider {provider}: {left} USD are left, less than {}",
                    usd(low)
                ),
            };
            Ok(Vec::from_iter(alert.raise(change)?.then_some(alert.message)))
        })
    }

    pub(super) fn keep_rate_limits(&self, provider: &str, limits: &RateLimits) -> Result<(), StoreError> {
        let (provider, limits) = (provider.to_owned(), *limits);
        self.write("asking a language model", move |change| {
            insert(change, &provider, &Credit::default(), &limits)?;
            if limits.is_refused {
                NewAlert {
                    rule: "rate_limit",
                    scope: "provider",
                    scope_id: &provider,
                    window: today(change)?,
                    severity: "warning",
                    threshold: None,
                    value: limits.remaining.map(|left| left as f64),
                    message: format!("provider {provider} refused a request for its rate"),
                }
                .raise(change)?;
            }
            Ok(())
        })
    }

    /// What is known of the credit of every provider that was asked or spent from.
    pub fn credits(&self) -> Result<Vec<CreditLine>, StoreError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT DISTINCT provider FROM credit_balance
                 UNION SELECT DISTINCT scope_id FROM spending WHERE scope = 'provider' ORDER BY 1",
            )?;
            let providers =
                select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
            providers.into_iter().map(|provider| line(connection, provider)).collect()
        })
    }
}

fn line(connection: &Connection, provider: String) -> Result<CreditLine, Failure> {
    let (day, month) = spending(connection, &provider)?;
    let mut line = CreditLine {
        asked_at: None,
        remaining_micros: None,
        used_micros: None,
        daily_micros: day.unsigned_abs(),
        monthly_micros: month.unsigned_abs(),
        rate_remaining: None,
        rate_reset_at: None,
        rate_seen_at: None,
        provider,
    };
    let mut select = connection.prepare_cached(
        "SELECT at, remaining_micros, used_micros FROM credit_balance
         WHERE provider = ?1 AND raw IS NOT NULL ORDER BY at DESC LIMIT 1",
    )?;
    let mut rows = select.query([&line.provider])?;
    if let Some(row) = rows.next()? {
        (line.asked_at, line.remaining_micros, line.used_micros) = (row.get(0)?, row.get(1)?, row.get(2)?);
    }
    let mut select = connection.prepare_cached(
        "SELECT at, rate_remaining, rate_reset_at FROM credit_balance
         WHERE provider = ?1 AND raw IS NULL ORDER BY at DESC LIMIT 1",
    )?;
    let mut rows = select.query([&line.provider])?;
    if let Some(row) = rows.next()? {
        (line.rate_seen_at, line.rate_remaining, line.rate_reset_at) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
    }
    Ok(line)
}

fn insert(change: &Change<'_>, provider: &str, credit: &Credit, limits: &RateLimits) -> Result<(), Failure> {
    let (day, month) = spending(change, provider)?;
    // Two snapshots of one millisecond are two, and the newest stays the newest where the clock went back.
    let at: i64 = change
        .prepare_cached("SELECT max(?2, coalesce(max(at) + 1, 0)) FROM credit_balance WHERE provider = ?1")?
        .query_row(params![provider, now()], |row| row.get(0))?;
    change
        .prepare_cached(
            "INSERT INTO credit_balance (provider, at, remaining_micros, used_micros, daily_micros, monthly_micros,
                 rate_remaining, rate_reset_at, raw)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            provider,
            at,
            credit.remaining_micros,
            credit.used_micros,
            day,
            month,
            limits.remaining.map(counter),
            limits.reset_ms.map(|ms| now().saturating_add(counter(ms))),
            credit.raw,
        ])?;
    change.made("credit.keep", "credit_balance", provider);
    Ok(())
}

/// What was spent at a provider, today and this month.
fn spending(connection: &Connection, provider: &str) -> Result<(i64, i64), Failure> {
    let at = spending_time(connection)?;
    let month: i64 = connection
        .prepare_cached("SELECT unixepoch(?1 / 1000, 'unixepoch', 'start of month') / 86400")?
        .query_row([at], |row| row.get(0))?;
    let from = |day| spent(connection, BudgetScope::Provider, provider, day);
    Ok((from(at / DAY_MS)?, from(month)?))
}

fn today(connection: &Connection) -> Result<String, Failure> {
    Ok(connection
        .prepare_cached("SELECT date(?1 / 1000, 'unixepoch')")?
        .query_row([now()], |row| row.get(0))?)
}
