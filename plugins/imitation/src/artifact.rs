//! The policy as bytes: a header that says what it is and what it was trained on, then the weights.
//!
//! Reading trusts nothing: every count is bounded before anything is taken, and what is not ours, of another
//! version, cut short, longer than it says or altered is refused by name.

use std::fmt;

use stratagem_dsl::grid::mix;

use crate::features::{COLOUR, TASK, TaskFeatures};
use crate::policy::{HIDDEN, Policy};
use crate::retrieval::Known;
use crate::vocabulary::Vocabulary;

const MAGIC: &[u8; 8] = b"STRPOLCY";
/// Raised whenever bytes come to mean something else.
const VERSION: u32 = 1;
/// The most bytes that an artifact may have.
const BYTES_MAX: usize = 8 << 20;
/// The most of anything that is counted.
const COUNT_MAX: usize = 1 << 20;
/// The longest name or program, in bytes.
const TEXT_MAX: usize = 4096;

/// Why bytes are no policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotOurs {
    Magic,
    Version(u32),
    /// The bytes end early, or go on where they should end, or there are too many.
    Length,
    /// The checksum at the end is another.
    Checksum,
    /// A count or a number is out of range: says which.
    Content(&'static str),
}

impl fmt::Display for NotOurs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic => f.write_str("it does not start as a policy does"),
            Self::Version(v) => write!(f, "format {v}; this build reads {VERSION}"),
            Self::Length => f.write_str("its length is not what it says"),
            Self::Checksum => f.write_str("its checksum is wrong"),
            Self::Content(what) => write!(f, "its {what} is out of range"),
        }
    }
}

/// Writes a policy.
pub fn encode(policy: &Policy) -> Vec<u8> {
    let mut w = Writer(Vec::new());
    w.0.extend_from_slice(MAGIC);
    w.number(u64::from(VERSION));
    w.number(policy.seed);
    w.number(policy.examples);
    w.number(policy.trained_on.len() as u64);
    policy.trained_on.iter().for_each(|&hash| w.number(hash));
    let classes = Vocabulary::get().classes();
    w.number(classes.len() as u64);
    classes.iter().for_each(|name| w.text(name));
    for part in policy.weights.parts() {
        w.number(part.len() as u64);
        part.iter().for_each(|x| w.0.extend_from_slice(&x.to_bits().to_le_bytes()));
    }
    w.number(policy.known.len() as u64);
    for known in &policy.known {
        let numbers = known.features.task.iter().chain(known.features.colours.iter().flatten());
        numbers.for_each(|&x| w.0.push(share(x)));
        w.text(&known.program.to_string());
    }
    let sum = checksum(&w.0);
    w.number(sum);
    w.0
}

/// Reads a policy.
///
/// *Errors*: why the bytes are none, see [`NotOurs`].
pub fn decode(bytes: &[u8]) -> Result<Policy, NotOurs> {
    if bytes.len() < MAGIC.len() || &bytes[..MAGIC.len()] != MAGIC {
        return Err(NotOurs::Magic);
    }
    let mut r = Reader(&bytes[MAGIC.len()..]);
    let version = r.number()? as u32;
    if version != VERSION {
        return Err(NotOurs::Version(version));
    }
    let (body, end) = bytes.split_at_checked(bytes.len().wrapping_sub(8)).ok_or(NotOurs::Length)?;
    if bytes.len() > BYTES_MAX {
        return Err(NotOurs::Length);
    }
    if Reader(end).number()? != checksum(body) {
        return Err(NotOurs::Checksum);
    }
    let mut policy = Policy::untrained(r.number()?);
    policy.examples = r.number()?;
    policy.trained_on = (0..r.count()?).map(|_| r.number()).collect::<Result<_, _>>()?;
    let names = (0..r.count()?).map(|_| r.text()).collect::<Result<Vec<String>, _>>()?;
    r.weights(&mut policy, &names)?;
    for _ in 0..r.count()? {
        let known = r.known()?;
        policy.known.extend(known);
    }
    if r.0.len() == 8 { Ok(policy) } else { Err(NotOurs::Length) }
}

/// A number from 0 to 1 in a byte.
fn share(x: f32) -> u8 {
    (x * 255.0 + 0.5) as u8
}

