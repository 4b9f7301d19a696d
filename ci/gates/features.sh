#!/usr/bin/env bash
# What the optional features add works, too.
set -euo pipefail
cd "$(dirname "$0")/../.."
# The rest passes without them; what runs for a minute by itself is not run twice.
cargo test --package samestate --all-features --locked --test it -- \
    --skip hostile_large --skip hostile_limits --skip hostile_families --skip program
