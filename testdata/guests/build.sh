#!/bin/sh
# Builds the guests of the tests and the benchmarks.
#
#   build.sh          builds every C guest anew, into this folder
#   build.sh --check  builds them elsewhere and fails when a committed file differs
#   build.sh --go DIR builds the Go guests into DIR (they are megabytes each, so they are not committed)
#
# Needs zig for the C guests (ziglang of PyPI, version 0.17; or set ZIG to a zig program), and go for the Go guests.
set -eu
cd "$(dirname "$0")"
zig=${ZIG:-python3 -m ziglang}

# C guests that use WASI: a command has _start, a reactor has _initialize and exports.
commands="hello readfd"
reactors="fileio relay"
# What test/matrix runs, and compiles for the host too: a command that is to be small.
probes="probe"
# C guests that use nothing but the language: no imports except those that the source declares.
plain="add hostloop small"
kernels="nbody sha256 sort json"

common="-O2 -g0 -s -std=c11 -Wall -Wextra -Werror"
bare="-target wasm32-freestanding -nostdlib -Wl,--no-entry -Wl,-z,stack-size=32768"

cc() { # the words of $1 are options, $2 is the name of the guest
    $zig cc $common $1 -o "$out/$2.wasm" "c/$2.c"
    chmod 644 "$out/$2.wasm"
}

build_c() {
    for g in $commands; do cc "-target wasm32-wasi -Wl,-z,stack-size=65536" "$g"; done
    for g in $reactors; do cc "-target wasm32-wasi -Wl,-z,stack-size=65536 -mexec-model=reactor" "$g"; done
    for g in $probes; do cc "-target wasm32-wasi -Oz -std=gnu11" "$g"; done
    for g in $plain $kernels; do cc "$bare" "$g"; done
}

build_go() {
    for dir in go/*/; do
        name=$(basename "$dir") mode=exe
        ! grep -q '^//go:wasmexport' "$dir/main.go" || mode=c-shared
        GOOS=wasip1 GOARCH=wasm go build -trimpath -ldflags=-s -buildmode="$mode" -o "$out/$name.wasm" "$dir/main.go"
    done
}

case ${1:-} in
'')
    out=.
    build_c
    ;;
--check)
    out=$(mktemp -d)
    trap 'rm -rf "$out"' EXIT
    build_c
    status=0
    for f in "$out"/*.wasm; do
        name=$(basename "$f")
        cmp -s "$f" "$name" || { echo "testdata/guests/$name is not what build.sh builds" >&2; status=1; }
    done
    exit $status
    ;;
--go)
    out=$2
    mkdir -p "$out"
    build_go
    ;;
*)
    echo "usage: build.sh [--check | --go DIR]" >&2
    exit 2
    ;;
esac
