#!/usr/bin/env bash
# No warnings, in any target and with every feature.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
