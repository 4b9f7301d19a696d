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
. "$(dirname "$0")/times.sh"

echo "$(basename "$program"): $info bytes of .debug_info, $(nproc) processors, load $(cut -d' ' -f1 /proc/loadavg)"
echo
echo "| program | wall s | CPU s | MB/s wall | MB per CPU s | peak MB | peak by .debug_info |"
echo "|---|---:|---:|---:|---:|---:|---:|"

# run NAME COMMAND...
run() {
    local name=$1
    shift
    is_there "$name" "$1" 6 || return 0
    fastest "$runs" "$@" | awk -v name="$name" -v info="$info" '{
        printf "| %s | %.2f | %.2f | %.1f | %.1f | %.0f | %.1fx |\n", name, $1, $2,
            info / 1e6 / $1, info / 1e6 / $2, $3 * 1024 / 1e6, $3 * 1024 / info
    }'
}

run "samestate coverage" "$samestate" coverage "$program" --root "$root"
run "ddbug" ddbug -c type "$program"
run "pahole" pahole "$program"
run "abidw" abidw --out-file /dev/null "$program"
