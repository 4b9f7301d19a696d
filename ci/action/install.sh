#!/usr/bin/env bash
# Tells the next step which samestate to run: SAMESTATE, else the one on the path, else the one of
# this revision, which is built, unless a cache has brought it.
set -euo pipefail

tool=${SAMESTATE:-}
if [ -z "$tool" ]; then
    tool=$(command -v samestate || true)
fi
if [ -z "$tool" ]; then
    root=${RUNNER_TEMP:?}/samestate
    if [ ! -x "$root/bin/samestate" ]; then
        cargo install --quiet --locked --path "$(dirname "$0")/../../cli" --root "$root"
    fi
    tool=$root/bin/samestate
fi
if ! "$tool" --version; then
    echo "::error title=samestate::$tool is no samestate that can be run"
    exit 2
fi
echo "samestate=$tool" >>"$GITHUB_OUTPUT"
