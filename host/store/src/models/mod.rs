//! Language models: replies that are kept, what was asked, what it cost, and what it may cost.
//!
//! - [`cache`]: replies by the key of all that changes them, each with its end.
//! - [`usage`]: a row a question, and sums by day for everything that a budget can be for.
//! - [`budgets`]: what may be spent, by whom and when.
//! - [`holds`]: money is held before a question is sent and settled after it, so that no number of processes passes
//!   a hard stop together.
//! - [`credit`]: what providers say is left, and how often one may ask them.
//! - [`alerts`]: what somebody should know, once a window.

mod alerts;
mod budgets;
mod cache;
mod credit;
mod holds;
mod usage;

use stratagem_domain::{
    Held, Hold, Keeping, KeptReply, LedgerError, ModelLedger, ModelUsage, Question, RateLimits,
};

pub use alerts::Alert;
pub use budgets::{Budget, BudgetLine, BudgetScope, Period};
pub use cache::ReplyCounts;
pub use credit::{Credit, CreditLine};
pub use usage::ModelSpending;
pub(crate) use usage::adopt;

use crate::Store;

impl ModelLedger for Store {
    fn kept(&self, question: &Question, keeping: &Keeping) -> Result<Option<KeptReply>, LedgerError> {
        Ok(self.kept_reply(question, keeping)?)
    }

    fn hold(&self, hold: &Hold) -> Result<Held, LedgerError> {
        let hold = hold.clone();
        Ok(self.write("asking a language model", move |change| holds::hold(change, &hold))?)
    }

    fn settle(
        &self,
        hold_id: &str,
        hold: &Hold,
        usage: &ModelUsage,
        reply: Option<(&Question, &KeptReply, &Keeping)>,
    ) -> Result<Vec<String>, LedgerError> {
        let (id, hold, usage) = (hold_id.to_owned(), hold.clone(), usage.clone());
        let reply =
            reply.map(|(question, reply, keeping)| cache::Row::new(self.actor(), question, reply, keeping));
        let raised = self.write_durably("asking a language model", move |change| {
            if let Some(reply) = reply {
                reply.keep(change, &usage)?;
            }
            holds::settle(change, &id, &hold, &usage)
        });
        Ok(raised?)
    }

    fn limited(&self, provider: &str, limits: &RateLimits) -> Result<(), LedgerError> {
        Ok(self.keep_rate_limits(provider, limits)?)
    }
}
