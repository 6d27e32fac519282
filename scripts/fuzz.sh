#!/usr/bin/env bash
# Builds the fuzz targets and runs each for some seconds: `scripts/fuzz.sh [SECONDS [TARGET…]]`, 60 and all by default.
# What a run learns stays in target/fuzz/corpus, and the next one begins there. A finding fails.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
targets=("${@:2}")
[ ${#targets[@]} -gt 0 ] || targets=(manifest datasets values component)

# Counters of edges and comparisons as `cargo fuzz` sets them, by flags that the stable compiler has. No sanitizer: the
# host's own code is safe Rust, an address sanitizer sees nothing of the code that the engine compiles, and it takes the
# signals and the address space that the engine needs. Overflow checks and debug assertions are on (fuzz/Cargo.toml).
counters=(-sanitizer-coverage-level=4 -sanitizer-coverage-inline-8bit-counters -sanitizer-coverage-pc-table
    -sanitizer-coverage-trace-compares)
RUSTFLAGS="-Cpasses=sancov-module $(printf -- '-Cllvm-args=%s ' "${counters[@]}")"
folder=${CARGO_TARGET_DIR:-$PWD/target}/fuzz
# Named, so that build scripts and macros are built without the counters, which only a target has.
machine=$(rustc -vV | sed -n 's/^host: //p')
# The targets themselves are built by clippy, which is the compiler and its lints: another pass would cost the engine's
# whole tree once more.
RUSTFLAGS=$RUSTFLAGS CARGO_TARGET_DIR=$folder RUSTC_WORKSPACE_WRAPPER=clippy-driver CLIPPY_ARGS=-Dwarnings \
    cargo build --release --locked --manifest-path fuzz/Cargo.toml --target "$machine"

# Small files come and go by the million: in memory where there is a place for them.
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm
failed=0
for target in "${targets[@]}"; do
    program=$folder/$machine/release/$target
    [ -x "$program" ] || { echo "error: no fuzz target $target" >&2; exit 2; }
    corpus=$folder/corpus/$target log=$folder/$target.log
    mkdir -p "$corpus" "$folder/findings"
    options=(-max_len=8192 -timeout=30 -rss_limit_mb=2048 "-artifact_prefix=$folder/findings/$target-")
    [ ! -f "fuzz/dictionaries/$target.dict" ] || options+=("-dict=fuzz/dictionaries/$target.dict")
    if "$program" "${options[@]}" "-max_total_time=$seconds" -print_final_stats=1 "$corpus" "fuzz/seeds/$target" \
        >"$log" 2>&1; then
        executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        edges=$(grep -o ' cov: [0-9]*' "$log" | tail -1 | tr -dc 0-9)
        echo "$target: $executions executions, $edges edges, nothing found"
    else
        failed=1
        finding=$(sed -n 's/^.*Test unit written to //p' "$log" | tail -1)
        echo "error: $target: $(grep -m 1 -E 'panicked at|SUMMARY|ERROR' "$log" || tail -1 "$log")" >&2
        grep -A 3 -m 1 'panicked at' "$log" | tail -n +2 >&2 || true
        echo "  hint: all that it said is in $log; once more: $program ${finding:-$corpus}" >&2
    fi
done
exit $failed
