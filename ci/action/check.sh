#!/usr/bin/env bash
# Runs the gate once: annotations in the log, a summary of the job, and a file for code scanning.
# Ends as `samestate check` does: 0 clean, 1 findings, 2 usage or configuration, 3 could not check.
set -euo pipefail

folder=$(mktemp -d "${RUNNER_TEMP:-/tmp}/samestate.XXXXXX")
sarif=$folder/samestate.sarif
text=$folder/samestate.txt
errors=$folder/errors

words=(check --format "${CHECK_FORMAT:-github}" --report "sarif=$sarif" --report "text=$text")
if [ -n "${CHECK_CONFIG:-}" ]; then words+=(--config "$CHECK_CONFIG"); fi
if [ -n "${CHECK_FAIL_ON:-}" ]; then words+=(--fail-on "$CHECK_FAIL_ON"); fi
if [ -z "${CHECK_BINARY:-}" ]; then words+=(--build); fi
if [ -n "${CHECK_PACKAGE:-}" ]; then words+=(--package "$CHECK_PACKAGE"); fi

baseline=${CHECK_BASELINE:-}
if [ -z "$baseline" ] && [ -n "${GITHUB_BASE_REF:-}" ]; then
    baseline=origin/$GITHUB_BASE_REF
fi
case $baseline in
-*)
    # git would take it for an option.
    echo "::error title=samestate::the baseline '$baseline' is no revision"
    exit 2
    ;;
esac
if [ -n "$baseline" ] && [ "$baseline" != none ]; then
    # A checkout for a job has one commit and one branch.
    if ! git rev-parse --verify --quiet "$baseline^{commit}" >/dev/null; then
        branch=${baseline#origin/}
        words_of_fetch=(fetch --quiet --no-tags)
        # A clone that has all of its history keeps it.
        if [ "$(git rev-parse --is-shallow-repository 2>/dev/null)" = true ]; then
            words_of_fetch+=(--depth=1)
        fi
        git "${words_of_fetch[@]}" origin \
            "+refs/heads/$branch:refs/remotes/origin/$branch" 2>/dev/null ||
            git "${words_of_fetch[@]}" origin "$baseline" || true
    fi
    words+=(--baseline "$baseline")
fi
if [ -n "${CHECK_BINARY:-}" ]; then words+=(-- "$CHECK_BINARY"); fi

code=0
"${SAMESTATE:-samestate}" "${words[@]}" 2>"$errors" || code=$?
cat "$errors" >&2

case $code in
0) verdict="clean" ;;
1) verdict="failed" ;;
2) verdict="not configured" ;;
3) verdict="could not check everything" ;;
*) verdict="ended with $code" ;;
esac
if [ ! -s "$sarif" ]; then
    # There is no report: what stands in the log must be seen in the review, too.
    sarif=
    message=$(grep '^error: ' "$errors" | tail -n 1 | sed 's/^error: //; s/%/%25/g' || true)
    echo "::error title=samestate::${message:-$verdict; the log of this job says why}"
    grep -v '^ *Compiling ' "$errors" >"$text" || true
fi
{
    echo "exit-code=$code"
    echo "sarif-file=$sarif"
} >>"$GITHUB_OUTPUT"
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
    {
        echo "### samestate: $verdict"
        echo
        # Indented, it is text whatever it says. GitHub takes a megabyte.
        head -c 500000 "$text" | sed 's/^/    /'
    } >>"$GITHUB_STEP_SUMMARY"
fi
exit "$code"
