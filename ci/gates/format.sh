#!/usr/bin/env bash
# Every Rust file is formatted.
set -euo pipefail
cd "$(dirname "$0")/../.."
for manifest in Cargo.toml benches/Cargo.toml fuzz/Cargo.toml; do
    cargo fmt --all --manifest-path "$manifest" --check
done
