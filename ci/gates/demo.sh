#!/usr/bin/env bash
# The README's main job runs, and finds the forgotten field in all three ways.
set -euo pipefail
cd "$(dirname "$0")/../.."
command=$(sed -n '/^<!-- main job -->$/,/^```$/p' README.md | grep -m1 '^cargo')
output=$(mktemp)
trap 'rm -f "$output"' EXIT
echo "$command"
$command | tee "$output"
for rule in uncovered-field treatment-changed payload-differs field-type-changed version-not-bumped; do
    if ! grep -q "\[$rule\]" "$output"; then
        echo "the demo shows no $rule" >&2
        exit 1
    fi
done
