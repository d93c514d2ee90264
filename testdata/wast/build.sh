#!/bin/sh
# Translates the scripts of this folder: NAME.wast becomes NAME/NAME.json, with its modules beside it.
#
#   build.sh          translates every script anew
#   build.sh --check  does so elsewhere and fails when a committed file differs; says so if it cannot
#
# Needs the release of wasm-tools below (cargo install wasm-tools --version 1.263.0 --locked).
set -eu
cd "$(dirname "$0")"
version=1.263.0

translate() { # translate FOLDER: all scripts into it
    for script in *.wast; do
        name=${script%.wast}
        rm -rf "$1/${name:?}"
        mkdir -p "$1/$name"
        wasm-tools json-from-wast --pretty "$script" --wasm-dir "$1/$name" -o "$1/$name/$name.json"
    done
}

case $(wasm-tools --version 2>/dev/null || true) in
"wasm-tools $version"*) ;;
*)
    echo "build.sh: the scripts were not translated: that takes wasm-tools $version" >&2
    [ "${1:-}" = --check ]
    exit
    ;;
esac

case ${1:-} in
'') translate . ;;
--check)
    out=$(mktemp -d)
    trap 'rm -rf "$out"' EXIT
    translate "$out"
    for script in *.wast; do diff -r "${script%.wast}" "$out/${script%.wast}"; done
    ;;
*)
    echo "build.sh: '$1' is no option; there is --check" >&2
    exit 2
    ;;
esac
