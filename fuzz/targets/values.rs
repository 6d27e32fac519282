//! What a plugin hands over: arguments as raw as the canonical ABI has them, from a guest that does as it is told.
//!
//! The guest (`src/values.wat`) is compiled once and reads its calls from a setting, so that the fuzzer's bytes reach
//! the host's lifting thousands of times a second.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::{Corpus, fuzz_target};
use stratagem_domain::{Ending, Settings};
use stratagem_fuzz::Bench;

/// Half of what the guest's memory holds of the setting's letters.
const MAX_BLOCK_BYTES: usize = 4 << 10;

static BENCH: LazyLock<Bench> = LazyLock::new(Bench::new);

fuzz_target!(|block: &[u8]| -> Corpus {
    if block.len() > MAX_BLOCK_BYTES {
        return Corpus::Reject;
    }
    let letters = block.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|half| char::from(b'a' + half));
    let settings = Settings::from([("block".to_owned(), letters.collect())]);
    let report = BENCH.run(&BENCH.guest, &settings);
    let first = report.answers.first().expect("what was offered first is kept");
    assert_eq!((first.test_index, first.grid.cells()), (0, &[0][..]));
    if let Ending::Trapped { reason, .. } = &report.ending {
        assert!(is_the_guests(reason), "a trap that the contract does not know: {reason}");
    }
    Corpus::Keep
});

/// True for the limits, and for the rules of the canonical ABI that a guest with memory can break.
fn is_the_guests(reason: &str) -> bool {
    let rules = [
        "incomplete utf-8 byte sequence",
        "invalid expected discriminant",
        "invalid utf-8 sequence",
        "list pointer/length out of bounds",
        "pointer not aligned",
        "pointer out of bounds",
        "realloc return",
        "return pointer not aligned",
        "string pointer/length out of bounds",
        "too much data is being copied between the host and the guest",
        "unexpected discriminant",
    ];
    reason.contains(": limit ") || rules.iter().any(|rule| reason.starts_with(rule))
}
