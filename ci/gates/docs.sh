#!/usr/bin/env bash
# The docs build without warnings, and every path that a document names exists.
set -euo pipefail
cd "$(dirname "$0")/../.."
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

missing=0
for document in README.md ARCHITECTURE.md CONTRIBUTING.md docs/*.md; do
    # Words in backquotes that look like a path of ours: they start with one of our folders.
    while IFS= read -r path; do
        # `dir/*.sh` and the like name what they match.
        if ! compgen -G "$path" >/dev/null; then
            echo "$document names \`$path\`, which does not exist" >&2
            missing=1
        fi
    done < <(grep -oE '`(schema|image|macros|runtime|report|analyzer|tracer|cli|examples|fuzz|benches|ci|docs|\.ci)/[A-Za-z0-9_./*-]*`' "$document" | tr -d '`' | sort -u)
done
exit $missing
