//! `plugin.toml` as an author or an attacker wrote it: refused in plain words, or the same after it was written.
#![no_main]

use std::path::Path;

use libfuzzer_sys::{Corpus, fuzz_target};
use stratagem_domain::Limits;
use stratagem_fuzz::{assert_plain, within};
use stratagem_runtime::{CompileLimits, Manifest};

/// A manifest is read up to 64 KiB; its tree takes a multiple of that.
const HEAP_BYTES: usize = 16 << 20;

fuzz_target!(|data: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(data) else { return Corpus::Reject };
    // The part of `stratagem.toml` that is the runtime's.
    if let Ok(limits) = toml::from_str::<CompileLimits>(text) {
        let written = toml::to_string(&limits).expect("limits are TOML");
        assert_eq!(toml::from_str::<CompileLimits>(&written).expect("its own words"), limits);
    }
    let path = Path::new("plugin.toml");
    match within(HEAP_BYTES, || Manifest::parse(text, path)) {
        Ok(manifest) => {
            let written = manifest.to_toml();
            let again = Manifest::parse(&written, path).unwrap_or_else(|error| panic!("{error}:\n{written}"));
            assert_eq!(again, manifest);
            assert_eq!(again.to_toml(), written);
            check_limits(&Limits::default().with(&manifest.limits));
        }
        Err(error) => {
            assert_plain(&error);
            error.hint().iter().for_each(assert_plain);
        }
    }
    Corpus::Keep
});

/// Asked limits are within the operator's bounds, or refused by name and within them once they are lowered.
fn check_limits(asked: &Limits) {
    let bounds = Limits::bounds();
    let lowered = asked.clamped(&bounds);
    lowered.check(&bounds).expect("lowered limits are within their bounds");
    match asked.check(&bounds) {
        Ok(()) => assert_eq!(lowered, *asked),
        Err(error) => assert_plain(error),
    }
}
