#!/usr/bin/env bash
# Installs what building plugins and fetching tasks needs and this machine lacks. Run again, it does nothing.
set -euo pipefail

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

apt_updated=
apt_install() {
    command -v apt-get >/dev/null || { echo "error: $* is missing and there is no apt-get: install it by hand" >&2; exit 1; }
    if [ -z "$apt_updated" ]; then as_root apt-get update -qq; apt_updated=1; fi
    echo "installing $*"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# Building SQLite needs a C compiler.
command -v cc >/dev/null || apt_install gcc libc6-dev

# A Rust for wasm32-unknown-unknown: rustup's standard library where it can be had, else the distribution's Rust.
has_target() {
    local folder
    folder=$(rustc --print target-libdir --target wasm32-unknown-unknown 2>/dev/null) && [ -n "$(ls -A "$folder" 2>/dev/null)" ]
}
has_distribution() {
    [ -x /usr/bin/rustc ] && [ -x /usr/bin/cargo ] && [ -d /usr/lib/rustlib/src/rust/library/std ] && command -v wasm-ld >/dev/null
}
if ! has_target && ! has_distribution; then
    if ! { command -v rustup >/dev/null && rustup target add wasm32-unknown-unknown >/dev/null 2>&1 && has_target; }; then
        apt_install rustc-web cargo-web rust-web-src lld
    fi
fi

# Tasks come through pip, in a virtual environment where the system's Python allows no other.
if ! python3 -m pip --version >/dev/null 2>&1; then
    apt_install python3 python3-pip
fi