fn checksum(bytes: &[u8]) -> u64 {
    bytes.chunks(8).fold(bytes.len() as u64, |sum, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        mix(sum, u64::from_le_bytes(word))
    })
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, n: u64) {
        self.0.extend_from_slice(&n.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        let text = if text.len() > TEXT_MAX { "" } else { text };
        self.number(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], NotOurs> {
        let (head, rest) = self.0.split_at_checked(n).ok_or(NotOurs::Length)?;
        self.0 = rest;
        Ok(head)
    }

    fn number(&mut self) -> Result<u64, NotOurs> {
        let bytes = self.take(8)?.try_into().map_err(|_| NotOurs::Length)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn count(&mut self) -> Result<usize, NotOurs> {
        let n = self.number()?;
        usize::try_from(n).ok().filter(|&n| n <= COUNT_MAX).ok_or(NotOurs::Content("count"))
    }

    fn text(&mut self) -> Result<String, NotOurs> {
        let n = self.count()?;
        if n > TEXT_MAX {
            return Err(NotOurs::Content("text"));
        }
        String::from_utf8(self.take(n)?.to_vec()).map_err(|_| NotOurs::Content("text"))
    }

    /// Takes in the weights; rows of classes go by name, so that a DSL that has grown since keeps what was learned.
    fn weights(&mut self, policy: &mut Policy, names: &[String]) -> Result<(), NotOurs> {
        let classes = Vocabulary::get().classes();
        let rows: Vec<Option<usize>> =
            names.iter().map(|name| classes.iter().position(|c| c == name)).collect();
        for (k, part) in policy.weights.parts_mut().into_iter().enumerate() {
            // The step before, the class and its bias have a row for each class, the first one more.
            let width = match k {
                2 | 4 => HIDDEN,
                5 => 1,
                _ => part.len(),
            };
            let by_name = matches!(k, 2 | 4 | 5);
            let n = self.count()?;
            let wanted = if by_name { (names.len() + usize::from(k == 2)) * width } else { part.len() };
            if n != wanted {
                return Err(NotOurs::Content("matrix"));
            }
            let last = part.len() / width - 1;
            for row in 0..n / width {
                let to = rows.get(row).filter(|_| by_name).map_or(Some(last), |to| *to);
                for j in 0..width {
                    let bits = self.take(4)?.try_into().map_err(|_| NotOurs::Length)?;
                    let x = f32::from_bits(u32::from_le_bytes(bits));
                    if !(-1e4..1e4).contains(&x) {
                        return Err(NotOurs::Content("weight"));
                    }
                    if let Some(to) = to {
                        part[to * width + j] = x;
                    }
                }
            }
        }
        Ok(())
    }

    /// A lesson; none where this build's DSL cannot read its program.
    fn known(&mut self) -> Result<Option<Known>, NotOurs> {
        let mut features = TaskFeatures { task: [0.0; TASK], colours: [[0.0; COLOUR]; 10] };
        let numbers = self.take(TASK + 10 * COLOUR)?;
        let slots = features.task.iter_mut().chain(features.colours.iter_mut().flatten());
        slots.zip(numbers).for_each(|(slot, &byte)| *slot = f32::from(byte) / 255.0);
        let program = self.text()?.parse().ok();
        Ok(program.map(|program| Known { features, program }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Policy {
        let mut policy = Policy::untrained(7);
        policy.trained_on = vec![3, 9];
        policy.examples = 12;
        let features = TaskFeatures { task: [1.0; TASK], colours: [[0.0; COLOUR]; 10] };
        policy.known.push(Known { features, program: "keep 3 > trim".parse().unwrap() });
        policy
    }

    #[test]
    fn comes_back_as_it_went() {
        let policy = sample();
        assert_eq!(decode(&encode(&policy)), Ok(policy));
    }

    #[test]
    fn refuses_what_is_not_ours() {
        let bytes = encode(&sample());
        assert_eq!(decode(b"a text of somebody else"), Err(NotOurs::Magic));
        assert_eq!(decode(&[]), Err(NotOurs::Magic));
        let mut other = bytes.clone();
        other[8] = 2;
        assert_eq!(decode(&other), Err(NotOurs::Version(2)));
        for cut in [9, 20, 40, bytes.len() / 2, bytes.len() - 1] {
            assert!(decode(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        for at in (16..bytes.len()).step_by(97) {
            let mut altered = bytes.clone();
            altered[at] ^= 0x40;
            assert_eq!(decode(&altered), Err(NotOurs::Checksum), "altered at {at}");
        }
    }

    #[test]
    fn survives_content_with_a_right_checksum() {
        let bytes = encode(&sample());
        for at in (16..bytes.len() - 8).step_by(41) {
            let mut altered = bytes[..bytes.len() - 8].to_vec();
            altered[at] = altered[at].wrapping_add(0x7f);
            let sum = checksum(&altered);
            altered.extend_from_slice(&sum.to_le_bytes());
            let _ = decode(&altered);
        }
    }
}
