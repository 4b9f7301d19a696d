#!/usr/bin/env bash
# Compares two builds of one program, and two locks of made-up types, with samestate and with other
# tools, one after the other, and prints tables for docs/BENCHMARKS-analyzer.md.
#
#   analyzer/benches/drift.sh SAMESTATE OLD NEW ROOT [RUNS]
#
# SAMESTATE is a release build. Of RUNS runs (3) the fastest counts; the others run once, since they
# take long. Programs that are not installed are named as not found.
set -euo pipefail

samestate=$1 old=$2 new=$3 root=$4 runs=${5:-3}
. "$(dirname "$0")/times.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder" "$times"' EXIT

# row NAME RUNS COMMAND...: leaves wall seconds in `wall`.
row() {
    local name=$1 cpu peak
    shift
    is_there "$name" "$2" 3 || return 0
    read -r wall cpu peak < <(fastest "$@")
    awk -v name="$name" -v wall="$wall" -v cpu="$cpu" -v peak="$peak" \
        'BEGIN { printf "| %s | %.3f | %.2f | %.0f |\n", name, wall, cpu, peak * 1024 / 1e6 }'
}

# A lock of 10,000 types with 90,000 fields; of the type with this number, one more.
made_up() {
    awk -v more="$1" 'BEGIN {
        print "samestate lock 1\n\nroot sim::m000::Type00000\n"
        split("u8 u16 u32 u64 f32 bool String Vec<u8> Option<u32>", types, " ")
        split("%s Box<%s> Vec<%s> Option<Box<%s>>", holders, " ")
        for (i = 0; i < 10000; i++) {
            printf "struct sim::m%03d::Type%05d {\n  version 1\n", i / 100, i
            for (f = 0; f < 7; f++)
                printf "  saved field_%d: %s\n", f, types[(i * 7 + f) % 9 + 1]
            for (c = 1; c <= 2; c++) {
                child = 2 * i + c
                if (child >= 10000) continue
                name = sprintf("sim::m%03d::Type%05d", child / 100, child)
                printf "  saved child_%d: " holders[(i + c) % 4 + 1] "\n", c, name
            }
            if (i == more) print "  saved added: u32"
            print "}\n"
        }
        print "end"
    }'
}

echo "$(basename "$old"): $(nproc) processors, load $(cut -d' ' -f1 /proc/loadavg)"
echo
echo "| two programs | wall s | CPU s | peak MB |"
echo "|---|---:|---:|---:|"
row "samestate coverage, old" "$runs" "$samestate" coverage "$old" --root "$root" --statics none
reading=$wall
row "samestate coverage, new" "$runs" "$samestate" coverage "$new" --root "$root" --statics none
reading=$(awk "BEGIN { print $reading + $wall }")
row "samestate drift" "$runs" "$samestate" drift "$old" "$new" --root "$root"
ratio=$(awk "BEGIN { printf \"%.2f\", $wall / $reading }")
row "ddbug --diff" 1 ddbug -c type --diff "$old" "$new"
row "abidiff" 1 abidiff "$old" "$new"
echo
echo "samestate drift takes $ratio times what reading both programs takes."

made_up -1 >"$folder/old.lock"
made_up 5000 >"$folder/new.lock"
echo
echo "| two locks of 10,000 types | wall s | CPU s | peak MB |"
echo "|---|---:|---:|---:|"
row "samestate drift, the same" "$runs" "$samestate" drift "$folder/old.lock" "$folder/old.lock"
row "samestate drift, one field more" "$runs" "$samestate" drift "$folder/old.lock" "$folder/new.lock"
