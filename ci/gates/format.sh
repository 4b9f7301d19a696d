#!/usr/bin/env bash
# Every Rust file is formatted.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo fmt --all --check
