#!/usr/bin/env bash
# Runs samestate and other readers of debug information over one program, one after the other, and
# prints a table for docs/BENCHMARKS-analyzer.md.
#
#   analyzer/benches/readers.sh SAMESTATE PROGRAM ROOT [RUNS]
#
# SAMESTATE is a release build. Of RUNS runs (3) the fastest counts. Programs that are not installed
# are named as not found.
set -euo pipefail

samestate=$1 program=$2 root=$3 runs=${4:-3}
info=$((16#$(readelf -SW "$program" | sed -n 's/.* \.debug_info  *PROGBITS  *[0-9a-f]* [0-9a-f]* \([0-9a-f]*\) .*/\1/p')))
times=$(mktemp)
trap 'rm -f "$times"' EXIT

echo "$(basename "$program"): $info bytes of .debug_info, $(nproc) processors, load $(cut -d' ' -f1 /proc/loadavg)"
echo
echo "| program | wall s | CPU s | MB/s wall | MB per CPU s | peak MB | peak by .debug_info |"
echo "|---|---:|---:|---:|---:|---:|---:|"

# run NAME COMMAND...: what the command prints is thrown away, and findings are no failures.
run() {
    local name=$1
    shift
    if ! command -v "$1" >/dev/null; then
        echo "| $name | not found | | | | | |"
        return
    fi
    : >"$times"
    for _ in $(seq "$runs"); do
        /usr/bin/time -a -o "$times" -f '%e %U %S %M' "$@" >/dev/null 2>&1 || true
    done
    grep -E '^[0-9.]+ [0-9.]+ [0-9.]+ [0-9]+$' "$times" | sort -n | head -1 |
        awk -v name="$name" -v info="$info" '{
            cpu = $2 + $3
            printf "| %s | %.2f | %.2f | %.1f | %.1f | %.0f | %.1fx |\n", name, $1, cpu,
                info / 1e6 / $1, info / 1e6 / cpu, $4 * 1024 / 1e6, $4 * 1024 / info
        }'
}

run "samestate coverage" "$samestate" coverage "$program" --root "$root"
run "ddbug" ddbug -c type "$program"
run "pahole" pahole "$program"
run "abidw" abidw --out-file /dev/null "$program"
