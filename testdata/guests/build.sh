#!/bin/sh
# Builds the guests of the tests and the benchmarks.
#
#   build.sh          builds every C guest anew, into this folder, and every Rust guest, into rust/
#   build.sh --check  builds them elsewhere and fails when a committed file differs; says so if it cannot build the Rust guests
#   build.sh --go DIR builds the Go guests into DIR (they are megabytes each, so they are not committed)
#
# Needs zig for the C guests (ziglang of PyPI, version 0.17; or set ZIG to a zig program), go for the Go guests, and for the
# Rust guests the release of Rust below with its target (rustup target add wasm32-wasip1).
set -eu
cd "$(dirname "$0")"
zig=${ZIG:-python3 -m ziglang}
rust=1.95.0

# C guests that use WASI: a command has _start, a reactor has _initialize and exports.
commands="hello readfd"
reactors="fileio plugin relay"
# What test/matrix runs, and compiles for the host too: a command that is to be small.
probes="probe"
# C guests that use nothing but the language: no imports but those that the source declares.
plain="add hostloop small wasiloop"
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

# Whether the Rust at hand is the one that the committed guests were built with: another one builds other files.
has_rust() {
    case $(rustc --version 2>/dev/null) in "rustc $rust "*) ;; *) return 1 ;; esac
    [ -d "$(rustc --print target-libdir --target wasm32-wasip1)" ]
}

build_rust() {
    mkdir -p "$out/rust"
    for dir in rust/*/; do
        name=$(basename "$dir")
        built=$(mktemp -d)
        # The names of folders get into messages of panics.
        (cd "$dir" && RUSTFLAGS="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo" CARGO_TARGET_DIR=$built \
            cargo build --quiet --locked --release --target wasm32-wasip1)
        install -m 644 "$built/wasm32-wasip1/release/$name.wasm" "$out/rust/$name.wasm"
        rm -rf "$built"
    done
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
    has_rust || { echo "build.sh: the Rust guests need Rust $rust with the target wasm32-wasip1" >&2; exit 1; }
    build_rust
    ;;
--check)
    out=$(mktemp -d)
    trap 'rm -rf "$out"' EXIT
    build_c
    if has_rust; then
        build_rust
    else
        echo "build.sh: the Rust guests were not checked: that takes Rust $rust with the target wasm32-wasip1"
    fi
    status=0
    for f in "$out"/*.wasm "$out"/rust/*.wasm; do
        [ -e "$f" ] || continue
        name=${f#"$out"/}
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
