#!/usr/bin/env bash
# Installs what building plugins, fetching tasks and testing needs and this machine lacks. Run again, it does nothing.
set -euo pipefail

fail() {
    echo "error: $1" >&2
    echo "  hint: $2" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else fail "installing needs root and there is no sudo" "install by hand, as root: apt-get install $packages"
    fi
}

# Packages from the distribution; nothing that is there is ever removed for them.
apt_install() {
    packages=$*
    command -v apt-get >/dev/null || fail "missing: $packages, and there is no apt-get" "install them by hand"
    echo "installing $packages"
    as_root apt-get update -qq || true
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-remove --no-install-recommends "$@" >/dev/null ||
        fail "apt-get could not install $packages" "install them by hand, or see what apt-get says above"
}

# Building SQLite needs a C compiler; building libFuzzer, and running kernels on the processor in tests, one for C++.
command -v cc >/dev/null || apt_install gcc libc6-dev
command -v c++ >/dev/null || apt_install g++

# Building SQLCipher needs OpenSSL's headers.
[ -e /usr/include/openssl/crypto.h ] || apt_install libssl-dev

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

# Tasks come through pip.
python3 -m pip --version >/dev/null 2>&1 || apt_install python3 python3-pip

# The migrations for PostgreSQL are tried on a real one, which the test starts itself; its service need not run.
command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || apt_install postgresql
