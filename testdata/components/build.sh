#!/bin/sh
# Builds components in several languages into a cache, for test/components: the world in wit/, from what is below c/,
# rust/, js/ and python/; commands of WASI 0.2, from jsprogram/ and pyprogram/; and handlers of wasi:http 0.2, from
# chttp/, jshttp/ and pyhttp/. That in Rust is one of testdata/guests.
#
#   build.sh [NAME…]     builds these, or all, which are in all below; those that are there already are left
#   build.sh --sum NAME  prints what the name of a built component has of its sources
#
# The cache is $GOWASMTIME_COMPONENTS, or gowasmtime/components in the user's cache folder. A component that cannot be
# built leaves a file with the reason there, which the test says. The toolchains come from the registries of npm, PyPI
# and crates, in the versions below, and into the cache; needed are node with npm, python3 with venv, and cargo with the
# target wasm32-unknown-unknown (rustup target add wasm32-unknown-unknown). It takes some minutes the first time.
set -eu
cd "$(dirname "$0")"
here=$PWD
case $(uname) in Darwin) caches=$HOME/Library/Caches ;; *) caches=${XDG_CACHE_HOME:-$HOME/.cache} ;; esac
cache=${GOWASMTIME_COMPONENTS:-$caches/gowasmtime/components}
tools=$cache/tools

jco=1.35.0 componentize_js=0.23.0 componentize_py=0.25.1 ziglang=0.17.1 wit_bindgen=0.63.0
# The crate that has WASI's interfaces as texts, here those of 0.2.0, the oldest.
wasi=0.13.0

all="c chttp js jshttp jsprogram pyhttp pyprogram python rust"

# A digest of the sources, as package components makes it.
sum() {
    digest=sha256sum
    command -v $digest >/dev/null || digest="shasum -a 256"
    find build.sh wit "$1" -type f | grep -v '/[._]' | LC_ALL=C sort | xargs cat | $digest | cut -c1-16
}

if [ "${1:-}" = --sum ]; then
    sum "$2"
    exit
fi

mkdir -p "$tools"
cache=$(cd "$cache" && pwd)
tools=$cache/tools

# need TOOL…: what has to be there already.
need() {
    for tool; do command -v "$tool" >/dev/null || { echo "$tool is not installed" >&2; return 1; }; done
}

npm_tools() {
    need node npm || return 1
    [ -e "$tools/js/$jco-$componentize_js" ] && return
    mkdir -p "$tools/js"
    (cd "$tools/js" && echo '{"private": true}' >package.json && npm install --no-audit --no-fund --silent \
        "@bytecodealliance/jco@$jco" "@bytecodealliance/componentize-js@$componentize_js") || return 1
    touch "$tools/js/$jco-$componentize_js"
}

python_tools() { # NAME PACKAGE…: a virtual environment
    need python3 || return 1
    venv=$tools/$1
    shift
    [ -e "$venv/installed-$*" ] && return
    python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check "$@" || return 1
    touch "$venv/installed-$*"
}

# A component of a core module that has its world in a custom section.
new() { "$tools/js/node_modules/.bin/jco" new "$1" -o "$2"; }

build_rust() {
    need cargo rustc || return 1
    [ -d "$(rustc --print target-libdir --target wasm32-unknown-unknown)" ] ||
        { echo "Rust has no target wasm32-unknown-unknown" >&2; return 1; }
    npm_tools || return 1
    (cd rust && CARGO_TARGET_DIR=$tools/rust cargo build --quiet --locked --release --target wasm32-unknown-unknown) &&
        new "$tools/rust/wasm32-unknown-unknown/release/plugin.wasm" "$1"
}

