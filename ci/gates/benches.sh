#!/usr/bin/env bash
# The benchmarks still build, peers included; running them is for quiet machines.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo clippy --manifest-path benches/Cargo.toml --target-dir target/benches --locked -- -D warnings
