# Read by the other scripts here: what a command costs.

times=$(mktemp)
trap 'rm -f "$times"' EXIT

# is_there NAME COMMAND COLUMNS: whether there is such a program; a row says so if there is none.
is_there() {
    command -v "$2" >/dev/null && return
    printf '| %s | not found |%s\n' "$1" "$(printf ' |%.0s' $(seq 2 "$3"))"
    return 1
}

# fastest RUNS COMMAND...: wall seconds, CPU seconds and peak kilobytes of the fastest run. What the
# command prints is thrown away, and findings are no failures.
fastest() {
    local count=$1
    shift
    : >"$times"
    for _ in $(seq "$count"); do
        /usr/bin/time -a -o "$times" -f '%e %U %S %M' "$@" >/dev/null 2>&1 || true
    done
    grep -E '^[0-9.]+ [0-9.]+ [0-9.]+ [0-9]+$' "$times" | sort -n | head -1 |
        awk '{ print $1, $2 + $3, $4 }'
}