# The interfaces of WASI, in $tools/wit/$wasi/wasi/wit.
wasi_wit() {
    need cargo || return 1
    [ ! -e "$tools/wit/$wasi/wasi/wit" ] || return 0
    mkdir -p "$tools/wit/src" && touch "$tools/wit/src/lib.rs" || return 1
    (cd "$tools/wit" && printf '[package]\nname = "wit"\nedition = "2024"\n[dependencies]\nwasi = "=%s"\n[workspace]\n' $wasi \
        >Cargo.toml && cargo vendor --quiet $wasi >/dev/null)
}

# c_component WIT WORLD NAME SOURCE OUT: a component in C of a world; NAME is what wit-bindgen calls the world.
c_component() {
    need cargo || return 1
    npm_tools && python_tools zig "ziglang==$ziglang" || return 1
    [ -x "$tools/wit-bindgen/bin/wit-bindgen" ] ||
        CARGO_TARGET_DIR=$tools/rust cargo install --quiet --debug --locked --no-default-features --features c \
            --root "$tools/wit-bindgen" "wit-bindgen-cli@$wit_bindgen" || return 1
    bindings=$(mktemp -d)
    "$tools/wit-bindgen/bin/wit-bindgen" c "$1" --world "$2" --out-dir "$bindings" >/dev/null &&
        "$tools/zig/bin/python" -m ziglang cc -target wasm32-wasi -mexec-model=reactor -Os -s -std=c11 -Wall -Wextra \
            -I "$bindings" "$4" "$bindings/$3.c" "$bindings/$3_component_type.o" -o "$bindings/core.wasm" &&
        new "$bindings/core.wasm" "$5" || { rm -rf "$bindings"; return 1; }
    rm -rf "$bindings"
}

build_c() { c_component wit plugin plugin c/plugin.c "$1"; }

build_chttp() {
    wasi_wit && c_component "$tools/wit/$wasi/wasi/wit" wasi:http/proxy@0.2.0 proxy chttp/handler.c "$1"
}

build_js() {
    npm_tools || return 1
    cp js/build.mjs "$tools/js/" && (cd "$tools/js" && node build.mjs "$here/wit" "$here/js/plugin.js" "$1")
}

# Without WASI: what Python calls of it traps.
build_python() {
    python_tools python "componentize-py==$componentize_py" || return 1
    "$tools/python/bin/componentize-py" -q -d wit -w plugin componentize --stub-wasi -p python -o "$1" app
}

build_jsprogram() {
    npm_tools || return 1
    cp jsprogram/build.mjs "$tools/js/program.mjs" &&
        (cd "$tools/js" && node program.mjs "$here/jsprogram/wit" "$here/jsprogram/program.js" "$1")
}

build_jshttp() {
    npm_tools || return 1
    cp jshttp/build.mjs "$tools/js/http.mjs" &&
        (cd "$tools/js" && node http.mjs "$here/jshttp/wit" "$here/jshttp/handler.js" "$1")
}

build_pyhttp() {
    wasi_wit && python_tools python "componentize-py==$componentize_py" || return 1
    "$tools/python/bin/componentize-py" -q -d "$tools/wit/$wasi/wasi/wit" -w wasi:http/proxy@0.2.0 \
        componentize -p pyhttp -o "$1" app
}

build_pyprogram() {
    python_tools python "componentize-py==$componentize_py" || return 1
    "$tools/python/bin/componentize-py" -q -d pyprogram/wit -w program componentize -p pyprogram -o "$1" app
}

status=0
[ $# -gt 0 ] || set -- $all
for name; do
    out=$cache/$name-$(sum "$name")
    [ ! -e "$out.wasm" ] || continue
    started=$(date +%s)
    if "build_$name" "$out.tmp" >"$out.log" 2>&1; then
        mv "$out.tmp" "$out.wasm"
        rm -f "$out.log" "$out.error"
        echo "$name: $(($(wc -c <"$out.wasm"))) bytes in $(($(date +%s) - started)) s"
    else
        rm -f "$out.tmp"
        tail -n 20 "$out.log" >"$out.error"
        echo "build.sh: $name was not built:" >&2
        cat "$out.error" >&2
        status=1
    fi
done
exit $status
