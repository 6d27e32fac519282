//! The kinds of check: each a function from what a case works with to what it saw.

mod answers;
mod describe;
mod ends;
mod learn;
mod load;
mod repeat;

use serde::Deserialize;

pub use load::{Load, Opened, open, refusal};

use crate::trial::Bench;
use crate::{Case, Seen};

/// Declares every kind of check once, in the order of the report, each with its function.
macro_rules! checks {
    ($($name:ident: $look:path;)*) => {
        /// The kind of a case: which function looks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Check {
            $($name,)*
        }

        impl Check {
            pub const ALL: [Self; [$(stringify!($name)),*].len()] = [$(Self::$name),*];

            pub fn look(self, bench: &Bench<'_>, case: &Case) -> Seen {
                match self {
                    $(Self::$name => $look(bench, case),)*
                }
            }
        }
    };
}

checks! {
    Interface: load::interface;
    Manifest: load::manifest;
    DescribeStable: describe::stable;
    DescribeCheap: describe::cheap;
    DescribeAlone: describe::alone;
    ValidAnswers: answers::valid;
    AnswersEarly: answers::early;
    RefusedOffers: answers::refused;
    NoOutputAfterTheEnd: answers::after_the_end;
    SameSeed: repeat::same_seed;
    RunsAreIndependent: repeat::independent;
    CutShort: repeat::cut_short;
    TextFits: ends::text_fits;
    EndsWell: ends::well;
    Learns: learn::learns;
}
