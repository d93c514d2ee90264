#!/bin/sh
# Builds the guests of the tests and the benchmarks.
#
#   build.sh          builds every C guest anew, into this folder, every Rust guest, into rust/, and all components
#   build.sh --check  builds them elsewhere and fails when a committed file differs; says so if it cannot build the Rust guests
#   build.sh --go DIR builds the Go guests into DIR (they are megabytes each, so they are not committed)
#
# Components are the guests in Rust below wasip2/, and the probe once more: that by adapt/, a program in Rust that is built
# in the user's cache folder.
#
# Needs zig for the C guests (ziglang of PyPI, version 0.17; or set ZIG to a zig program), go for the Go guests, and for the
# Rust guests the release of Rust below with its targets (rustup target add wasm32-wasip1 wasm32-wasip2).
set -eu
cd "$(dirname "$0")"
zig=${ZIG:-python3 -m ziglang}
rust=1.95.0

# C guests that use WASI: a command has _start, a reactor has _initialize and exports.
commands="hello readfd"
reactors="fileio plugin relay"
# What test/matrix runs, and compiles for the host too: a command that is to be small.
probes="probe"
# The same as a component of WASI 0.2, with the adapter of WASI 0.1 for commands in it.
adapted="probe"
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

build_adapted() {
    case $(uname) in Darwin) caches=$HOME/Library/Caches ;; *) caches=${XDG_CACHE_HOME:-$HOME/.cache} ;; esac
    built=${GOWASMTIME_ADAPT:-$caches/gowasmtime/adapt}
    (cd adapt && CARGO_TARGET_DIR=$built cargo build --quiet --locked)
    mkdir -p "$out/components"
    for g in $adapted; do
        module=$(mktemp)
        $zig cc $common -target wasm32-wasi -Oz -std=gnu11 -DADAPTED -o "$module" "c/$g.c"
        "$built/debug/adapt" "$module" "$out/components/$g.wasm"
        chmod 644 "$out/components/$g.wasm"
        rm "$module"
    done
}

# Whether the Rust at hand is the one that the committed guests were built with: another one builds other files.
has_rust() {
    case $(rustc --version 2>/dev/null) in "rustc $rust "*) ;; *) return 1 ;; esac
    [ -d "$(rustc --print target-libdir --target wasm32-wasip1)" ] && [ -d "$(rustc --print target-libdir --target wasm32-wasip2)" ]
}

build_rust() { # build_rust FROM TARGET TO
    mkdir -p "$out/$3"
    for dir in "$1"/*/; do
        name=$(basename "$dir")
        built=$(mktemp -d)
        # The names of folders get into messages of panics.
        (cd "$dir" && RUSTFLAGS="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo" CARGO_TARGET_DIR=$built \
            cargo build --quiet --locked --release --target "$2")
        install -m 644 "$built/$2/release/$name.wasm" "$out/$3/$name.wasm"
        rm -rf "$built"
    done
}

build_all_rust() {
    build_rust rust wasm32-wasip1 rust
    build_rust wasip2 wasm32-wasip2 components
    build_adapted
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
    has_rust || { echo "build.sh: the Rust guests need Rust $rust with the targets wasm32-wasip1 and wasm32-wasip2" >&2; exit 1; }
    build_all_rust
    ;;
--check)
    out=$(mktemp -d)
    trap 'rm -rf "$out"' EXIT
    build_c
    if has_rust; then
        build_all_rust
    else
        echo "build.sh: the Rust guests were not checked: that takes Rust $rust with the targets wasm32-wasip1 and wasm32-wasip2"
    fi
    status=0
    for f in "$out"/*.wasm "$out"/rust/*.wasm "$out"/components/*.wasm; do
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
