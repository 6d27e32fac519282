//! One task as JSON, read straight into grids: nothing of a file is kept that is not part of a task.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use stratagem_domain::{Grid, LabelledTask, Pair, Task, TaskError, quote};

/// An input and, where the file has it, the output.
pub(crate) type HalfPair = (Grid, Option<Grid>);

/// Which of a task's lists is read: only tests may keep their outputs to themselves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Train,
    Test,
}

impl Side {
    pub(crate) fn of(key: &str) -> Option<Self> {
        match key {
            "train" => Some(Self::Train),
            "test" => Some(Self::Test),
            _ => None,
        }
    }
}

/// The lists of a task, while its keys come in any order.
#[derive(Default)]
pub(crate) struct Sides {
    train: Option<Vec<HalfPair>>,
    test: Option<Vec<HalfPair>>,
}

impl Sides {
    pub(crate) fn put(&mut self, side: Side, pairs: Vec<HalfPair>) {
        match side {
            Side::Train => self.train = Some(pairs),
            Side::Test => self.test = Some(pairs),
        }
    }

    fn has(&self, side: Side) -> bool {
        match side {
            Side::Train => self.train.is_some(),
            Side::Test => self.test.is_some(),
        }
    }

    pub(crate) fn finish<E: Error>(self, id: &str) -> Result<LabelledTask, E> {
        let missing = |key| missing(key, "a task has \"train\" and \"test\"");
        let train = self.train.ok_or_else(|| missing("train"))?;
        let test = self.test.ok_or_else(|| missing("test"))?;
        let whole = |(input, output): HalfPair| output.map(|output| Pair { input, output });
        let train = train.into_iter().filter_map(whole).collect();
        LabelledTask::new(id, train, test).map_err(Error::custom)
    }
}

pub(crate) fn missing<E: Error>(key: &str, allowed: &str) -> E {
    E::custom(format_args!("key \"{key}\" is missing: {allowed}"))
}

pub(crate) fn unknown<E: Error>(key: &str, allowed: &str) -> E {
    E::custom(format_args!("unknown key {}: {allowed}", quote(key, 64)))
}

pub(crate) fn twice<E: Error>(key: &str) -> E {
    E::custom(format_args!("key {} is there twice: once an object", quote(key, 64)))
}

pub(crate) const TASK_KEYS: &str = "a task has \"train\", \"test\" and perhaps \"name\"";

/// Reads a task of a known id.
pub(crate) struct TaskSeed<'a>(pub &'a str);

impl<'de> DeserializeSeed<'de> for TaskSeed<'_> {
    type Value = LabelledTask;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<LabelledTask, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for TaskSeed<'_> {
    type Value = LabelledTask;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a task: an object with \"train\" and \"test\"")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LabelledTask, A::Error> {
        let (mut sides, mut named) = (Sides::default(), false);
        while let Some(key) = map.next_key::<String>()? {
            match Side::of(&key) {
                Some(side) if sides.has(side) => return Err(twice(&key)),
                Some(side) => sides.put(side, map.next_value_seed(PairsSeed(side))?),
                None if key == "name" && named => return Err(twice(&key)),
                None if key == "name" => named = map.next_value::<String>().map(|_| true)?,
                None => return Err(unknown(&key, TASK_KEYS)),
            }
        }
        sides.finish(self.0)
    }
}

/// Reads the pairs of one side, and stops at the first that is too many.
pub(crate) struct PairsSeed(pub Side);

impl<'de> DeserializeSeed<'de> for PairsSeed {
    type Value = Vec<HalfPair>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<HalfPair>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for PairsSeed {
    type Value = Vec<HalfPair>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an array of pairs")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<HalfPair>, A::Error> {
        let (limit, over): (usize, fn(usize) -> TaskError) = match self.0 {
            Side::Train => (Task::MAX_PAIRS, TaskError::TooManyPairs),
            Side::Test => (Task::MAX_TESTS, TaskError::TooManyTests),
        };
        let mut pairs = Vec::new();
        while pairs.len() < limit {
            match seq.next_element_seed(PairSeed(self.0))? {
                Some(pair) => pairs.push(pair),
                None => return Ok(pairs),
            }
        }
        match seq.next_element::<IgnoredAny>()? {
            Some(_) => Err(Error::custom(over(limit + 1))),
            None => Ok(pairs),
        }
    }
}

struct PairSeed(Side);

impl<'de> DeserializeSeed<'de> for PairSeed {
    type Value = HalfPair;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<HalfPair, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for PairSeed {
    type Value = HalfPair;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a pair: an object with \"input\" and \"output\"")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<HalfPair, A::Error> {
        const ALLOWED: &str = "a pair has \"input\" and \"output\"";
        let (mut input, mut output): (Option<Grid>, Option<Grid>) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            let slot = match key.as_str() {
                "input" => &mut input,
                "output" => &mut output,
                _ => return Err(unknown(&key, ALLOWED)),
            };
            if slot.is_some() {
                return Err(twice(&key));
            }
            *slot = Some(map.next_value()?);
        }
        match (input, output, self.0) {
            (None, ..) => Err(missing("input", ALLOWED)),
            (_, None, Side::Train) => Err(missing("output", "a training pair has \"input\" and \"output\"")),
            (Some(input), output, _) => Ok((input, output)),
        }
    }
}
