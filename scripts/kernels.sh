#!/usr/bin/env bash
# Compiles the kernels with every warning an error, and holds kernels.ptx to what comes of it; `--write` renews it.
# The compiler comes through pip, pinned, into the target folder (105 MB); no device and no driver is needed.
set -euo pipefail
cd "$(dirname "$0")/../host/ttt/kernels"

packages="nvidia-cuda-nvcc==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-cuda-runtime==13.0.96"
folder=${CARGO_TARGET_DIR:-../../../target}/nvcc
nvcc=$folder/nvidia/cu13/bin/nvcc
if [ "$(cat "$folder/packages" 2>/dev/null)" != "$packages" ]; then
    echo "fetching the compiler of kernels (pip: ${packages%% *} and its parts)"
    rm -rf "$folder"
    # shellcheck disable=SC2086 # One word a package.
    if ! python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps --only-binary=:all: --target "$folder" $packages; then
        echo "error: pip could not fetch the compiler of kernels" >&2
        echo "  hint: see what pip says above; the kernels themselves are checked in, and nobody but this check compiles them" >&2
        exit 1
    fi
    echo "$packages" >"$folder/packages"
fi

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
compile() { "$nvcc" --Werror all-warnings --std c++17 "$@" kernels.cu; }
# For the oldest architecture as text, which every driver since compiles for its own device.
compile --ptx --gpu-architecture compute_80 --output-file "$made/kernels.ptx"
for architecture in sm_80 sm_90; do
    # A kernel that spills its registers is a mistake here.
    compile --cubin --gpu-architecture "$architecture" --ptxas-options=-Werror,-warn-spills --output-file "$made/kernels.cubin"
done

if [ "${1:-}" = --write ]; then
    cp "$made/kernels.ptx" kernels.ptx
elif ! cmp -s "$made/kernels.ptx" kernels.ptx; then
    echo "error: kernels.ptx is not what the kernels' text compiles to" >&2
    echo "  hint: just kernels --write" >&2
    exit 1
fi
echo "kernels: $(grep -c '^.visible .entry' kernels.ptx) compiled for sm_80 and sm_90, and kernels.ptx is theirs"
