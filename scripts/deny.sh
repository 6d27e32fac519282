#!/usr/bin/env bash
# Holds dependencies to deny.toml. The advisory database comes by git: where it cannot be had, that part is
# skipped and says so; bans, licences and sources are checked everywhere.
set -euo pipefail

version=0.20.2
if ! cargo deny --version 2>/dev/null | grep -q " $version$"; then
    # With a target folder of its own kept beside the project's, a second run costs nothing.
    cargo install --locked --quiet --root "${CARGO_TARGET_DIR:-target}/tools" "cargo-deny@$version"
fi
PATH="${CARGO_TARGET_DIR:-target}/tools/bin:$PATH"
for manifest in Cargo.toml fuzz/Cargo.toml plugins/Cargo.toml tests/guests/Cargo.toml; do
    cargo-deny --log-level error --config deny.toml --manifest-path "$manifest" check bans licenses sources
done
if cargo-deny --log-level error fetch db >/dev/null 2>&1; then
    for manifest in Cargo.toml fuzz/Cargo.toml plugins/Cargo.toml tests/guests/Cargo.toml; do
        cargo-deny --log-level error --config deny.toml --manifest-path "$manifest" check advisories
    done
else
    echo "skipped: advisories (their database cannot be fetched here)"
fi
