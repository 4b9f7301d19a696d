#!/usr/bin/env bash
# Records a command once, then again and again like that, and counts the runs that compare clean.
#
#   SAMESTATE=target/release/samestate tracer/benches/again.sh 20 -- sh -c 'cat /etc/passwd | sort'
set -euo pipefail
times=$1
[ "$2" = -- ] || { echo "usage: again.sh TIMES -- COMMAND" >&2; exit 2; }
shift 2
samestate=$(realpath "${SAMESTATE:-target/release/samestate}")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
unset OLDPWD
# Every run finds the same folder, and nothing in it.
run() {
    rm -rf "$folder/work"
    mkdir "$folder/work"
    (cd "$folder/work" && exec "$samestate" record -o "$@" < /dev/null > "$folder/said" 2> "$folder/told")
}
run "$folder/first" -- "$@"
clean=0
for ((at = 1; at <= times; at++)); do
    run "$folder/again" --like "$folder/first" -- "$@"
    if "$samestate" compare "$folder/first" "$folder/again" > "$folder/found"; then
        clean=$((clean + 1))
    else
        cat "$folder/found"
    fi
done
echo "$clean of $times runs compare clean"
[ "$clean" = "$times" ]
