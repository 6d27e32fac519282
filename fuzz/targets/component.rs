//! Component bytes from any hand: validated, compiled, and run where they fit, within small limits.
//!
//! The first byte says what the rest is:
//! `w` a component as bytes or text, `t` a core module's text, `p` edits of a good strategy's bytes, `m` and `r` what
//! `wasm-smith` makes a core module or a whole component of. A module stands in the frame of `src/strategy.wat`, so
//! that it gets to run.
#![no_main]

use std::sync::LazyLock;

use arbitrary::{Arbitrary, Result, Unstructured};
use libfuzzer_sys::{Corpus, fuzz_target};
use stratagem_domain::Settings;
use stratagem_fuzz::{Bench, strategy};
use wasm_smith::{Component, Config, Module};

static BENCH: LazyLock<Bench> = LazyLock::new(Bench::new);
static GOOD: LazyLock<Vec<u8>> =
    LazyLock::new(|| strategy(include_str!("../src/values.wat")).expect("the frame fits it"));
/// The frame with an empty module.
static FRAME: LazyLock<Vec<u8>> = LazyLock::new(|| strategy("(core module)").expect("the frame fits it"));
static SHAPE: LazyLock<Vec<u8>> =
    LazyLock::new(|| wat::parse_str(include_str!("../src/shape.wat")).expect("a module"));

fuzz_target!(|data: &[u8]| -> Corpus {
    let Some((form, rest)) = data.split_first() else { return Corpus::Reject };
    let mut input = Unstructured::new(rest);
    let component = match form {
        b'w' => wat::parse_bytes(rest).ok().map(Vec::from),
        b't' => std::str::from_utf8(rest).ok().and_then(|module| strategy(module).ok()),
        b'p' => edited(&mut input).ok(),
        b'm' => framed(&mut input).ok(),
        b'r' => whole(&mut input).ok(),
        _ => None,
    };
    let Some(component) = component else { return Corpus::Reject };
    if let Some(strategy) = BENCH.load(component) {
        BENCH.run(&strategy, &Settings::new());
    }
    Corpus::Keep
});

/// The good strategy's bytes with some overwritten, put in or taken out.
fn edited(input: &mut Unstructured) -> Result<Vec<u8>> {
    #[derive(Arbitrary)]
    enum Edit {
        Set(u8),
        Flip(u8),
        Insert(u8),
        Remove(u8),
    }
    let mut bytes = GOOD.clone();
    while !input.is_empty() {
        let at = usize::from(u16::arbitrary(input)?) % bytes.len();
        match Edit::arbitrary(input)? {
            Edit::Set(byte) => bytes[at] = byte,
            Edit::Flip(bits) => bytes[at] ^= bits,
            Edit::Insert(byte) => bytes.insert(at, byte),
            Edit::Remove(count) => {
                drop(bytes.drain(at..(at + usize::from(count)).min(bytes.len() - 1).max(at)));
            }
        }
    }
    Ok(bytes)
}

/// An arbitrary module in the frame: it imports what a plugin may call, and its `solve` is arbitrary code.
fn framed(input: &mut Unstructured) -> Result<Vec<u8>> {
    let config = Config { module_shape: Some(SHAPE.clone()), ..config(input)? };
    Ok(with_module(&FRAME, &Module::new(config, input)?.to_bytes()))
}

/// Puts a module's bytes in the place of the frame's empty one: the text format has no place for bytes.
fn with_module(frame: &[u8], module: &[u8]) -> Vec<u8> {
    // A section of the kind "core module", eight bytes long: an empty module is its header.
    const EMPTY: &[u8] = b"\x01\x08\0asm\x01\0\0\0";
    let at = frame.windows(EMPTY.len()).position(|bytes| bytes == EMPTY).expect("the empty module");
    // Five groups of seven bits say any length.
    let group = |group| (module.len() >> (7 * group)) as u8 & 0x7f | u8::from(group < 4) << 7;
    let length: Vec<u8> = (0..5).map(group).collect();
    [&frame[..at], &EMPTY[..1], &length, module, &frame[at + EMPTY.len()..]].concat()
}

fn whole(input: &mut Unstructured) -> Result<Vec<u8>> {
    let config = config(input)?;
    Ok(Component::new(config, input)?.to_bytes())
}

/// What the host's engine runs; the rest of the configuration is the input's choice.
fn config(input: &mut Unstructured) -> Result<Config> {
    Ok(Config {
        // Loops in it would run twice at loading within the limits of `describe`, which are a second's worth.
        allow_start_export: false,
        custom_page_sizes_enabled: false,
        // Most arbitrary code is out of bounds within a few instructions: this lets it go on.
        disallow_traps: input.ratio(3, 4)?,
        exceptions_enabled: false,
        gc_enabled: false,
        max_memories: 2,
        max_tables: 1,
        memory64_enabled: false,
        relaxed_simd_enabled: false,
        shared_everything_threads_enabled: false,
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        ..Config::arbitrary(input)?
    })
}
