#!/usr/bin/env bash
# What the optional features add works, too.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo test --package samestate --all-features --locked --test it
