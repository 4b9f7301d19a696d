#!/usr/bin/env bash
# Every decoder of untrusted bytes survives a bounded run of its fuzz target, from stored seeds.
# Needs a nightly toolchain; FUZZ_SECONDS says how long each target runs.
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "not run: no nightly toolchain here"
    exit 0
fi
command -v cargo-fuzz >/dev/null || cargo install --quiet --locked cargo-fuzz
cd fuzz
for target in fuzz_targets/*.rs; do
    name=$(basename "$target" .rs)
    mkdir -p "corpus/$name"
    echo "$name"
    cargo +nightly fuzz run --target-dir ../target/fuzz "$name" "corpus/$name" "seeds/$name" -- \
        -max_total_time="${FUZZ_SECONDS:-2}" -max_len=8192 -rss_limit_mb=2048 -verbosity=0 -print_funcs=0
done
