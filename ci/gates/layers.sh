#!/usr/bin/env bash
# Who may import whom. A crate that is not named here fails; so does a dependency that is not.
set -euo pipefail
cd "$(dirname "$0")/../.."

# crate: what its own code may depend on (tests and benches may use more)
allowed() {
    case "$1" in
    samestate-schema) ;;
    samestate-image) echo samestate-schema blake3 crc32fast lz4_flex zstd ;;
    samestate-macros) echo samestate-schema proc-macro2 quote syn ;;
    samestate) echo samestate-schema samestate-image samestate-macros libc rustix indexmap ndarray serde smallvec ;;
    samestate-report) echo samestate-schema annotate-snippets anstyle quick-junit serde serde-sarif serde_json \
        xxhash-rust ;;
    samestate-analyzer)
        echo samestate-schema samestate-report cargo_metadata crc32fast object gimli memchr rayon syn \
            proc-macro2 quote rustc-demangle serde serde_json strsim thiserror toml xxhash-rust
        ;;
    samestate-symbols) echo addr2line gimli object rustc-demangle thiserror ;;
    samestate-tracer)
        echo samestate-schema samestate-report samestate-symbols libc crc32fast lz4_flex memchr tempfile thiserror xxhash-rust
        ;;
    samestate-cli)
        echo samestate-schema samestate-analyzer samestate-tracer samestate-image samestate-report \
            anstream cargo_metadata clap indicatif serde serde_json shlex signal-hook tempfile
        ;;
    # Programs that use samestate as a user does.
    particles) echo samestate ;;
    # A program that has never heard of us.
    machine) ;;
    *) return 1 ;;
    esac
}

failed=0
complain() {
    echo "$*" >&2
    failed=1
}

members=$(cargo tree --workspace --depth 0 --prefix none --format '{p}' --locked | awk 'NF {print $1}' | sort -u)
for crate in $members; do
    if ! permitted=$(allowed "$crate"); then
        complain "$crate: not in the table of this gate"
        continue
    fi
    if ! tree=$(cargo tree --package "$crate" --all-features --edges normal,build --depth 1 \
        --prefix none --format '{p}' --locked); then
        complain "the dependencies of $crate cannot be read"
        continue
    fi
    for dependency in $(awk 'NF {print $1}' <<<"$tree" | tail -n +2 | sort -u); do
        case " $(echo $permitted) " in
        *" $dependency "*) ;;
        *) complain "$crate must not depend on $dependency" ;;
        esac
    done
done

# Inside a crate: each of these libraries has one place.
only_in() {
    local library=$1 crate=$2 place=$3 hits
    hits=$(grep -rlE "\b$library::" "$crate/src" --include='*.rs' | grep -vE "^$crate/src/($place)" || true)
    [ -z "$hits" ] || complain "$library is used outside $crate/src/$place: $hits"
}
only_in gimli analyzer 'dwarf/'
only_in object analyzer 'load'
only_in object symbols 'file\.rs'

# `unsafe` has its places, too.
hits=$(grep -rlE '\bunsafe (\{|fn|impl|extern)' --include='*.rs' schema/src macros/src report/src analyzer/src symbols/src cli/src tracer/src examples |
    grep -vE '^tracer/src/sys' || true)
for file in $hits; do
    # The derive may quote no unsafe code either, so a plain search is right for it, too.
    complain "$file: unsafe code outside runtime, image and tracer/src/sys"
done
exit $failed
