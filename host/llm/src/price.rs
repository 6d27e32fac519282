use stratagem_domain::Question;

/// What a model costs, in millionths of a dollar per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    pub prompt_micros: u64,
    pub completion_micros: u64,
}

/// Tokens that the protocol's own framing may add: to a message, and to a prompt.
const FRAME_TOKENS: u64 = 16;

impl Price {
    /// The cost of so many tokens, rounded up: a sum of costs is never less than what is owed.
    pub fn cost(&self, prompt_tokens: u64, completion_tokens: u64) -> u64 {
        let prompt = u128::from(prompt_tokens) * u128::from(self.prompt_micros);
        let completion = u128::from(completion_tokens) * u128::from(self.completion_micros);
        let exact = prompt.saturating_add(completion);
        u64::try_from(exact.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }

    /// The most that a question can cost.
    pub fn bound(&self, question: &Question, max_tokens: u32) -> u64 {
        self.cost(prompt_bound(question), max_tokens.into())
    }
}

/// The most tokens that a prompt can have: a token is at least a byte of it. What the settings send beside the
/// messages, such as tools, may be put into the prompt too.
pub fn prompt_bound(question: &Question) -> u64 {
    let beside = question.params.to_string().len() as u64;
    question.bytes() + beside + FRAME_TOKENS * (question.messages.len() as u64 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_rounded_up_and_a_million_of_them_sum_exactly() {
        let price = Price { prompt_micros: 150_000, completion_micros: 600_000 };
        assert_eq!(price.cost(0, 0), 0);
        assert_eq!(price.cost(1, 0), 1);
        assert_eq!(price.cost(6_000, 2_000), 2_100);
        assert_eq!((0..1_000_000).map(|_| price.cost(6_000, 2_000)).sum::<u64>(), 2_100_000_000);
        let dear = Price { prompt_micros: u64::MAX, completion_micros: u64::MAX };
        assert_eq!(dear.cost(u64::MAX, u64::MAX), u64::MAX);
    }
}
