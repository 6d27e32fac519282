use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use stratagem_domain::{
    Held, Hold, Keeping, KeptReply, LedgerError, ModelLedger, ModelUsage, OverBudget, Question, RateLimits,
};

/// A ledger in memory: what the client told it, for tests to look at.
#[derive(Default)]
pub struct Books {
    pages: Mutex<Pages>,
}

#[derive(Default)]
pub struct Pages {
    pub held: Vec<Hold>,
    pub settled: Vec<ModelUsage>,
    pub kept: BTreeMap<String, KeptReply>,
    pub limits: Vec<RateLimits>,
    /// Refuses every hold from now on.
    pub is_spent: bool,
}

impl Books {
    pub fn open(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap()
    }

    /// What came of the one question that was asked.
    pub fn only(&self) -> ModelUsage {
        let pages = self.open();
        assert_eq!((pages.held.len(), pages.settled.len()), (1, 1));
        pages.settled[0].clone()
    }
}

impl ModelLedger for Books {
    fn kept(&self, question: &Question, _: &Keeping) -> Result<Option<KeptReply>, LedgerError> {
        Ok(self.open().kept.get(&question.key(None).to_string()).cloned())
    }

    fn hold(&self, hold: &Hold) -> Result<Held, LedgerError> {
        let mut pages = self.open();
        if pages.is_spent {
            let budget = "everybody, a day".to_owned();
            return Ok(Held::Refused(OverBudget { budget, limit: 9, spent: 9, held: 0, asked: hold.micros }));
        }
        pages.held.push(hold.clone());
        Ok(Held::Granted(pages.held.len().to_string()))
    }

    fn settle(
        &self,
        hold_id: &str,
        hold: &Hold,
        usage: &ModelUsage,
        reply: Option<(&Question, &KeptReply, &Keeping)>,
    ) -> Result<Vec<String>, LedgerError> {
        let mut pages = self.open();
        let at: usize = hold_id.parse().unwrap();
        assert_eq!(pages.held[at - 1], *hold, "what is settled is what was held");
        assert!(usage.cost_micros <= hold.micros || usage.error.is_none(), "more than was held: {usage:?}");
        pages.settled.push(usage.clone());
        if let Some((question, reply, _)) = reply {
            pages.kept.insert(question.key(None).to_string(), reply.clone());
        }
        Ok(Vec::new())
    }

    fn limited(&self, _: &str, limits: &RateLimits) -> Result<(), LedgerError> {
        self.open().limits.push(*limits);
        Ok(())
    }
}
